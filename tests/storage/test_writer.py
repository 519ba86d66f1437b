"""The writer: nothing is lost, one event's trouble is its own, "last used" is coalesced."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from installation import START, Installation
from outages import database_away
from sidegate.events.catalogue import Kind, NewEvent
from sidegate.storage import worker as worker_module
from sidegate.storage import writer as writer_module
from sidegate.storage.mail_models import FamiliarNetwork
from sidegate.storage.models import Account, AppPassword, Event
from sidegate.storage.stamps import Stamps
from sidegate.storage.writer import Writer


@contextmanager
def writing() -> Iterator[Writer]:
    writer = Writer()
    writer.start()
    yield writer
    assert writer.close()


def refused(number: int) -> NewEvent:
    return NewEvent(at=START + number, kind=Kind.MAIL_REFUSED, reason="wrong-password")


def used(account: int, app_password: int, at: int, address: str = "192.0.2.1") -> NewEvent:
    return NewEvent(
        at=at,
        kind=Kind.MAIL_ALLOWED,
        account_id=account,
        address=address,
        protocol="imap",
        program="Thunderbird",
        app_password_id=app_password,
    )


def make_app_password(house: Installation, account_id: int) -> AppPassword:
    return AppPassword.objects.create(
        account_id=account_id,
        digest=house.context.random(32),
        key_id="1",
        app="mail",
        device="mac",
        scopes="imap",
        created_at=START,
    )


def test_nothing_is_lost_on_close(installation_on_each: Installation) -> None:
    del installation_on_each
    with writing() as writer:
        for number in range(5000):
            writer.record(refused(number))
    at = list(Event.objects.order_by("pk").values_list("at", flat=True))
    assert at == [START + number for number in range(5000)], "all of them, in their order"


def test_what_is_put_just_before_the_close_is_written(installation: Installation) -> None:
    del installation
    for _ in range(30):
        with writing() as writer:
            time.sleep(0.002)
            writer.record(refused(0))
    assert Event.objects.count() == 30


def test_what_an_event_says_is_stored(installation_on_each: Installation) -> None:
    account = installation_on_each.add()
    event = NewEvent(
        at=START,
        kind=Kind.CODE_SENT,
        account_id=account.pk,
        address="2001:db8::1",
        protocol="web",
        program="a \u00e4 program",
        reason="",
        detail=(("by", "owner"), ("channel", "sms")),
    )
    with writing() as writer:
        writer.record(event)
    [row] = Event.objects.filter(kind="code-sent")
    assert (row.account_id, row.address, row.protocol) == (account.pk, "2001:db8::1", "web")
    assert (row.program, row.detail) == ("a \u00e4 program", '{"by": "owner", "channel": "sms"}')


POISON = [
    NewEvent(at=START, kind=Kind.MAIL_REFUSED, account_id=999_999),
    NewEvent(at=START, kind=Kind.MAIL_REFUSED, detail=(("secret", "x"),)),
    NewEvent(at=START, kind=Kind.MAIL_REFUSED, program="\ud800"),
    NewEvent(at=2**70, kind=Kind.MAIL_REFUSED),
]


@pytest.mark.parametrize("poison", POISON, ids=["no account", "detail", "surrogate", "time"])
def test_one_bad_event_keeps_no_other_out(
    installation_on_each: Installation, poison: NewEvent
) -> None:
    del installation_on_each
    writer = Writer()
    for number in range(20):
        writer.record(poison if number == 7 else refused(number))
    writer.start()  # so that all of them are one batch
    assert writer.close()
    assert Event.objects.count() == 19


def test_last_used_is_written_on_close(installation_on_each: Installation) -> None:
    account = installation_on_each.add()
    row = make_app_password(installation_on_each, account.pk)
    with writing() as writer:
        writer.record(used(account.pk, row.pk, START))
    row.refresh_from_db()
    assert row.last_used_at == START
    assert FamiliarNetwork.objects.get().network == "192.0.2.0/24"


def test_last_used_is_written_soon(
    installation_on_each: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "STAMP_SECONDS", 0.02)
    account = installation_on_each.add()
    row = make_app_password(installation_on_each, account.pk)
    with writing() as writer:
        writer.record(used(account.pk, row.pk, START))
        wait_for(AppPassword.objects.filter(pk=row.pk, last_used_at=START).exists)


def test_last_used_is_coalesced_for_a_minute(installation_on_each: Installation) -> None:
    house = installation_on_each
    account = house.add()
    row, stamps = make_app_password(house, account.pk), Stamps()
    seen: list[int | None] = []
    # A program that looks every half minute is seen at least every minute.
    for at in (START, START + 30_000, START + 59_999, START + 60_000, START + 90_000):
        stamps.add(used(account.pk, row.pk, at))
        if stamps.waited() is not None:
            stamps.write()
        row.refresh_from_db()
        seen.append(row.last_used_at)
    assert seen == [START] * 3 + [START + 60_000] * 2
    assert row.last_used_address == "192.0.2.1"
    assert row.last_used_protocol == "imap"
    assert row.last_used_program == "Thunderbird"
    assert FamiliarNetwork.objects.get().at == START + 60_000


def test_another_network_is_stamped_at_once(installation_on_each: Installation) -> None:
    house = installation_on_each
    account = house.add()
    row = make_app_password(house, account.pk)
    with writing() as writer:
        writer.record(used(account.pk, row.pk, START))
        writer.record(used(account.pk, row.pk, START + 5, "198.51.100.7"))
    row.refresh_from_db()
    assert (row.last_used_at, row.last_used_address) == (START + 5, "198.51.100.7")
    assert FamiliarNetwork.objects.count() == 2


def test_a_removed_account_keeps_no_other_stamp_out(installation_on_each: Installation) -> None:
    gone = installation_on_each.add("gone@example.test").pk
    anna = installation_on_each.add().pk
    stamps = Stamps()
    stamps.add(used(gone, 1, START))
    stamps.add(used(anna, 2, START))
    Account.objects.filter(pk=gone).delete()
    stamps.write()
    assert FamiliarNetwork.objects.get().account_id == anna


def test_a_refusal_makes_nothing_familiar(installation: Installation) -> None:
    account = installation.add()
    row = make_app_password(installation, account.pk)
    refusal = used(account.pk, row.pk, START)._replace(kind=Kind.MAIL_REFUSED)
    with writing() as writer:
        writer.record(refusal)
    row.refresh_from_db()
    assert row.last_used_at is None
    assert not FamiliarNetwork.objects.exists()


def test_an_outage_loses_nothing(
    installation_on_each: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    del installation_on_each
    monkeypatch.setattr(writer_module, "_RETRY_SECONDS", 0.05)
    tried = threading.Event()
    with writing() as writer:
        failed = writer._worker._failed

        def noticed(*arguments: object) -> None:
            tried.set()
            failed(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(writer._worker, "_failed", noticed)
        writer.record(refused(0))
        wait_for(lambda: Event.objects.count() == 1)
        connection.close()
        with database_away():
            for number in range(1, 10):
                writer.record(refused(number))
            assert tried.wait(10)
        wait_for(lambda: Event.objects.count() == 10)


def test_an_outage_that_ends_before_the_close_loses_nothing(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    del installation
    monkeypatch.setattr(writer_module, "_RETRY_SECONDS", 30)
    tried = threading.Event()
    monkeypatch.setattr(worker_module, "_forget_connection", tried.set)
    connection.close()
    with writing() as writer, database_away():
        writer.record(refused(0))
        assert tried.wait(5)
    assert Event.objects.count() == 1


def test_an_outage_at_the_end_is_said(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    del installation
    writer = Writer()
    connection.close()
    with database_away():
        writer.record(refused(0))
        writer.start()
        assert not writer.close()
    assert "1 events could not be written" in caplog.text


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
