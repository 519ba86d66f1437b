"""From a clone on a fresh Debian 12 to a mail program that is signed in, as the README tells it."""

from __future__ import annotations

import os
import re
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from checkout.fresh_machine import PLACE, Machine, fresh_machine
from checkout.terminal import Terminal
from debian import REPOSITORY
from peers import missing, require

pytestmark = pytest.mark.long

README = (REPOSITORY / "README.md").read_text()
PORTS = (8025, 2143, 2993, 2110, 2995, 2587, 2465)
READY = "Sidegate is ready\\."
DOWNLOAD = 900.0
"""Seconds that a slow network may take before the test gives up."""


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def commands(title: str) -> list[str]:
    """What a section gives to type."""
    return re.findall(r"(?ms)^```sh\n(.*?)\n```$", section(title))


START, _TESTS = commands("Try it")  # the tests are no step on the way to a mail program
(SIGN_IN,) = commands("Then, as on the help page")
STEPS = section("Then, as on the help page")


@pytest.fixture(scope="module", autouse=True)
def _can_be_tried_here() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can start a fresh machine")
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as problem:
                missing(f"port {port}, which the README names, is not free: {problem.strerror}")


@pytest.fixture(scope="module")
def caches() -> Iterator[Path]:
    """What the machines of this module have downloaded."""
    PLACE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="downloads-", dir=PLACE) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """The person's own browser: it belongs to no machine of these tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=require("chromium"), args=["--no-sandbox"]
        )
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        yield context.new_page()
        browser.close()


@pytest.fixture
def say(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], None]:
    """Print a line that a passing test shows too."""

    def write(line: str) -> None:
        with capsys.disabled():
            request.config.get_terminal_writer().line(f"\n{line}")

    return write


@dataclass
class Person:
    """Somebody at a browser, who remembers what she clicked."""

    page: Page
    clicked: list[str] = field(default_factory=list)

    def press(self, name: str) -> None:
        self.clicked.append(name)
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        self.clicked.append(name)
        self.page.get_by_role("link", name=re.compile(f"^{name}( Off| On|$)")).click()

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label).fill(text)

    def choose(self, label: str, option: str) -> None:
        self.page.get_by_label(label).select_option(label=option)


def test_signed_in_with_an_app_password_within_five_minutes(
    page: Page, caches: Path, say: Callable[[str], None]
) -> None:
    person = Person(page)
    with fresh_machine(caches=caches) as machine:
        machine.clone()
        with machine.terminal(START) as terminal:
            whole = until_ready(terminal)
            address, password = shown_account(terminal)
            secret, walk = timed(lambda: app_password(person, terminal, address, password))
            folders, signed_in = timed(lambda: sign_in(machine, secret))
            assert terminal.interrupt() == 0
    assert "INBOX" in folders
    named = iter(person.clicked)
    assert all(word in named for word in re.findall(r"\*\*(.+?)\*\*", STEPS)), person.clicked

    # Once more, with all that was downloaded. What it still asks the network (pip its index) is
    # counted as ours, so the time without download is rather too long than too short.
    with fresh_machine(caches=caches) as machine:
        machine.clone()
        with machine.terminal(START) as terminal:
            setting_up = until_ready(terminal)
            assert terminal.interrupt() == 0
    total = setting_up + walk + signed_in
    say(
        f"From a clone to an app password that works: {total:.0f} s without download"
        f" (set-up {setting_up:.0f} s, browser {walk:.1f} s, sign-in {signed_in:.1f} s);"
        f" set-up with all it downloads: {whole:.0f} s"
    )
    assert total < 300


def until_ready(terminal: Terminal) -> float:
    """How long it took, in seconds."""
    terminal.wait_for(READY, within=DOWNLOAD)
    return time.monotonic() - terminal.started


def timed(action: Callable[[], str]) -> tuple[str, float]:
    started = time.monotonic()
    return action(), time.monotonic() - started


def shown_account(terminal: Terminal) -> tuple[str, str]:
    shown = terminal.wait_for(r"Sign in as +(\S+) +password +(\S+)")
    return shown[1], shown[2]


def app_password(person: Person, terminal: Terminal, address: str, password: str) -> str:
    """Do what the README's numbered steps say, in their order."""
    found = re.search(r"Open (http://\S+) and sign in", STEPS)
    assert found
    person.page.goto(found[1])
    person.fill("Email", address)
    person.fill("Password", password)
    person.press("Next")
    person.press("Apps")
    person.follow("Account")
    person.follow("Security")
    expect(person.page.get_by_role("link", name="2-Step Verification Off")).to_be_visible()
    turn_on(person, terminal, password)
    person.page.get_by_role("link", name="Back to Security").click()
    person.follow("App passwords")
    person.fill("Password", password)
    person.press("Sign in")
    person.choose("Select app", "Mail")
    person.choose("Select device", "Windows Computer")
    person.press("Generate")
    person.press("Copy")
    expect(person.page.locator("#live")).not_to_be_empty()
    copied = person.page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch("[a-z]{16}", copied)
    return str(copied)


def turn_on(person: Person, terminal: Terminal, password: str) -> None:
    person.follow("2-Step Verification")
    person.press("Continue")
    person.fill("Password", password)
    person.press("Next")
    person.fill("Phone number", "+371 20 000 000")
    person.page.get_by_label("Text message").check()
    person.press("Next")
    person.fill("Code", terminal.wait_for(r"\+37120000000: (\d{6})")[1])
    person.press("Next")
    person.press("Turn on")


def sign_in(machine: Machine, secret: str) -> str:
    """Give the README's curl the app password where it asks; this machine's, as the browser is."""
    require("curl")
    with Terminal(["sh", "-c", SIGN_IN], folder=machine.checkout) as curl:
        curl.wait_for("password for user")
        curl.type(f"{secret}\n")
        status = curl.finish()
        assert status == 0, curl.shown
        return curl.shown


def test_an_ordinary_user_where_the_packages_are(caches: Path) -> None:
    with fresh_machine(caches=caches, user="anna") as machine:
        machine.run_as_root("useradd --create-home --shell /bin/sh anna")
        machine.clone()
        with machine.terminal(START) as terminal:
            line = terminal.wait_for(r"as root: (apt-get install .*)")[1]
            assert terminal.finish() == 1
        machine.keep_services_off()
        machine.run_as_root(f"apt-get -qq update && DEBIAN_FRONTEND=noninteractive {line} -qq -y")
        with machine.terminal(START) as terminal:
            until_ready(terminal)
            address, _ = shown_account(terminal)
            assert terminal.interrupt() == 0
        with machine.terminal(START) as terminal:
            assert until_ready(terminal) < 3
            assert "Sign in as" not in terminal.shown
            assert terminal.interrupt() == 0
        with machine.terminal("./run account list") as terminal:
            assert terminal.finish() == 0
            assert address in terminal.shown
