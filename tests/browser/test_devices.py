"""Your devices, in two browsers at once."""

from playwright.sync_api import Browser, Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.walking import follow, press, sign_in
from child import Child

ADDRESS = "devices@example.test"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"


def test_a_browser_is_signed_out_from_another(
    chromium: Browser, page: Page, sidegate: Child
) -> None:
    sidegate.add_account(ADDRESS, PASSWORD)
    sign_in(page, address=ADDRESS, password=PASSWORD)
    context = chromium.new_context(base_url=sidegate.url, user_agent=PHONE)
    phone = context.new_page()
    phone.goto("/activity")
    sign_in(phone, address=ADDRESS, password=PASSWORD)
    follow(page, "Security")
    look_at(page, "security-devices")
    page.get_by_role("link", name="Your devices").click()
    look_at(page, "devices")
    other = page.get_by_role("listitem").filter(has_text="Safari on iPhone")
    other.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("Safari on iPhone was signed out.")).to_be_visible()
    expect(page.get_by_text("No other browser is signed in.")).to_be_visible()
    look_at(page, "devices-alone")
    phone.reload()
    expect(phone.get_by_text("You were signed out.")).to_be_visible()
    look_at(phone, "signed-out-elsewhere")
    sign_in(phone, address=ADDRESS, password=PASSWORD)
    expect(phone.get_by_role("heading", level=1)).to_have_text("Activity")
    page.reload()
    press(page, "Sign out everywhere else")
    expect(page.get_by_text("1 browser was signed out.")).to_be_visible()
    context.close()
