"""The help page's steps, as a person takes them with a mouse."""

from __future__ import annotations

import imaplib
import re
import time

from playwright.sync_api import Locator, Page, expect

from child import PATIENCE, Child

APP_PASSWORD = re.compile(r"[a-z]{4}( [a-z]{4}){3}")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()


def sign_in(page: Page, *, address: str, password: str) -> None:
    page.get_by_label("Email").fill(address)
    page.get_by_label("Password").fill(password)
    press(page, "Next")


def state_of_two_step(page: Page, words: str) -> None:
    expect(page.get_by_role("link", name="Password", exact=True)).to_be_visible()
    expect(
        page.get_by_role("link", name=f"2-Step Verification {words}", exact=True)
    ).to_be_visible()


def reload_until(page: Page, wanted: Locator) -> None:
    """Reload until it is there: "last used" is written a moment after the use."""
    deadline = time.monotonic() + PATIENCE
    while not wanted.is_visible():
        assert time.monotonic() < deadline, f"{wanted} does not appear"
        page.wait_for_timeout(250)
        page.reload()


def mail_signs_in(child: Child, *, address: str, secret: str) -> bool:
    """Whether a mail program may come in."""
    server = imaplib.IMAP4_SSL("localhost", child.ports["imaps"], ssl_context=child.tls)
    try:
        server.login(address, secret)
    except imaplib.IMAP4.error:
        return False
    else:
        return True
    finally:
        server.shutdown()
