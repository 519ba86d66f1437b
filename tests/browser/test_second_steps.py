"""An authenticator app and backup codes, as a person sets them up and signs in with them."""

import base64
import re
import time

from playwright.sync_api import Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.walking import follow, press, sign_in
from child import Child
from sidegate.factors import totp

ADDRESS = "steps@example.test"


def code_of(key: str, *, later: int = 0) -> str:
    secret = base64.b32decode(key.replace(" ", ""))
    return totp.code_at(secret=secret, step=int(time.time() * 1000) // totp.STEP + later)


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Account menu").click()
    press(page, "Sign out")


def test_an_app_and_backup_codes(page: Page, sidegate: Child) -> None:
    sidegate.add_account(ADDRESS, PASSWORD)
    sign_in(page, address=ADDRESS, password=PASSWORD)
    page.goto("/security/two-step/app")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Next")
    look_at(page, "authenticator-add")
    key = page.locator("#key").inner_text()
    page.get_by_label("Code").fill(code_of(key, later=-1))
    press(page, "Next")
    press(page, "Turn on")
    page.goto("/security/two-step/backup-codes")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Next")
    look_at(page, "backup-codes")
    press(page, "Make backup codes")
    look_at(page, "backup-codes-new")
    whose = page.get_by_text(re.compile("^Backup codes of .*Each can be used once"))
    expect(whose).to_be_hidden()
    page.emulate_media(media="print")
    expect(whose).to_be_visible()
    expect(page.get_by_label("Code")).to_be_hidden()
    page.emulate_media(media="screen")
    codes = page.locator("#codes").inner_text().split("\n")
    with page.expect_download() as download:
        follow(page, "Download")
    assert codes[9] in download.value.path().read_text()
    press(page, "I saved the file")
    expect(page.get_by_text("10 are left")).to_be_visible()
    look_at(page, "second-steps")
    sign_out(page)
    sign_in(page, address=ADDRESS, password=PASSWORD)
    look_at(page, "second-stage-app")
    page.get_by_label("Code").fill(code_of(key))
    page.get_by_label("Don't ask again").check()
    press(page, "Next")
    page.goto("/security/two-step")
    press(page, "Ask again")
    sign_out(page)
    sign_in(page, address=ADDRESS, password=PASSWORD)
    follow(page, "Try another way")
    look_at(page, "every-way")
    page.get_by_role("button", name="Backup codes").click()
    page.get_by_label("Code").fill(codes[0].upper())
    press(page, "Next")
    page.goto("/security/two-step")
    expect(page.get_by_text("9 are left")).to_be_visible()
