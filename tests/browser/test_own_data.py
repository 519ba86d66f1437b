"""Downloading one's own data in a real browser, with more events than go at once."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing

from playwright.sync_api import Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.test_ways import turned_on
from browser.walking import follow, press
from child import Child

ADDRESS = "own-data@example.test"
MANY = 20_000


def test_the_file_comes_whole(page: Page, sidegate: Child) -> None:
    turned_on(page, sidegate, ADDRESS)
    happened(sidegate)
    follow(page, "Personal info")
    page.get_by_role("link", name="Download your data").click()
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Next")
    look_at(page, "own-data")
    with page.expect_download() as download:
        press(page, "Download the file")
    assert download.value.suggested_filename == "Sidegate-own-data_example.test-data.json"
    told = json.loads(download.value.path().read_text())
    assert told["account"]["address"] == ADDRESS
    assert len(told["phones"]) == 1
    assert sum(event["kind"] == "mail-allowed" for event in told["events"]) == MANY
    assert PASSWORD not in json.dumps(told)
    follow(page, "Activity")
    expect(page.get_by_text("Your data was downloaded")).to_be_visible()


def happened(child: Child) -> None:
    now = time.time_ns() // 1_000_000
    with (
        closing(sqlite3.connect(child.data / "sidegate.sqlite3", timeout=10)) as database,
        database,
    ):
        [account] = database.execute("SELECT id FROM account WHERE address = ?", (ADDRESS,))
        database.executemany(
            "INSERT INTO event (at, kind, account_id, address, protocol, program, reason, detail)"
            " VALUES (?, 'mail-allowed', ?, '192.0.2.7', 'imap', 'Thunderbird 128.0', '', '{}')",
            ((now - number, account[0]) for number in range(MANY)),
        )
