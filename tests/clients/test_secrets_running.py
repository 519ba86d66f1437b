"""Unique secrets down every path of a running Sidegate that logs at DEBUG; none is found again."""

from __future__ import annotations

import base64
import http.cookiejar
import json
import re
import secrets
import string
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from child import Child, running
from clients.conftest import open_folder
from clients.test_open_sessions import opened
from clients.test_restart import master_of, processes_of
from clients.ways import LIBRARIES, all_of, let_in
from peers import require

# The same command, but with a log that keeps everything: `serve` itself has no such option.
AT_DEBUG = (
    "import logging, sys\n"
    "logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)\n"
    "from sidegate.cli import main\n"
    "sys.exit(main())\n"
)
ANNA, BERT, NOBODY = "anna@example.test", "bert@example.test", "nobody@example.test"
SHOWN_ON_PURPOSE = {"outbox.jsonl", "first-account.txt"}
EVERYTHING = {way.name for way in LIBRARIES}


def letters() -> str:
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))


@dataclass
class Secrets:
    """Every secret that was sent or made, by what it is."""

    known: dict[str, str] = field(default_factory=dict)

    def new(self, what: str) -> str:
        return self.add(what, f"Kept-{secrets.token_hex(12)}")

    def add(self, what: str, secret: str) -> str:
        self.known[what] = secret
        return secret

    def found_in(self, content: bytes) -> list[str]:
        return [what for what, secret in self.known.items() if _shows(content, secret)]


def _shows(content: bytes, secret: str) -> bool:
    if re.fullmatch(r"\d{6}", secret):  # a code: no part of a longer number
        return (
            re.search(rb"(?<![0-9a-fA-F.])%b(?![0-9a-fA-F])" % secret.encode(), content) is not None
        )
    plain = secret.encode()
    grouped = b" ".join(plain[start : start + 4] for start in range(0, len(plain), 4))
    forms = {plain, grouped, urllib.parse.quote(secret).encode(), plain.hex().encode()}
    for login in ("", *(f"\0{login}\0" for login in (ANNA, BERT, NOBODY))):
        forms.add(base64.b64encode(login.encode() + plain).rstrip(b"="))
    lowered = content.lower()
    return any(form in content or form.lower() in lowered for form in forms)


class Browser:
    """The pages, by their forms alone."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self.cookies = http.cookiejar.CookieJar()
        handler = urllib.request.HTTPCookieProcessor(self.cookies)
        self._opener = urllib.request.build_opener(handler)

    def get(self, path: str) -> str:
        with self._opener.open(self._child.url + path, timeout=30) as answer:
            return str(answer.read().decode())

    def send(self, path: str, form: str = "", **fields: str) -> str:
        """Fill in the form of a page (`form`, where that is another) and send it there."""
        page = self.get(form or path)
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
        data = urllib.parse.urlencode({**hidden, **fields}).encode()
        with self._opener.open(self._child.url + path, data, timeout=30) as answer:
            return str(answer.read().decode())


def wrong_code(right: str) -> str:
    return f"{(int(right) + 111_111) % 1_000_000:06d}"


def walk_the_pages(child: Child, kept: Secrets) -> None:
    """Sign in, turn on, make an app password, sign in again: with wrong ones on the way."""
    browser = Browser(child)
    password = kept.known["account password"]
    browser.send("/signin", email=ANNA, password=kept.new("wrong on the sign-in page"))
    browser.send("/signin", email=NOBODY, password=kept.new("unknown on the sign-in page"))
    browser.send("/signin", email=kept.new("a secret typed as the address"), password="x")
    browser.send("/signin", email=ANNA, password=password)
    phone = "/security/two-step/phone"
    browser.send(phone, password=kept.new("wrong when asked again"))
    browser.send(phone, password=password)
    browser.send(phone, number="+371 2000 0001", channel="sms")
    _enter_code(child, kept, browser, "/security/two-step/code", sent_before=0)
    browser.send("/security/two-step/turn-on")
    assert "Turn off" in browser.get("/security/two-step")
    new = "/security/password"
    browser.send(new, password=password)
    told = browser.send(
        f"{new}/strength", form=new, new_password=kept.new("typed while its strength is told")
    )
    assert "data-score=" in told
    assert "at most" in browser.send(new, new_password=20 * kept.new("refused as too long"))
    browser.send("/security/app-passwords", password=password)
    made = browser.send("/security/app-passwords", app="mail", device="windows")
    shown = re.search(r"<output[^>]*>\s*([a-z ]{19})\s*</output>", made)
    assert shown is not None, made
    kept.add("app password of the page", shown[1].replace(" ", ""))
    again = Browser(child)
    again.send("/signin", email=ANNA, password=password)
    _enter_code(child, kept, again, "/signin/code", sent_before=1)
    assert "Security" in again.get("/")
    for number, used in enumerate((browser, again)):
        for cookie in used.cookies:
            kept.add(f"cookie {cookie.name} {number}", cookie.value or "")


def _enter_code(
    child: Child, kept: Secrets, browser: Browser, path: str, *, sent_before: int
) -> None:
    code = child.wait_for_code(after=sent_before)["code"]
    browser.send(path, code=kept.add(f"wrong code {sent_before}", wrong_code(code)))
    browser.send(path, code=kept.add(f"code {sent_before}", code))


def sign_in_everywhere(child: Child, kept: Secrets) -> None:
    key = kept.known["app password of the page"]
    made = json.loads(
        child.command(
            "app-password", "add", ANNA, "--app", "mail", "--device", "mac", "--json"
        ).stdout
    )
    revoked = kept.add("app password revoked", made["password"])
    child.command("app-password", "revoke", ANNA, str(made["id"]))
    asked = {
        "account password": (ANNA, kept.known["account password"]),
        "wrong password": (ANNA, kept.new("wrong by mail")),
        "wrong app password": (ANNA, kept.add("wrong app password", letters())),
        "revoked": (ANNA, revoked),
        "another's": (BERT, key),
        "wrong without 2-step": (BERT, kept.new("wrong without 2-step")),
        "unknown": (NOBODY, kept.new("unknown by mail")),
        "typed as the login": (kept.new("a secret typed as the login"), "x"),
    }
    for why, outcomes in all_of(child, asked, LIBRARIES).items():
        assert let_in(outcomes) == set(), why
    right = {"app": (ANNA, key), "account": (BERT, kept.known["password of another"])}
    for why, outcomes in all_of(child, right, LIBRARIES).items():
        assert let_in(outcomes) == EVERYTHING, why


@contextmanager
def watched(child: Child) -> Iterator[set[bytes]]:
    """What the process list shows of Sidegate, its commands and its Dovecot, all the time."""
    seen: set[bytes] = set()
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.25):
            for pid in {child.process.pid, *processes_of(master_of(child))}:
                for name in ("cmdline", "environ", "comm"):
                    try:
                        seen.add(Path(f"/proc/{pid}/{name}").read_bytes())
                    except OSError:
                        continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


@pytest.fixture(scope="module")
def walked() -> Iterator[tuple[Child, Secrets, set[bytes], Path]]:
    """A Sidegate that all secrets went through and that has ended since."""
    require("dovecot")
    kept = Secrets()
    program = (sys.executable, "-c", AT_DEBUG)
    with open_folder() as folder:
        with running(folder, program=program) as child:
            child.add_account(ANNA, kept.new("account password"))
            child.add_account(BERT, kept.new("password of another"))
            with watched(child) as seen:
                walk_the_pages(child, kept)
                sign_in_everywhere(child, kept)
                with opened(child, ANNA, kept.known["app password of the page"]):
                    time.sleep(0.5)
            told = child.command("events", "--json").stdout
            for command in (("account", "show", ANNA), ("app-password", "list", ANNA)):
                told += child.command(*command, "--json").stdout
            assert kept.found_in(told.encode()) == []
            _no_secret_in_files(folder, kept)  # as a thief of a running machine finds them
        yield child, kept, seen, folder


def _no_secret_in_files(folder: Path, kept: Secrets) -> None:
    looked_at = 0
    for file in folder.rglob("*"):
        inside_mail = file.relative_to(folder).parts[0] == "mail"
        if file.is_file() and not inside_mail and file.name not in SHOWN_ON_PURPOSE:
            looked_at += 1
            assert kept.found_in(file.read_bytes()) == [], file
    assert looked_at > 3


def test_no_secret_is_in_the_log(walked: tuple[Child, Secrets, set[bytes], Path]) -> None:
    child, kept, _, _ = walked
    assert any(line.startswith("DEBUG:") for line in child.output), "it keeps not everything"
    assert [line for line in child.output if kept.found_in(line.encode())] == []


def test_no_secret_is_in_the_process_list(
    walked: tuple[Child, Secrets, set[bytes], Path],
) -> None:
    _, kept, seen, _ = walked
    assert any(b"imap" in one for one in seen)
    assert kept.found_in(b"\n".join(seen)) == []


def test_no_secret_is_in_a_file(walked: tuple[Child, Secrets, set[bytes], Path]) -> None:
    _, kept, _, folder = walked
    _no_secret_in_files(folder, kept)


def test_the_search_finds_what_is_there() -> None:
    kept = Secrets()
    secret = kept.add("s", "abcdefghijklmnop")
    finds: Callable[[bytes], list[str]] = kept.found_in
    assert finds(b"abcd efgh ijkl mnop") == ["s"]
    assert finds(b"ABCDEFGHIJKLMNOP") == ["s"]
    assert finds(base64.b64encode(f"\0{ANNA}\0{secret}".encode())) == ["s"]
    assert finds(b"nothing") == []
    kept.add("code", "123456")
    assert finds(b"code 123456.") == ["code"]
    assert finds(b"17123456") == []
