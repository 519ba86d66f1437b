"""The choices for an app password in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.test_ways import turned_on
from browser.walking import follow, press
from child import Child

PAGE = "/security/app-passwords"


def test_choices_pausing_and_revoking_all(page: Page, sidegate: Child) -> None:
    turned_on(page, sidegate, "choices@example.test")
    page.goto(PAGE)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    expect(page.get_by_label("Networks")).to_be_hidden()
    page.get_by_text("More choices").click()
    look_at(page, "app-password-more-choices")
    page.get_by_label("Select device").select_option(label="Scanner or printer")
    page.get_by_label("Name").fill("Scanner in the hall")
    page.get_by_label("Networks").fill("192.0.2.9/24")
    press(page, "Generate")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Networks")).to_be_visible()
    look_at(page, "app-password-choice-is-wrong")
    page.get_by_label("Networks").fill("192.0.2.0/24, 2001:db8::/32")
    page.get_by_label("Last day").fill("2099-12-31")
    page.get_by_label("Messages a day").fill("50")
    press(page, "Generate")
    expect(page.get_by_text("Outgoing server (SMTP)")).to_be_visible()
    expect(page.get_by_text("Incoming server (IMAP)")).to_have_count(0)
    press(page, "Done")
    page.get_by_label("Select device").select_option(label="Backup program")
    press(page, "Generate")
    press(page, "Done")
    look_at(page, "app-passwords-with-choices")
    page.get_by_label("Select device").select_option(label="Mac")
    press(page, "Generate")
    press(page, "Done")
    follow(page, "Mail · Mac")
    page.get_by_label("Read mail (POP3)").uncheck()
    press(page, "Save")
    expect(page.get_by_text("Reads by IMAP · Sends")).to_be_visible()
    expect(page.get_by_label("Read mail (POP3)")).not_to_be_checked()
    look_at(page, "app-password-one")
    follow(page, "Back to App passwords")
    follow(page, "Scanner in the hall")
    expect(page.get_by_label("Messages a day")).to_have_value("50")
    press(page, "Pause")
    expect(page.get_by_text("It opens nothing until you resume it")).to_be_visible()
    look_at(page, "app-password-paused")
    press(page, "Resume")
    follow(page, "Back to App passwords")
    follow(page, "Revoke all app passwords")
    look_at(page, "app-passwords-revoke-all")
    press(page, "Revoke all")
    expect(page.get_by_text("3 app passwords are revoked")).to_be_visible()
