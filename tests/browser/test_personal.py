"""Personal info, from row to row."""

import re

from playwright.sync_api import Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.walking import follow, press, sign_in
from child import Child

ADDRESS = "personal@example.test"


def test_personal_info(page: Page, sidegate: Child) -> None:
    sidegate.add_account(ADDRESS, PASSWORD)
    sign_in(page, address=ADDRESS, password=PASSWORD)
    follow(page, "Personal info")
    follow(page, "Name")
    page.get_by_label("Your name").fill("Anna Bērziņa")
    look_at(page, "personal-name")
    press(page, "Save")
    follow(page, "Time zone")
    page.get_by_label("City or country").fill("Latvia")
    press(page, "Search")
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Riga")
    look_at(page, "personal-time-zone")
    press(page, "Save")
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_focused()
    expect(page.get_by_text(re.compile(r"Europe/Riga \(UTC\+0[23]:00\)"))).to_be_visible()
    look_at(page, "personal")
    follow(page, "Language")
    look_at(page, "personal-language")
    follow(page, "Back to Personal info")
    follow(page, "Recovery address")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Next")
    page.get_by_label("Recovery address").fill("anna")
    press(page, "Send the code")
    expect(page.get_by_role("alert")).to_be_focused()
    look_at(page, "personal-recovery-wrong")
    page.get_by_label("Recovery address").fill("second@example.test")
    press(page, "Send the code")
    expect(page.get_by_text("We sent a code to second@example.test.")).to_be_visible()
    look_at(page, "personal-recovery-code")
