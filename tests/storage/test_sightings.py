"""Sightings: every program that used the account password, written seldom and merged."""

from __future__ import annotations

import pytest
from django.db import connection

from installation import START, Installation
from sidegate.accounts import sightings as of_accounts
from sidegate.decisions.throttle import DAY
from sidegate.events.catalogue import Kind, NewEvent
from sidegate.storage import sightings
from sidegate.storage.mail_models import Sighting
from sidegate.storage.models import Account
from sidegate.storage.sightings import Credential, Key, Seen
from sidegate.storage.stamps import Stamps
from sidegate.storage.writer import Writer

MINUTE = 60_000


def signed_in(account: int, at: int = START, **changed: object) -> NewEvent:
    event = NewEvent(
        at=at,
        kind=Kind.MAIL_ALLOWED,
        account_id=account,
        address="192.0.2.1",
        protocol="imap",
        program="Thunderbird 128.0",
        mechanism="PLAIN",
    )
    return event._replace(**changed)  # type: ignore[arg-type] # a test's own choice


def key(account: int, **changed: str) -> Key:
    told = Key(account, "imap", "192.0.2.0/24", "Mail", "CRAM-MD5", Credential.ACCOUNT_PASSWORD)
    return told._replace(**changed)  # type: ignore[arg-type] # a test's own choice


def mark(*rows: tuple[Key, Seen]) -> None:
    with connection.cursor() as cursor:
        sightings.mark(cursor, rows)


def test_an_account_password_leaves_a_sighting(installation_on_each: Installation) -> None:
    account = installation_on_each.add().pk
    writer = Writer()
    writer.start()
    writer.record(signed_in(account))
    writer.record(signed_in(account, app_password_id=7))
    writer.record(signed_in(account, kind=Kind.MAIL_REFUSED))
    assert writer.close()
    [row] = of_accounts.of(account, since=START)
    assert (row.protocol, row.network, row.program) == ("imap", "192.0.2.0/24", "Thunderbird 128.0")
    assert (row.mechanism, row.credential) == ("PLAIN", "account-password")
    assert (row.first_at, row.last_at, row.last_address) == (START, START, "192.0.2.1")
    assert row.count == 1


def test_what_tells_programs_apart(installation_on_each: Installation) -> None:
    account = installation_on_each.add().pk
    stamps = Stamps()
    for event in (
        signed_in(account),
        signed_in(account, START + 1, address="192.0.2.99"),  # the same network
        signed_in(account, START + 2, address="198.51.100.1"),
        signed_in(account, START + 3, protocol="submission"),
        signed_in(account, START + 4, program=""),
        signed_in(account, START + 5, mechanism="LOGIN"),
    ):
        stamps.add(event)
    stamps.write(everything=True)
    assert Sighting.objects.count() == 5
    first = Sighting.objects.get(first_at=START)
    assert (first.last_at, first.last_address, first.count) == (START + 1, "192.0.2.99", 2)


def test_a_program_is_written_at_most_once_a_minute(installation: Installation) -> None:
    account = installation.add().pk
    stamps = Stamps()
    counts: list[int] = []
    for at in (0, 20_000, MINUTE - 1, MINUTE, MINUTE + 1):
        stamps.add(signed_in(account, START + at))
        if stamps.waited() is not None:
            stamps.write()
        counts.append(Sighting.objects.get().count)
    assert counts == [1, 1, 1, 4, 4]
    stamps.write(everything=True)
    row = Sighting.objects.get()
    assert (row.count, row.first_at, row.last_at) == (5, START, START + MINUTE + 1)


def test_another_program_is_written_at_once(installation: Installation) -> None:
    account = installation.add().pk
    stamps = Stamps()
    stamps.add(signed_in(account))
    stamps.write()
    stamps.add(signed_in(account, START + 1))
    assert stamps.waited() is None
    stamps.add(signed_in(account, START + 2, protocol="pop3"))
    assert stamps.waited() is not None
    stamps.write()
    assert dict(Sighting.objects.values_list("protocol", "count")) == {"imap": 1, "pop3": 1}


@pytest.mark.parametrize("older_first", [True, False])
def test_reports_in_any_order_make_the_same(
    installation_on_each: Installation, *, older_first: bool
) -> None:
    account = installation_on_each.add().pk
    reports = [
        (key(account), Seen(START, START + 5, "192.0.2.5", 3)),
        (key(account), Seen(START + 10, START + 20, "192.0.2.20", 4)),
    ]
    for report in reports if older_first else reversed(reports):
        mark(report)
    row = Sighting.objects.get()
    assert (row.first_at, row.last_at, row.last_address) == (START, START + 20, "192.0.2.20")
    assert (row.count, row.mechanism) == (7, "CRAM-MD5")


def test_a_removed_account_keeps_no_other_out(installation_on_each: Installation) -> None:
    gone = installation_on_each.add("gone@example.test").pk
    anna = installation_on_each.add().pk
    Account.objects.filter(pk=gone).delete()
    seen = Seen(START, START, "192.0.2.1", 1)
    mark((key(gone), seen), (key(anna), seen))
    assert Sighting.objects.get().account_id == anna


def test_only_the_account_s_own_and_the_lately_seen(installation: Installation) -> None:
    anna, ben = installation.add().pk, installation.add("ben@example.test").pk
    mark(
        (key(anna), Seen(START, START, "", 1)),
        (key(anna, protocol="pop3"), Seen(START - DAY, START - 1, "", 1)),
        (key(anna, protocol="submission"), Seen(START, START + 9, "", 1)),
        (key(ben), Seen(START, START, "", 1)),
    )
    found = [row.protocol for row in of_accounts.of(anna, since=START)]
    assert found == ["submission", "imap"], "the newest first"


def test_what_did_not_come_back_is_dropped(installation_on_each: Installation) -> None:
    account = installation_on_each.add().pk
    mark(
        (key(account), Seen(START, START, "", 1)),
        (key(account, protocol="pop3"), Seen(START, START + 1, "", 1)),
    )
    sightings.forget_old(now=START + 1 + sightings.KEPT_FOR)
    assert Sighting.objects.get().protocol == "pop3"
