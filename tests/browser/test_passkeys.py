"""Passkeys in the real browser, before the virtual ones of its DevTools protocol."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at, tab_to
from browser.virtual_key import VirtualKey
from browser.walking import follow, press, sign_in
from child import Child

ADD = "/security/two-step/passkey"
STEP = re.compile(r".*/signin/step/passkey$")


def begun(page: Page, child: Child, address: str) -> None:
    """Signed in, 2-step off, before the page that adds a passkey."""
    child.add_account(address, PASSWORD)
    sign_in(page, address=address, password=PASSWORD)
    page.goto(ADD)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Next")


def turned_on(page: Page, child: Child, address: str) -> None:
    begun(page, child, address)
    press(page, "Create a passkey")
    press(page, "Turn on")
    expect(page.get_by_text("since today")).to_be_visible()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Account menu").click()
    press(page, "Sign out")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def signed_in(page: Page) -> None:
    expect(page.get_by_role("button", name="Account menu")).to_be_visible()


def test_from_the_first_to_the_last(page: Page, sidegate: Child) -> None:
    key = VirtualKey(page)
    begun(page, sidegate, "keys@example.test")
    expect(page.get_by_text("Passkeys need JavaScript")).to_be_hidden()
    expect(page.get_by_label("Name")).not_to_be_empty()
    look_at(page, "passkey-add")
    page.get_by_label("Name").fill("My laptop")
    press(page, "Create a passkey")
    expect(page.get_by_text("Your second step will be: Passkey.")).to_be_visible()
    press(page, "Turn on")
    expect(page.get_by_role("link", name="My laptop")).to_be_visible()
    [held] = key.held()
    assert held["isResidentCredential"]
    assert "keys" not in held["userHandle"]
    key.waits()
    sign_out(page)
    look_at(page, "sign-in-passkey")

    sign_in(page, address="keys@example.test", password=PASSWORD)
    expect(page).to_have_url(STEP)
    page.get_by_label("Don't ask again on this browser for 30 days").check()
    look_at(page, "passkey-step")
    key.answers()
    press(page, "Use a passkey")
    signed_in(page)
    key.waits()
    sign_out(page)
    sign_in(page, address="keys@example.test", password=PASSWORD)
    signed_in(page)
    key.answers()

    page.goto("/security/two-step")
    expect(page.get_by_role("link", name=re.compile("My laptop.*Last used today"))).to_be_visible()
    look_at(page, "two-step-passkey")
    page.get_by_role("link", name="My laptop").click()
    press(page, "Use a passkey")
    press(page, "Remove")
    expect(page.get_by_text("This is your last second step.")).to_be_visible()


def test_the_email_field_offers_it(page: Page, sidegate: Child) -> None:
    """As far as a virtual passkey goes: it answers where a person would choose it."""
    key = VirtualKey(page)
    turned_on(page, sidegate, "offered@example.test")
    key.waits()
    sign_out(page)
    email = page.get_by_label("Email")
    expect(email).to_have_attribute("autocomplete", "username webauthn")
    page.wait_for_timeout(500)
    expect(email).to_be_visible()
    key.answers()
    page.reload()
    signed_in(page)


def test_the_whole_sign_in_by_button(page: Page, sidegate: Child) -> None:
    key = VirtualKey(page)
    turned_on(page, sidegate, "whole@example.test")
    key.waits()
    sign_out(page)
    page.goto("/activity")
    button = page.get_by_role("button", name="Sign in with a passkey")
    expect(button).to_be_visible()
    page.evaluate("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    tab_to(page, button)
    page.keyboard.press("Enter")
    key.answers()
    expect(page.get_by_role("heading", level=1)).to_have_text("Activity")


def test_two_of_them_and_one_removed(page: Page, sidegate: Child) -> None:
    first = VirtualKey(page)
    turned_on(page, sidegate, "two@example.test")
    page.goto(ADD)
    press(page, "Use a passkey")
    press(page, "Create a passkey")
    expect(page.get_by_role("alert")).to_have_text("This device holds a passkey of yours already.")
    look_at(page, "passkey-known")
    first.remove()
    VirtualKey(page, transport="usb", verifies=False)
    page.get_by_label("Name").fill("Key on my ring")
    press(page, "Create a passkey")
    expect(page.get_by_text("The passkey was added.")).to_be_visible()
    page.get_by_role("link", name="Key on my ring").click()
    look_at(page, "passkey-one")
    follow(page, "Back to 2-Step Verification")
    page.get_by_role("link", name=re.compile("Chrome on")).click()
    press(page, "Remove")
    expect(page.get_by_text("The second step was removed.")).to_be_visible()

    sign_out(page)
    sign_in(page, address="two@example.test", password=PASSWORD)
    press(page, "Use a passkey")
    signed_in(page)


def test_a_copy_is_refused_and_told(page: Page, sidegate: Child) -> None:
    key = VirtualKey(page)
    turned_on(page, sidegate, "copied@example.test")
    page.goto("/security/app-passwords")
    press(page, "Use a passkey")
    expect(page.get_by_label("Select device")).to_be_visible()
    key.waits()
    key.set_back()
    sign_out(page)
    sign_in(page, address="copied@example.test", password=PASSWORD)
    key.answers()
    press(page, "Use a passkey")
    expect(page.get_by_role("alert").first).to_contain_text("there may be a copy of it")
    look_at(page, "passkey-copied")


def test_nobody_touches_it(page: Page, sidegate: Child) -> None:
    key = VirtualKey(page)
    turned_on(page, sidegate, "alone@example.test")
    key.remove()
    sign_out(page)
    sign_in(page, address="alone@example.test", password=PASSWORD)
    page.evaluate(
        "() => { navigator.credentials.get = async () => {"
        " throw new DOMException('', 'NotAllowedError'); }; }"
    )
    press(page, "Use a passkey")
    expect(page.get_by_text("Nothing came from a passkey.")).to_be_visible()
    look_at(page, "passkey-nothing")
    follow(page, "Try another way")
    expect(page.get_by_role("button", name="Passkey")).to_be_visible()


@pytest.mark.parametrize("path", [ADD, "/signin"])
def test_without_javascript_the_page_says_so(chromium: Browser, sidegate: Child, path: str) -> None:
    context = chromium.new_context(base_url=sidegate.url, java_script_enabled=False)
    page = context.new_page()
    if path == ADD:
        page.goto("/signin")
        begun(page, sidegate, "still@example.test")
        expect(page.get_by_text("Passkeys need JavaScript")).to_be_visible()
    else:
        # Chromium shows no <noscript> where only the DevTools turned scripts off.
        answer = page.goto(path)
        assert answer is not None
        assert "allow JavaScript for this site" in answer.text().partition("<noscript>")[2]
    expect(page.get_by_role("button", name="passkey")).to_have_count(0)
    context.close()
