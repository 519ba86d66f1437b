"""Activity, narrowed."""

from playwright.sync_api import Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.walking import follow, press, sign_in
from child import Child

ADDRESS = "activity@example.test"


def test_activity_is_narrowed(page: Page, sidegate: Child) -> None:
    sidegate.add_account(ADDRESS, PASSWORD)
    sign_in(page, address=ADDRESS, password="wrong")
    sign_in(page, address=ADDRESS, password=PASSWORD)
    follow(page, "Activity")
    look_at(page, "activity-all")
    page.get_by_text("Show only some of it").click()
    page.get_by_label("Show", exact=True).select_option(label="What was refused")
    press(page, "Show")
    expect(page.get_by_text("A sign-in to these pages was refused")).to_be_visible()
    expect(page.get_by_text("Signed in to these pages")).to_have_count(0)
    look_at(page, "activity-narrowed")
    page.get_by_label("Program contains").fill("nothing like it")
    press(page, "Show")
    expect(page.get_by_text("Nothing that happened matches.")).to_be_visible()
    follow(page, "Show everything")
    expect(page.get_by_text("Signed in to these pages")).to_be_visible()
