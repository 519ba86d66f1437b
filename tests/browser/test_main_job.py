"""The 13 steps of the help page, in a real browser, and the mail programs beside it."""

import re

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.walking import (
    APP_PASSWORD,
    follow,
    mail_signs_in,
    press,
    reload_until,
    sign_in,
    state_of_two_step,
)
from child import Child


@pytest.mark.parametrize(
    ("way", "channel", "number"),
    [("Text message", "sms", "+371 20 000 001"), ("Phone call", "voice", "+49 30 901820")],
)
def test_the_main_job(page: Page, sidegate: Child, way: str, channel: str, number: str) -> None:
    address = f"{channel}@example.test"
    sidegate.add_account(address, PASSWORD)
    assert mail_signs_in(sidegate, address=address, secret=PASSWORD)
    look_at(page, "sign-in")
    sign_in(page, address=address, password=PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Welcome")
    look_at(page, "home")
    press(page, "Apps")
    expect(page.get_by_role("link", name="Mail", exact=True)).to_be_visible()
    look_at(page, "apps")
    follow(page, "Account")
    follow(page, "Security")
    state_of_two_step(page, "Off")
    look_at(page, "security-off")

    turn_on(page, sidegate, way=way, channel=channel, number=number)
    assert not mail_signs_in(sidegate, address=address, secret=PASSWORD)
    follow(page, "Back to Security")
    state_of_two_step(page, "On")
    look_at(page, "security-on")

    secret = make_app_password(page)
    assert mail_signs_in(sidegate, address=address, secret=secret)
    assert mail_signs_in(sidegate, address=address, secret=secret.replace(" ", "").upper())
    press(page, "Done")
    expect(page.get_by_text("Mail · Windows Computer", exact=True)).to_be_visible()
    reload_until(page, page.get_by_text(re.compile("Last used today, .* · IMAP")))
    look_at(page, "app-passwords")
    look_at_activity(page)

    revoke(page)
    assert not mail_signs_in(sidegate, address=address, secret=secret)
    turn_off(page)
    assert mail_signs_in(sidegate, address=address, secret=PASSWORD)


def turn_on(page: Page, child: Child, *, way: str, channel: str, number: str) -> None:
    page.get_by_role("link", name="2-Step Verification").click()
    look_at(page, "two-step-off")
    press(page, "Continue")
    expect(page).to_have_url(f"{child.url}/security/two-step/phone")
    look_at(page, "password-again")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Next")
    page.get_by_label("Phone number").fill("2000")
    page.get_by_label(way).check()
    press(page, "Next")
    expect(page.get_by_role("alert")).to_be_focused()
    look_at(page, "phone-wrong")
    page.get_by_label("Phone number").fill(number)
    press(page, "Next")
    expect(page.get_by_text(number)).to_be_visible()
    code = child.codes()[-1]
    assert code["channel"] == channel
    look_at(page, "code")
    page.get_by_label("Code").fill("000000" if code["code"] != "000000" else "111111")
    press(page, "Next")
    expect(page.get_by_text("This is not the code. 4 tries are left.").first).to_be_visible()
    page.get_by_label("Code").fill(code["code"])
    press(page, "Next")
    look_at(page, "turn-on")
    press(page, "Turn on")
    expect(page.get_by_role("link", name=re.compile(way))).to_be_visible()
    look_at(page, "two-step-on")


def make_app_password(page: Page) -> str:
    page.get_by_role("link", name="App passwords").click()
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    look_at(page, "app-passwords-none")
    page.get_by_label("Select app").select_option(label="Mail")
    page.get_by_label("Select device").select_option(label="Windows Computer")
    press(page, "Generate")
    output = page.get_by_role("main").locator("output")
    expect(output).to_have_count(1)
    expect(output).to_have_accessible_name("App password")
    secret = output.inner_text()
    assert APP_PASSWORD.fullmatch(secret)
    look_at(page, "app-password")
    press(page, "Copy")
    expect(page.locator("#live")).to_have_text("Copied, without the spaces")
    assert page.evaluate("navigator.clipboard.readText()") == secret.replace(" ", "")
    press(page, "Copy server name")
    assert page.evaluate("navigator.clipboard.readText()") == "localhost"
    page.reload()
    expect(page.get_by_text("This form was used before")).to_be_visible()
    expect(page.get_by_role("main").locator("output")).to_have_count(0)
    page.get_by_label("Select device").select_option(label="iPhone")
    press(page, "Generate")
    page.get_by_role("link", name="Back to Security").click()
    page.get_by_role("link", name="App passwords").click()
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    for name in ("Mail · iPhone", "Mail · Windows Computer"):
        of_it = page.get_by_role("listitem").filter(has_text=name)
        expect(of_it.get_by_role("button")).to_have_accessible_description(name)
        of_it.get_by_role("button", name="Revoke", exact=True).click()
    page.get_by_label("Select device").select_option(label="Windows Computer")
    press(page, "Generate")
    return output.inner_text()


def look_at_activity(page: Page) -> None:
    follow(page, "Activity")
    refused = "A mail program was refused: not an app password; 2-Step Verification is on"
    expect(page.get_by_text(refused).first).to_be_visible()
    look_at(page, "activity")


def revoke(page: Page) -> None:
    follow(page, "Security")
    page.get_by_role("link", name="App passwords").click()
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    press(page, "Revoke")
    expect(page.get_by_text("It opens nothing any more")).to_be_visible()


def turn_off(page: Page) -> None:
    follow(page, "Back to Security")
    page.get_by_role("link", name="2-Step Verification").click()
    press(page, "Turn off")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Next")
    look_at(page, "turn-off")
    press(page, "Turn off")
    expect(page.get_by_text("Off", exact=True)).to_be_visible()
