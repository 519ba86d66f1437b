"""What a notice leads to: a mail program that waits for an app password, and the locked account."""

from __future__ import annotations

import imaplib
import json
import re
import time

from playwright.sync_api import Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.test_ways import turned_on
from browser.walking import follow, mail_signs_in, press, reload_until
from child import PATIENCE, Child

LINK = re.compile(rb"http://localhost:[0-9]+/lock/[A-Za-z0-9_=-]+")


def test_a_program_that_waits_for_an_app_password(page: Page, sidegate: Child) -> None:
    address = "waiting@example.test"
    turned_on(page, sidegate, address)
    assert not mail_signs_in(sidegate, address=address, secret=PASSWORD)
    page.goto("/")
    waits = page.get_by_role("heading", name="A mail program needs an app password")
    reload_until(page, waits)
    look_at(page, "home-waiting")
    follow(page, "Security")
    expect(waits).to_be_visible()
    look_at(page, "security-waiting")
    follow(page, "Make an app password")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    expect(page.get_by_label("Select app")).to_have_value("mail")


def test_locking_by_the_link_of_a_message(page: Page, sidegate: Child) -> None:
    address = "lock@example.test"
    turned_on(page, sidegate, address)
    made = ("app-password", "add", address, "--app", "mail", "--device", "mac", "--json")
    secret = json.loads(sidegate.command(*made).stdout)["password"]
    page.goto(link_in_mail(sidegate, address, secret))
    look_at(page, "lock")
    press(page, "Lock my account")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account is locked")
    look_at(page, "locked")
    assert not mail_signs_in(sidegate, address=address, secret=secret)


def link_in_mail(child: Child, address: str, secret: str) -> str:
    """The link of a notice, as it arrived in the mailbox."""
    server = imaplib.IMAP4_SSL("localhost", child.ports["imaps"], ssl_context=child.tls)
    server.login(address, secret)
    deadline = time.monotonic() + PATIENCE
    try:
        while int((server.select(readonly=True)[1][0] or b"0").decode()) == 0:
            assert time.monotonic() < deadline, "no notice came"
            time.sleep(0.2)
        part = server.fetch("1", "(BODY[TEXT])")[1][0]
        assert isinstance(part, tuple)
    finally:
        server.shutdown()
    found = LINK.search(part[1].replace(b"=\r\n", b"").replace(b"=3D", b"="))
    assert found
    return found[0].decode()
