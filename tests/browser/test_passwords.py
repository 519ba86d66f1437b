"""A new password in a browser: looked at, measured while it is typed, refused, changed."""

from playwright.sync_api import Browser, Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.walking import follow, press, sign_in
from child import Child

ADDRESS = "tulip@example.test"
STRONG = "kiosks and zebras at noon"


def to_new_password(page: Page) -> None:
    follow(page, "Security")
    follow(page, "Password")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    press(page, "Next")


def test_a_given_password_is_changed(page: Page, sidegate: Child) -> None:
    sidegate.add_account(ADDRESS, PASSWORD)
    look_at(page, "sign-in")
    sign_in(page, address=ADDRESS, password=PASSWORD)
    look_at(page, "home-given-password")
    expect(page.get_by_text("It was given to you.")).to_be_visible()
    follow(page, "Security")
    look_at(page, "security-given-password")
    to_new_password(page)
    field = page.get_by_label("New password")
    told = page.locator("[data-strength]")
    expect(told).to_have_text("")
    for typed, words in (
        ("short", "Still too short. Use at least 8 characters."),
        ("tulip2026", "It cannot be used. This is little more than your name"),
        ("nosnowtulip", "password."),
        (STRONG, "A strong password."),
    ):
        field.fill("")
        field.press_sequentially(typed)
        expect(told).to_contain_text(words)
        look_at(page, f"new-password-{typed[:5]}")
    expect(told).to_have_attribute("role", "status")
    field.fill("")
    expect(told).to_have_text("")


def test_what_was_typed_is_shown_and_hidden(page: Page) -> None:
    field = page.get_by_label("Password")
    field.fill("tulips")
    expect(field).to_have_attribute("type", "password")
    press(page, "Show password")
    expect(field).to_have_attribute("type", "text")
    look_at(page, "sign-in-shown")
    press(page, "Hide password")
    expect(field).to_have_attribute("type", "password")
    press(page, "Show password")
    page.get_by_label("Email").fill("nobody@example.test")
    press(page, "Next")
    expect(page.get_by_label("Password")).to_have_attribute("type", "password")


def test_pasted_and_changed(page: Page, sidegate: Child) -> None:
    address = "meadow@example.test"
    sidegate.add_account(address, PASSWORD)
    sign_in(page, address=address, password=PASSWORD)
    to_new_password(page)
    field = page.get_by_label("New password")
    page.evaluate("text => navigator.clipboard.writeText(text)", STRONG)
    field.focus()
    page.keyboard.press("Control+V")
    expect(field).to_have_value(STRONG)
    expect(page.locator("[data-strength]")).to_contain_text("A strong password.")
    press(page, "Change password")
    expect(page.get_by_text("Your password was changed.")).to_be_visible()
    expect(page.get_by_text("It was given to you.")).to_be_hidden()


def test_without_scripts_what_is_refused_is_said(chromium: Browser, sidegate: Child) -> None:
    address = "harbour@example.test"
    sidegate.add_account(address, PASSWORD)
    context = chromium.new_context(base_url=sidegate.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/signin")
    expect(page.get_by_role("button", name="Show password")).to_have_count(0)
    sign_in(page, address=address, password=PASSWORD)
    to_new_password(page)
    page.get_by_label("New password").fill("harbour2026")
    press(page, "Change password")
    expect(page.get_by_text("This is little more than your name").last).to_be_visible()
    page.get_by_label("New password").fill(STRONG)
    press(page, "Change password")
    expect(page.get_by_text("Your password was changed.")).to_be_visible()
    context.close()
