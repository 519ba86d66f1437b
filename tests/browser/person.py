"""A person with a phone of 320 px, in her own language, who goes by the words of the pages."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Response, expect

from browser.conftest import PASSWORD
from browser.looking import NARROW, Look, fits, picture
from browser.speaking import Words
from child import Child
from sidegate.factors import totp

FOLLOWED = 200
"""The status of an answer that is a page."""


class Person:
    """Someone before a browser; each page that she comes to has room for its words."""

    def __init__(self, page: Page, child: Child, language: str, address: str) -> None:
        self.page = page
        self.child = child
        self.language = language
        self.address = address
        self.words = Words(language)
        self._key = ""
        self._later = -1
        self._codes: list[str] = []

    def look(self, name: str) -> None:
        """At the page: nothing is cut off, sticks out or overlaps."""
        fits(self.page, f"{self.language}-{name}")
        if Look.closely:
            picture(self.page, f"{self.language}-{name}")

    def button(self, english: str) -> Locator:
        """The button of these words alone."""
        return self.page.get_by_role("button", name=self.words(english), exact=True)

    def press(self, english: str) -> None:
        """Press the button."""
        self.button(english).click()

    def follow(self, english: str) -> None:
        """Follow the link of these words alone."""
        self.page.get_by_role("link", name=self.words(english), exact=True).click()

    def row(self, english: str) -> Locator:
        """The first row of these words, whatever else it says."""
        return self.page.get_by_role("main").get_by_role("link", name=self.words(english)).first

    def field(self, english: str) -> Locator:
        """The field of this label."""
        labelled = self.page.get_by_label(self.words(english), exact=True)
        return labelled.and_(self.page.locator("input, select"))  # a row may be labelled, too

    def sees(self, english: str, **values: str) -> None:
        """Expect the words."""
        expect(self.page.get_by_text(self.words(english, **values)).first).to_be_visible()

    def sign_in(self) -> None:
        """Give address and password on the sign-in page."""
        self.field("Email").fill(self.address)
        self.field("Password").fill(PASSWORD)
        self.press("Next")

    def sign_out(self) -> None:
        """By the account menu."""
        menu = self.words("Account menu, %(address)s", address=self.address)
        self.page.get_by_role("button", name=menu, exact=True).click()
        self.press("Sign out")
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.words("Sign in"))

    def is_in(self) -> None:
        """Expect the pages behind the sign-in."""
        menu = self.words("Account menu, %(address)s", address=self.address)
        expect(self.page.get_by_role("button", name=menu, exact=True)).to_be_visible()

    def to_two_step(self) -> None:
        """By the navigation, to the page of 2-step."""
        self.follow("Security")
        self.row("2-Step Verification").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(
            self.words("2-Step Verification")
        )

    def opens(self, what: Locator) -> None:
        """Go where it leads, and give the password where that asks for it again."""
        with self.page.expect_navigation():
            what.click()
        if self.field("Password").is_visible():
            self.gives_password()

    def gives_password(self) -> None:
        """On a page that asks for it again."""
        with self.page.expect_navigation():
            self.field("Password").fill(PASSWORD)
            self.field("Password").press("Enter")

    # ---- Second steps.

    def gives_number(self, number: str, *, channel: str) -> None:
        """Type the number, choose how codes arrive, and give the code."""
        self.field("Phone number").fill(number)
        self.field(channel).check()
        before = len(self.child.codes())
        self.press("Next")
        self.gives_sent_code(before)

    def gives_sent_code(self, before: int) -> None:
        """The code that is sent after so many others."""
        self.field("Code").fill(self.child.wait_for_code(after=before)["code"])
        self.press("Next")

    def adds_app(self) -> None:
        """Copy the key into an authenticator app, and give its code."""
        self._key = self.page.locator("#key").inner_text()
        self._later = -1
        self.gives_app_code()

    def gives_app_code(self) -> None:
        """One that was not used yet."""
        secret = base64.b32decode(self._key.replace(" ", ""))
        step = int(time.time() * 1000) // totp.STEP + self._later
        self._later += 1
        self.field("Code").fill(totp.code_at(secret=secret, step=step))
        self.press("Next")

    def turns_on_by_app(self) -> None:
        """The whole way, with an authenticator app."""
        self.to_two_step()
        self.opens(self.button("Continue"))
        self.opens(self.row("Authenticator app"))
        self.adds_app()
        self.press("Turn on")

    def makes_app_password(self) -> str:
        """From the page of 2-step, for Outlook; the page that shows it stays open."""
        self.opens(self.row("App passwords"))
        self.field("Select app").select_option(label=self.words("Mail", context="app"))
        device = self.words("Windows Computer", context="device")
        self.field("Select device").select_option(label=device)
        self.press("Generate")
        return self.page.get_by_role("main").locator("output").inner_text()

    def makes_backup_codes(self) -> None:
        """Make them, and say that they are kept."""
        self.opens(self.row("Backup codes"))
        self.press("Make backup codes")
        self.look("backup-codes-new")
        self._codes = self.page.locator("#codes").inner_text().split("\n")
        with self.page.expect_download():
            self.follow("Download")
        self.press("I saved the file")
        self.sees("The backup codes count from now on. Earlier ones do not.")

    def comes_in_by_backup_code(self) -> None:
        """From the second stage of a sign-in."""
        self.follow("Try another way")
        self.look("every-way")
        self.page.get_by_role("button", name=self.words("Backup codes")).click()
        self.field("Code").fill(self._codes.pop())
        self.press("Next")
        self.is_in()


@contextmanager
def a_person(chromium: Browser, child: Child, *, language: str, address: str) -> Iterator[Person]:
    """On the sign-in page; each page that she is given is in her language."""
    context = chromium.new_context(
        base_url=child.url,
        locale=language,
        viewport={"width": NARROW.width, "height": NARROW.height},
    )
    context.set_default_timeout(10_000)
    page = context.new_page()
    others: list[str] = []

    def note(response: Response) -> None:
        told: dict[str, Any] = response.headers
        is_page = response.request.resource_type == "document"
        if is_page and response.status == FOLLOWED and told.get("content-language") != language:
            others.append(f"{response.url}: {told.get('content-language')}")

    page.on("response", note)
    child.add_account(address, PASSWORD)
    page.goto("/signin")
    direction = "rtl" if language == "ar" else "ltr"
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("html")).to_have_attribute("dir", direction)
    expect(page).to_have_title(re.compile(re.escape(Words(language)("Sign in"))))
    yield Person(page, child, language, address)
    context.close()
    assert not others
