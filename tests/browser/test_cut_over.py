"""Turning 2-step on while mail programs use the account password, in a real browser."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.conftest import ADDRESS, PASSWORD
from browser.looking import look_at
from browser.walking import APP_PASSWORD, mail_signs_in, press, sign_in
from child import Child, running
from peers import require

imaplib.Commands["ID"] = ("NONAUTH", "AUTH", "SELECTED")
BIRD, PHONE = "Thunderbird 128.0", "iPhone Mail 20B82"


@pytest.fixture(scope="module")
def lenient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """A Sidegate whose operator allows grace windows."""
    require("dovecot")
    data = tmp_path_factory.mktemp("cut-over") / "data"
    with running(data, more="[policy]\ngrace_days = 14") as child:
        yield child


@pytest.fixture
def page(chromium: Browser, lenient: Child) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=lenient.url, permissions=["clipboard-read", "clipboard-write"]
    )
    context.set_default_timeout(10_000)
    opened = context.new_page()
    opened.goto("/signin")
    yield opened
    context.close()


def used_by(child: Child, name: str) -> None:
    """A program that says its name signs in with the account password."""
    client = imaplib.IMAP4_SSL("localhost", child.ports["imaps"], ssl_context=child.tls)
    program, _, version = name.rpartition(" ")
    client._simple_command("ID", f'("name" "{program}" "version" "{version}")')
    client.login(ADDRESS, PASSWORD)
    client.shutdown()


def up_to_turn_on(page: Page, child: Child) -> None:
    sign_in(page, address=ADDRESS, password=PASSWORD)
    page.goto("/security/two-step/phone")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Next")
    page.get_by_label("Phone number").fill("+371 2200 0001")
    press(page, "Next")
    page.get_by_label("Code").fill(child.wait_for_code(after=0)["code"])
    press(page, "Next")


def test_programs_in_use_are_cut_over(page: Page, lenient: Child) -> None:
    lenient.add_account(ADDRESS, PASSWORD)
    used_by(lenient, BIRD)
    used_by(lenient, PHONE)
    up_to_turn_on(page, lenient)
    page.reload()  # what is written behind is there now
    for program in (BIRD, PHONE):
        expect(page.get_by_role("group", name=program)).to_be_visible()
    for box in page.get_by_role("checkbox").all():
        expect(box).not_to_be_checked()
    look_at(page, "turn-on-programs")
    page.get_by_role("checkbox", name=f"Make an app password for {BIRD}").check()
    page.get_by_role("checkbox", name=f"Make an app password for {PHONE}").check()
    page.get_by_role("checkbox", name=re.compile(f"Goes on .*{PHONE}")).check()
    press(page, "Turn on")

    expect(page.get_by_role("heading", level=1)).to_have_text("Your new app passwords")
    secret = page.get_by_label(f"App password for {BIRD}").inner_text()
    assert APP_PASSWORD.fullmatch(secret)
    expect(page.get_by_role("main").locator("output")).to_have_count(2)
    look_at(page, "app-passwords-in-one-go")
    page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(page.locator("#live")).to_have_text("Copied, without the spaces")
    copied = page.evaluate("navigator.clipboard.readText()")
    shown = {output.inner_text() for output in page.get_by_role("main").locator("output").all()}
    assert copied in {words.replace(" ", "") for words in shown}
    assert mail_signs_in(lenient, address=ADDRESS, secret=secret)
    press(page, "Done")

    said = f"On, except for {PHONE} (14 days left)"
    expect(page.get_by_text(said)).to_be_visible()
    look_at(page, "two-step-on-except")
    page.goto("/security")
    expect(page.get_by_role("link", name=f"2-Step Verification {said}", exact=True)).to_be_visible()
    look_at(page, "security-on-except")
    page.goto("/")
    look_at(page, "home-on-except")
    page.goto("/security/two-step")
    press(page, "End")
    expect(page.get_by_text(f"Ended: {PHONE}. It needs an app password now.")).to_be_visible()
    expect(page.get_by_text(said)).to_have_count(0)
    page.goto("/security/app-passwords")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    expect(page.get_by_text(f"Mail · {PHONE}", exact=True)).to_be_visible()
    expect(page.get_by_text(f"Mail · {BIRD}", exact=True)).to_be_visible()
