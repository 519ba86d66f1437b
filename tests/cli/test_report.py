"""`sidegate report observe`, and who is operator."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from command_line import Commands, migrated

NOW = time.time_ns() // 1_000_000
DAY = 24 * 3600 * 1000
ANNA, BERT, CAROL = (f"{name}@example.test" for name in ("anna", "bert", "carol"))
SEEN = {
    # account, protocol, network, program, mechanism, days ago
    "anna's laptop": (ANNA, "imap", "192.0.2.0/24", "Thunderbird 128.0", "PLAIN", 1),
    "anna's scanner": (ANNA, "submission", "2001:db8:0:1::/64", "", "CRAM-MD5", 2),
    "anna's old phone": (ANNA, "imap", "198.51.100.0/24", "Old", "PLAIN", 60),
    "bert's": (BERT, "pop3", "203.0.113.0/24", '=HYPERLINK("x")', "SCRAM-SHA-256", 3),
    "bert's other": (BERT, "imap", "203.0.113.0/24", "Ž" * 100, "LOGIN", 0),
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    commands = migrated(tmp_path_factory.mktemp("report") / "data")
    for address in (ANNA, BERT, CAROL):
        commands.add(address)
    with closing(sqlite3.connect(commands.data / "sidegate.sqlite3")) as database, database:
        database.execute("UPDATE account SET two_step_since = ? WHERE address = ?", (NOW, ANNA))
        for address, protocol, network, program, mechanism, days in SEEN.values():
            at = NOW - days * DAY
            database.execute(
                "INSERT INTO sighting (account_id, protocol, network, program, mechanism,"
                " credential, first_at, last_at, last_address, count) SELECT id, ?, ?, ?, ?,"
                " 'account-password', ?, ?, '192.0.2.7', 3 FROM account WHERE address = ?",
                (protocol, network, program, mechanism, at, at, address),
            )
    add = ("app-password", "add", ANNA, "--app", "mail", "--device", "mac")
    commands.done(*add)
    with closing(sqlite3.connect(commands.data / "sidegate.sqlite3")) as database, database:
        database.execute(
            "UPDATE app_password SET last_used_at = ?, last_used_protocol = 'imap',"
            " last_used_address = '192.0.2.7', last_used_program = 'Mail'",
            (NOW,),
        )
    return commands


def test_as_json(seen: Commands) -> None:
    told = seen.facts("report", "observe")
    assert told["totals"] == {
        "accounts": 3,
        "two_step": 1,
        "seen": 2,
        "refused": 1,
        "protocols": {"imap": 2, "pop3": 1, "submission": 1},
        "mechanisms": {"CRAM-MD5": 1, "LOGIN": 1, "PLAIN": 1, "SCRAM-SHA-256": 1},
    }
    assert [(row["account"], row["protocol"], row["outcome"]) for row in told["rows"]] == [
        (ANNA, "imap", "app-password"),
        (ANNA, "imap", "refused"),
        (ANNA, "submission", "refused"),
        (BERT, "imap", "two-step-off"),
        (BERT, "pop3", "mechanism-gone"),
    ]
    assert told["rows"][4]["text"] == "has to change: SCRAM-SHA-256 is no longer offered"
    assert told["rows"][1]["last_used"].endswith("Z")


def test_for_spreadsheets_no_program_is_a_formula(seen: Commands) -> None:
    rows = list(csv.DictReader(io.StringIO(seen.done("report", "observe", "--csv"))))
    assert len(rows) == 5
    assert {row["program"][:2] for row in rows if row["protocol"] == "pop3"} == {"'="}
    assert (rows[0]["two_step"], rows[0]["times"], rows[1]["times"]) == ("yes", "", "3")


def test_for_people_it_fits(seen: Commands) -> None:
    text = seen.apart.done("report", "observe")
    assert all(len(line) <= 80 for line in text.splitlines()), text
    assert "anna@example.test: 2-step on" in text
    assert text.count("REFUSED") == 2
    assert "Old" not in text
    assert re.search(r"by CRAM-MD5, which goes +1\n", text)
    assert re.search(r"With a program that would be refused +1\n", text)


def test_json_or_csv(seen: Commands) -> None:
    assert "not allowed with" in seen.failed("report", "observe", "--csv", "--json", status=2)


def test_who_is_operator(tmp_path: Path) -> None:
    commands = migrated(tmp_path / "data")
    commands.add(ANNA)
    assert commands.facts("account", "show", ANNA)["operator"] is False
    on = commands.done("account", "operator", "on", ANNA)
    assert on.startswith("anna@example.test is operator.\nThe page http://localhost:8025/operator")
    assert "was operator already" in commands.done("account", "operator", "on", ANNA)
    assert commands.facts("account", "show", ANNA)["operator"] is True
    assert "is no longer operator" in commands.done("account", "operator", "off", ANNA)
    assert "was no operator" in commands.done("account", "operator", "off", ANNA)
    kinds = [one["kind"] for one in commands.facts("events", "--account", ANNA)]
    assert kinds == ["account-added", "operator-on", "operator-off"]
