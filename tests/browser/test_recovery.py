"""Back in without the password, and without any second step, as a person walks it."""

from __future__ import annotations

import imaplib
import quopri
import re
import sqlite3
import time

from playwright.sync_api import Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.test_ways import turned_on
from browser.walking import follow, press, sign_in
from child import PATIENCE, Child
from sidegate.decisions.recovery import WAIT

NEW = "wooden kettle orange ferry"
RESET = re.compile(r"http://localhost:[0-9]+/signin/reset/[A-Za-z0-9_=-]+")
STOP = re.compile(r"http://localhost:[0-9]+/stop/[A-Za-z0-9_-]+")


def test_a_forgotten_password(page: Page, sidegate: Child) -> None:
    address, second = "forgetful@example.test", "forgetful-second@example.test"
    for one in (address, second):
        sidegate.add_account(one, PASSWORD)
    set_in_database(
        sidegate, "UPDATE account SET recovery_address = ? WHERE address = ?", second, address
    )
    follow(page, "Forgot password?")
    press(page, "Send the link")
    expect(page.get_by_role("alert")).to_be_focused()
    look_at(page, "forgot-wrong")
    page.get_by_label("Email").fill(address)
    look_at(page, "forgot")
    press(page, "Send the link")
    expect(page.get_by_text("a message is on its way")).to_be_visible()
    look_at(page, "forgot-sent")
    page.goto(link_in_mail(sidegate, second, RESET))
    look_at(page, "reset-link")
    press(page, "Go on")
    look_at(page, "reset-password")
    page.get_by_label("New password").fill(NEW)
    press(page, "Set the password")
    expect(page.get_by_text("Your new password is set.")).to_be_visible()
    sign_in(page, address=address, password=NEW)
    expect(page.get_by_role("link", name="Security", exact=True)).to_be_visible()


def test_a_lost_phone(page: Page, sidegate: Child) -> None:
    address, second = "lost@example.test", "lost-second@example.test"
    sidegate.add_account(second, PASSWORD)
    turned_on(page, sidegate, address)
    set_in_database(
        sidegate, "UPDATE account SET recovery_address = ? WHERE address = ?", second, address
    )
    lose_the_browser(page)
    to_the_recovery(page, address)
    look_at(page, "recovery-start")
    press(page, "Start the recovery")
    expect(page.get_by_role("heading", level=1)).to_have_text("A recovery is under way")
    look_at(page, "recovery-waiting")
    assert STOP.search(mail_of(sidegate, second))
    set_in_database(sidegate, "UPDATE recovery SET began_at = began_at - ?", WAIT)
    page.goto("/signin")
    sign_in(page, address=address, password=PASSWORD)
    look_at(page, "recovery-finish")
    press(page, "Finish the recovery")
    expect(page.get_by_text("Turn it on again now")).to_be_visible()
    look_at(page, "recovery-finished")


def test_a_recovery_that_is_not_hers(page: Page, sidegate: Child) -> None:
    address, second = "thief@example.test", "thief-second@example.test"
    sidegate.add_account(second, PASSWORD)
    turned_on(page, sidegate, address)
    set_in_database(
        sidegate, "UPDATE account SET recovery_address = ? WHERE address = ?", second, address
    )
    hers = page.context.cookies()
    lose_the_browser(page)
    to_the_recovery(page, address)
    press(page, "Start the recovery")
    lose_the_browser(page)
    page.context.add_cookies(hers)  # type: ignore[arg-type]  # as they were given
    page.goto("/")
    expect(page.get_by_role("button", name="Stop it")).to_be_visible()
    look_at(page, "recovery-banner")
    page.goto(link_in_mail(sidegate, second, STOP))
    look_at(page, "recovery-stop")
    press(page, "Stop the recovery")
    look_at(page, "recovery-stopped")
    page.goto("/")
    expect(page.get_by_role("button", name="Stop it")).to_have_count(0)


def to_the_recovery(page: Page, address: str) -> None:
    page.goto("/signin")
    sign_in(page, address=address, password=PASSWORD)
    follow(page, "Try another way")
    follow(page, "I can't use any of these")


def lose_the_browser(page: Page) -> None:
    page.context.clear_cookies()


def set_in_database(child: Child, statement: str, *values: str | int) -> None:
    """What a page does, or time: a running Sidegate has no clock that a test could move."""
    with sqlite3.connect(child.data / "sidegate.sqlite3", timeout=10) as database:
        assert database.execute(statement, values).rowcount > 0
    database.close()


def link_in_mail(child: Child, address: str, link: re.Pattern[str]) -> str:
    found = link.search(mail_of(child, address))
    assert found
    return found[0]


def mail_of(child: Child, address: str) -> str:
    """The text of the first message of a mailbox, as it arrived."""
    server = imaplib.IMAP4_SSL("localhost", child.ports["imaps"], ssl_context=child.tls)
    server.login(address, PASSWORD)
    deadline = time.monotonic() + PATIENCE
    try:
        while int((server.select(readonly=True)[1][0] or b"0").decode()) == 0:
            assert time.monotonic() < deadline, "no message came"
            time.sleep(0.2)
        part = server.fetch("1", "(BODY[TEXT])")[1][0]
        assert isinstance(part, tuple)
    finally:
        server.shutdown()
    return quopri.decodestring(part[1]).decode()
