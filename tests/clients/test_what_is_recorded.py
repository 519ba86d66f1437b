"""What owners and operators can read afterwards of what mail programs did."""

from __future__ import annotations

import imaplib
import json
import time
from typing import Any

import pytest

from child import Child
from clients.desk import Desk
from clients.ways import LIBRARIES, all_of, everywhere, imap, let_in

SOON = 10.0
LOOPBACK = {"127.0.0.1", "::1"}


def events(child: Child, address: str, kind: str, *, count: int) -> list[dict[str, Any]]:
    """So many events of one kind; they are written behind the sign-ins."""
    deadline = time.monotonic() + SOON
    while True:
        told = child.command("events", "--account", address, "--json").stdout
        found = [event for event in json.loads(told) if event["kind"] == kind]
        if len(found) >= count or time.monotonic() > deadline:
            assert len(found) == count, found
            return found


def test_every_refusal_has_its_true_reason(child: Child, desk: Desk) -> None:
    anna, bert = desk.person(), desk.person()
    anna.turn_on()
    revoked, narrow = anna.app_password(), anna.app_password(["imap"])
    anna.revoke(revoked)
    asked = {
        "not-an-app-password": (anna.address, anna.password),
        "app-password-revoked": (anna.address, revoked.secret),
        "wrong-password": (bert.address, "a wrong password"),
    }
    for outcomes in all_of(child, asked, LIBRARIES).values():
        assert let_in(outcomes) == set()
    assert let_in(everywhere(child, anna.address, narrow.secret, LIBRARIES)) != set()
    refused = events(child, anna.address, "mail-refused", count=13)
    refused += events(child, bert.address, "mail-refused", count=10)
    per_reason: dict[str, list[str]] = {}
    for event in refused:
        assert event["address"] in LOOPBACK
        per_reason.setdefault(event["reason"], []).append(event["protocol"])
    each = sorted(way.protocol for way in LIBRARIES)
    [once] = per_reason.pop("app-password-revoked")
    assert once in each, "a day, of whichever came first"
    assert {reason: sorted(protocols) for reason, protocols in per_reason.items()} == {
        "not-an-app-password": each,
        "wrong-password": each,
        "out-of-scope": sorted({*each} - {"imap"}),
    }


def test_an_app_password_shows_its_last_use_and_the_program(child: Child, desk: Desk) -> None:
    anna = desk.person()
    anna.turn_on()
    used, unused = anna.app_password(), anna.app_password()
    client = imap(child)
    client._simple_command("ID", '("name" "Thunderbird" "version" "128.0")')
    client.login(anna.address, used.secret)
    client.logout()
    (event,) = events(child, anna.address, "mail-allowed", count=1)
    assert (event["program"], event["protocol"]) == ("Thunderbird 128.0", "imap")
    assert (event["account"], event["app_password"]) == (anna.address, used.id)
    listed = json.loads(child.command("app-password", "list", anna.address, "--json").stdout)
    last = {row["id"]: row["last_used"] for row in listed}
    assert last[used.id] == event["at"]
    assert last[unused.id] is None
    shown = child.command("app-password", "list", anna.address).stdout
    assert "Thunderbird 128.0" in shown


def test_a_programs_own_words_cannot_break_the_list(child: Child, desk: Desk) -> None:
    anna = desk.person()
    client = imap(child)
    client._simple_command("ID", '("name" "a\tb\\"<script>\x1b[31m" "version" "%s")' % ("9" * 500))
    with pytest.raises(imaplib.IMAP4.error):
        client.login(anna.address, "a wrong password")
    client.logout()
    (event,) = events(child, anna.address, "mail-refused", count=1)
    assert event["program"].isprintable()
    assert len(event["program"]) <= 200
