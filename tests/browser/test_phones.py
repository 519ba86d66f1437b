"""A second phone, another number, which comes first: in the browser."""

from playwright.sync_api import Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.test_ways import code_after, turned_on
from browser.walking import follow, press
from child import Child

ADDRESS = "phones@example.test"


def verify(page: Page, child: Child, number: str) -> None:
    page.get_by_label("Phone number").fill(number)
    before = len(child.codes())
    press(page, "Next")
    page.get_by_label("Code").fill(code_after(child, before))
    press(page, "Next")


def test_phones(page: Page, sidegate: Child) -> None:
    turned_on(page, sidegate, ADDRESS)
    page.get_by_role("link", name="Phone Codes by text message").click()
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Next")
    page.get_by_label("Phone number").fill("+371 90 000 000")
    press(page, "Next")
    expect(page.get_by_text("premium-rate").first).to_be_visible()
    look_at(page, "phone-refused")
    verify(page, sidegate, "+371 2777 0001")
    expect(page.get_by_text("The phone was added.")).to_be_visible()
    look_at(page, "two-phones")
    page.get_by_role("link", name="+371 27 770 001").click()
    look_at(page, "phone-settings")
    press(page, "Use this phone first")
    expect(page.get_by_text("Codes go to this phone first.")).to_be_visible()
    page.get_by_role("link", name="+371 27 770 001").click()
    follow(page, "Change the number")
    look_at(page, "phone-change")
    verify(page, sidegate, "+371 2777 0002")
    expect(page.get_by_role("link", name="+371 27 770 002")).to_be_visible()
    expect(page.get_by_role("link", name="+371 27 770 001")).to_have_count(0)
    assert all(line["code"] for line in sidegate.codes())
