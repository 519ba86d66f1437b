"""The page that waits for a code, while its gateway holds, refuses, fails and mends."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.walking import follow, press, sign_in
from child import Child, running

# A stand-in for a gateway of the operator's: it does what the file `answer` says.
PROGRAM = """
import os, sys, time
text = sys.stdin.read()
parent = os.getppid()

def said(hold):
    while (answer := open(sys.argv[1] + "/answer").read()) == hold:
        time.sleep(0.05)
    if os.getppid() != parent:  # Sidegate was killed
        raise SystemExit(1)
    return answer

if said("hold") == "die":
    os.kill(os.getpid(), 9)
with open(sys.argv[1] + "/codes", "a") as codes:
    print(text.split()[0], file=codes)
raise SystemExit(int(said("hold it back")))
"""
NUMBERS = iter(f"+371 2600 00{number:02}" for number in range(10, 99))


class Gateway:
    """What the gateway does from now on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def says(self, answer: str) -> None:
        new = self.folder / "answer.new"
        new.write_text(answer)
        new.rename(self.folder / "answer")

    @property
    def codes(self) -> list[str]:
        """Those that it sent."""
        file = self.folder / "codes"
        return file.read_text().split() if file.exists() else []

    @property
    def code(self) -> str:
        return self.codes[-1]

    def configuration(self) -> str:
        program = self.folder / "program.py"
        program.write_text(PROGRAM)
        command = json.dumps([sys.executable, "-S", str(program), str(self.folder)])
        return (
            '[codes]\nsms = "mine"\nvoice = "mine"\ncountries = ["LV"]\n'
            "[mailserver]\nprivate = false\n"
            f'[gateway.mine]\nkind = "exec"\ncommand = {command}\n'
        )


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    return Gateway(tmp_path_factory.mktemp("gateway"))


@pytest.fixture(scope="module")
def sending(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    data = tmp_path_factory.mktemp("sending") / "data"
    with running(data, more=gateway.configuration()) as child:
        yield child


def waiting(page: Page, child: Child, address: str) -> None:
    """Somebody on her way to 2-step being on, before the page that asks for the code."""
    child.add_account(address, PASSWORD)
    page.goto(f"{child.url}/signin")
    sign_in(page, address=address, password=PASSWORD)
    page.goto(f"{child.url}/security/two-step/phone")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Next")
    page.get_by_label("Phone number").fill(next(NUMBERS))
    press(page, "Next")


def says(page: Page, words: str) -> None:
    # It may take until the next try, and the look after it.
    expect(page.locator("#sending")).to_contain_text(words, timeout=20_000)


def test_it_follows_the_send_by_itself(page: Page, sending: Child, gateway: Gateway) -> None:
    gateway.says("hold")
    waiting(page, sending, "follows@example.test")
    says(page, "We are sending a text message with a code of 6 digits to +371")
    expect(page.get_by_role("button", name="Call me instead")).to_be_disabled()
    look_at(page, "code-being-sent")
    page.get_by_label("Code").fill("12")
    gateway.says("0")
    says(page, "We sent a text message")
    expect(page.get_by_label("Code")).to_have_value("12")
    expect(page.get_by_label("Code")).to_be_focused()
    page.get_by_label("Code").fill(gateway.code)
    press(page, "Next")
    expect(page.get_by_role("button", name="Turn on")).to_be_visible()


def test_a_gateway_that_fails_and_mends(page: Page, sending: Child, gateway: Gateway) -> None:
    gateway.says("75")
    waiting(page, sending, "mends@example.test")
    says(page, "We keep trying. You can also try another way.")
    look_at(page, "code-not-sent-yet")
    gateway.says("0")
    says(page, "We sent a text message")


def test_a_number_that_cannot_be_reached(page: Page, sending: Child, gateway: Gateway) -> None:
    gateway.says("hold")
    waiting(page, sending, "nobody@example.test")
    expect(page.get_by_role("button", name="Send again")).to_be_disabled()
    gateway.says("67")
    says(page, "cannot be reached. Check the number, or try another way.")
    expect(page.get_by_role("button", name="Send again")).to_be_enabled()
    look_at(page, "code-not-reachable")
    gateway.says("0")
    press(page, "Call me instead")
    says(page, "We are calling")


def test_an_open_end(page: Page, sending: Child, gateway: Gateway) -> None:
    gateway.says("die")
    waiting(page, sending, "open@example.test")
    says(page, "If nothing comes within a minute, send a new one or try another way.")
    look_at(page, "code-not-sure")


def test_without_javascript(chromium: Browser, sending: Child, gateway: Gateway) -> None:
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(10_000)
    page = context.new_page()
    gateway.says("hold")
    waiting(page, sending, "plain@example.test")
    says(page, "We are sending")
    gateway.says("0")
    for _ in range(20):
        follow(page, "See whether it was sent")
        if page.locator("#sending").inner_text().startswith("We sent"):
            break
        page.wait_for_timeout(250)
    says(page, "We sent a text message")
    expect(page.get_by_role("link", name=re.compile("See whether"))).to_have_count(0)
    context.close()


@pytest.mark.parametrize(("held", "sent"), [("hold", 1), ("hold it back", 2)])
def test_the_page_goes_on_after_a_kill(
    chromium: Browser, tmp_path: Path, held: str, sent: int
) -> None:
    """Killed before the gateway sent it, and between its sending and our mark."""
    gateway = Gateway(tmp_path)
    gateway.says(held)
    with chromium.new_context() as context:
        context.set_default_timeout(10_000)
        page = context.new_page()
        with running(tmp_path / "data", more=gateway.configuration()) as child:
            waiting(page, child, "goes-on@example.test")
            says(page, "We are sending a text message")
            until(lambda: len(gateway.codes) == sent - 1)
            child.process.kill()
            child.process.wait()
        gateway.says("0")
        with running(tmp_path / "data"):
            says(page, "We sent a text message")
            assert len(gateway.codes) == sent
            assert len(set(gateway.codes)) == 1
            page.get_by_label("Code").fill(gateway.code)
            press(page, "Next")
            expect(page.get_by_role("button", name="Turn on")).to_be_visible()


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.05)
