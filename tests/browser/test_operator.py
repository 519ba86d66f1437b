"""The operator's page, as an operator sees it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.test_ways import turned_on
from browser.walking import follow, press
from child import Child, running

OLGA = "olga@example.test"
SEEN = (
    (OLGA, "imap", "192.0.2.0/24", "Thunderbird 128.5.0", "PLAIN"),
    (OLGA, "submission", "2001:db8:85a3:8d3::/64", "", "CRAM-MD5"),
    ("pauls.berzins@a-rather-long-domain.example.test", "imap", "203.0.113.0/24",
     "iPhone Mail 22B91", "PLAIN"),
    ("pauls.berzins@a-rather-long-domain.example.test", "pop3", "203.0.113.0/24", "",
     "SCRAM-SHA-256"),
)  # fmt: skip


def test_the_operators_page(page: Page, sidegate: Child) -> None:
    turned_on(page, sidegate, OLGA)
    for address, *_ in SEEN[2:3]:
        sidegate.add_account(address, PASSWORD)
    sidegate.command("account", "operator", "on", OLGA)
    see(sidegate)
    page.goto("/security")
    page.get_by_role("button", name="Account menu").click()
    look_at(page, "operator-menu")
    follow(page, "For operators")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mail programs")
    expect(page.get_by_role("rowheader", name=OLGA)).to_be_visible()
    look_at(page, "operator")
    page.get_by_label("Show").select_option(label="Has to change its mechanism")
    press(page, "Filter")
    expect(page.get_by_role("rowheader", name=OLGA)).to_have_count(0)
    expect(page.get_by_role("rowheader", name="pauls.berzins")).to_be_visible()
    page.get_by_label("Address contains").fill("nobody@")
    press(page, "Filter")
    expect(page.get_by_text("No account matches.")).to_be_visible()
    look_at(page, "operator-nothing")
    follow(page, "Show everything")
    expect(page.get_by_role("rowheader", name=OLGA)).to_be_visible()
    page.context.set_extra_http_headers({"Accept-Language": "lv"})
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pasta programmas")
    look_at(page, "lv-operator")


def test_stopped_codes_and_a_gateway_that_fails(chromium: Browser, tmp_path: Path) -> None:
    more = (
        '[codes]\nsms = ["kannel", "screen"]\ncountries = ["LV"]\n'
        "[mailserver]\nprivate = false\n"
        '[gateway.kannel]\nurl = "http://127.0.0.1:9/"\nusername = "me"\n'
        'password = "zebra"\nsender = "Example"\n'
    )
    with (
        running(tmp_path / "data", more=more) as child,
        chromium.new_context(base_url=child.url) as context,
    ):
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.goto("/signin")
        turned_on(page, child, OLGA)
        child.command("account", "operator", "on", OLGA)
        stop(child, "hardly-used+37129", "daily-spend")
        page.goto("/operator")
        expect(page.get_by_role("heading", name="Codes by phone")).to_be_visible()
        expect(page.get_by_text("The gateway kannel does not work")).to_be_visible()
        expect(page.get_by_text("begin with +37129")).to_be_visible()
        look_at(page, "operator-codes-stopped")
        context.set_extra_http_headers({"Accept-Language": "lv"})
        page.reload()
        expect(page.get_by_text("Vārteja kannel nedarbojas")).to_be_visible()
        look_at(page, "lv-operator-codes-stopped")


def stop(child: Child, *told: str) -> None:
    """As if the operator had been told an hour ago."""
    at = time.time_ns() // 1_000_000 - 3_600_000
    with (
        closing(sqlite3.connect(child.data / "sidegate.sqlite3", timeout=10)) as database,
        database,
    ):
        for what in told:
            database.execute("INSERT INTO send_subject VALUES (?, ?)", (f"told:stop:{what}", at))


def see(child: Child) -> None:
    now = time.time_ns() // 1_000_000
    with (
        closing(sqlite3.connect(child.data / "sidegate.sqlite3", timeout=10)) as database,
        database,
    ):
        for number, (address, *told) in enumerate(SEEN):
            at = now - number * 26 * 3_600_000
            database.execute(
                "INSERT INTO sighting (account_id, protocol, network, program, mechanism,"
                " credential, first_at, last_at, last_address, count) SELECT id, ?, ?, ?, ?,"
                " 'account-password', ?, ?, '192.0.2.7', 3 FROM account WHERE address = ?",
                (*told, at, at, address),
            )
