"""Other ways through the pages: the second stage, the keyboard alone, no JavaScript, print."""

import re
from typing import Literal

from playwright.sync_api import Browser, Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at, picture, tab_to
from browser.walking import APP_PASSWORD, follow, press, sign_in
from child import Child


def code_after(child: Child, count: int) -> str:
    return child.wait_for_code(after=count)["code"]


def turned_on(page: Page, child: Child, address: str) -> None:
    """Go the whole way up to 2-step being on, quickly."""
    child.add_account(address, PASSWORD)
    sign_in(page, address=address, password=PASSWORD)
    page.goto("/security/two-step/phone")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Next")
    digits = sum(address.encode()) % 10_000
    page.get_by_label("Phone number").fill(f"+371 2200 {digits:04}")
    before = len(child.codes())
    press(page, "Next")
    page.get_by_label("Code").fill(code_after(child, before))
    press(page, "Next")
    press(page, "Turn on")


def test_the_second_stage_and_another_way(page: Page, sidegate: Child) -> None:
    turned_on(page, sidegate, "stages@example.test")
    page.get_by_role("button", name="Account menu").click()
    look_at(page, "account-menu")
    press(page, "Sign out")
    page.goto("/security")
    before = len(sidegate.codes())
    sign_in(page, address="stages@example.test", password=PASSWORD)
    assert sidegate.wait_for_code(after=before)["channel"] == "sms"
    expect(page.get_by_role("button", name="Send again")).to_be_disabled()
    expect(page.get_by_text(re.compile("another code in [0-9]+ s\\."))).to_be_visible()
    look_at(page, "second-stage")
    follow(page, "Try another way")
    look_at(page, "another-way")
    page.get_by_role("button", name="Phone call").click()
    call = sidegate.wait_for_code(after=before + 1)
    assert call["channel"] == "voice"
    page.get_by_label("Code").fill(f"{call['code'][:3]} {call['code'][3:]}")
    press(page, "Next")
    expect(page.get_by_role("heading", level=1)).to_have_text("Security")


def test_the_whole_way_by_keyboard(page: Page, sidegate: Child) -> None:
    address = "keyboard@example.test"
    sidegate.add_account(address, PASSWORD)

    def type_into(label: str, text: str) -> None:
        tab_to(page, page.get_by_label(label, exact=True))
        page.keyboard.type(text)

    def enter_on(role: Literal["button", "link"], name: str) -> None:
        tab_to(page, page.get_by_role(role, name=name).first)
        with page.expect_navigation():
            page.keyboard.press("Enter")

    type_into("Email", address)
    type_into("Password", PASSWORD)
    enter_on("button", "Next")
    tab_to(page, page.get_by_role("button", name="Apps"))
    page.keyboard.press("Enter")
    enter_on("link", "Account")
    enter_on("link", "Security")
    enter_on("link", "2-Step Verification")
    enter_on("button", "Continue")
    type_into("Password", PASSWORD)
    enter_on("button", "Next")
    type_into("Phone number", "+371 2300 0001")
    tab_to(page, page.get_by_label("Text message"))
    page.keyboard.press("ArrowDown")
    before = len(sidegate.codes())
    enter_on("button", "Next")
    type_into("Code", code_after(sidegate, before))
    assert sidegate.codes()[before]["channel"] == "voice"
    enter_on("button", "Next")
    enter_on("button", "Turn on")
    enter_on("link", "Back to Security")
    enter_on("link", "App passwords")
    type_into("Password", PASSWORD)
    enter_on("button", "Sign in")
    tab_to(page, page.get_by_label("Select device"))
    page.keyboard.type("Windows")
    enter_on("button", "Generate")
    secret = page.get_by_role("main").locator("output").inner_text()
    assert APP_PASSWORD.fullmatch(secret)
    tab_to(page, page.get_by_role("button", name="Copy", exact=True))
    page.keyboard.press("Enter")
    expect(page.locator("#live")).to_have_text("Copied, without the spaces")
    assert page.evaluate("navigator.clipboard.readText()") == secret.replace(" ", "")
    enter_on("button", "Done")
    enter_on("button", "Revoke")
    expect(page.get_by_text("It opens nothing any more")).to_be_visible()


def test_without_javascript(chromium: Browser, sidegate: Child) -> None:
    context = chromium.new_context(base_url=sidegate.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/security")
    turned_on(page, sidegate, "plain@example.test")
    press(page, "Apps")
    follow(page, "Account")
    follow(page, "Security")
    page.get_by_role("link", name="App passwords").click()
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    page.get_by_label("Select device").select_option(label="Windows Computer")
    press(page, "Generate")
    assert APP_PASSWORD.fullmatch(page.get_by_role("main").locator("output").inner_text())
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    press(page, "Done")
    context.close()


def test_the_phone_page_shows_a_new_code_by_itself(
    chromium: Browser, page: Page, sidegate: Child
) -> None:
    context = chromium.new_context(base_url=sidegate.url)
    phone = context.new_page()
    phone.goto("/phone")
    before = len(sidegate.codes())
    turned_on(page, sidegate, "phone@example.test")
    expect(phone.get_by_text(code_after(sidegate, before), exact=True)).to_be_visible()
    look_at(phone, "phone")
    context.close()


def test_what_is_left_to_look_at(page: Page, sidegate: Child) -> None:
    press(page, "Next")
    expect(page.get_by_role("alert")).to_be_focused()
    look_at(page, "sign-in-empty")
    turned_on(page, sidegate, "looks@example.test")
    page.goto("/mail")
    look_at(page, "mail")
    page.goto("/security/password")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Next")
    look_at(page, "password")
    page.goto("/security/app-passwords")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    page.get_by_label("Select device").select_option(label="Scanner or printer")
    press(page, "Generate")
    page.emulate_media(media="print")
    expect(page.get_by_role("main").locator("output")).to_be_visible()
    expect(page.get_by_role("button", name="Copy", exact=True)).to_be_hidden()
    picture(page, "app-password-print")
    page.emulate_media(media="screen", forced_colors="active")
    picture(page, "app-password-forced-colours")
    page.emulate_media(forced_colors="none")
    page.evaluate("document.documentElement.dir = 'rtl'")
    look_at(page, "app-password-right-to-left")
