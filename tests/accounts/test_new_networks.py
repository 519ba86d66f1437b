"""An app password from a network that is new to its account: told, and never in its way."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.utils import translation

from installation import OPERATOR, OWNER, START, Installation, install
from sidegate.accounts import app_passwords, two_step, web_sign_in
from sidegate.accounts.context import Origin
from sidegate.accounts.new_networks import NewNetworks
from sidegate.accounts.notices import JOB, MOST_SIGN_INS_A_DAY, Notice, unpacked
from sidegate.accounts.queue import payload_of
from sidegate.decisions.throttle import FAMILIAR_FOR
from sidegate.events.catalogue import Kind, NewEvent
from sidegate.storage import jobs
from sidegate.storage.mail_models import FamiliarNetwork
from sidegate.storage.models import Account, AppPassword, Event, Job
from sidegate.storage.stamps import MOST_TOLD, Stamps
from sidegate.storage.writer import Writer

HOME, AWAY = "192.0.2.1", "198.51.100.9"


class Desk:
    """Anna, with one app password; her mail programs sign in."""

    def __init__(self, house: Installation, *, used: bool = True) -> None:
        self.house = house
        self.anna = house.add()
        two_step.turn_on(
            house.context, account=self.anna, number="+37120000000", channel="sms", origin=OWNER
        )
        self.id = self.make()
        self.stamps = Stamps(arrived=NewNetworks(house.context))
        if used:
            self.arrive(HOME)

    def make(self, label: str = "") -> int:
        return app_passwords.make(
            self.house.context,
            account=self.anna,
            app="mail",
            device="mac",
            label=label,
            origin=OWNER,
        ).id

    def event(self, address: str, app_password: int | None) -> NewEvent:
        return NewEvent(
            at=self.house.clock(),
            kind=Kind.MAIL_ALLOWED,
            account_id=self.anna.pk,
            address=address,
            protocol="imap",
            program="Thunderbird",
            app_password_id=app_password,
        )

    def arrive(self, *addresses: str, app_password: int = 0) -> None:
        for address in addresses:
            self.stamps.add(self.event(address, app_password or self.id))
        self.stamps.write()

    def told(self) -> list[str]:
        """From where, as its events say."""
        rows = Event.objects.filter(kind="mail-new-network").order_by("id")
        return [row.address for row in rows]

    def messages(self) -> list[Notice]:
        taken = jobs.take(kinds=[JOB], most=99, now=self.house.clock())
        found = [unpacked(payload_of(self.house.context, job)) for job in taken]
        return [one for one in found if one.kind == Kind.MAIL_NEW_NETWORK]


def test_a_new_network_is_told_once(installation_on_each: Installation) -> None:
    desk = Desk(installation_on_each)
    assert desk.told() == []
    desk.arrive(AWAY, "198.51.100.77")  # one /24
    desk.house.clock.forward(seconds=61)
    desk.arrive(AWAY)
    assert desk.told() == [AWAY]
    [said] = desk.messages()
    assert (said.app, said.device, said.protocol) == ("mail", "mac", "imap")
    assert (said.program, said.address, said.by) == ("Thunderbird", AWAY, "owner")
    assert Job.objects.filter(subject__endswith="mail-new-network").count() == 2
    assert FamiliarNetwork.objects.count() == 2


def test_ipv6_counts_by_its_64(installation_on_each: Installation) -> None:
    desk = Desk(installation_on_each)
    desk.arrive("2001:db8:1::1", "2001:db8:1::2", "2001:db8:1:1::1")
    assert desk.told() == ["2001:db8:1:1::1", "2001:db8:1::1"]


def test_the_first_use_is_told_unless_it_is_where_it_was_made(
    installation_on_each: Installation,
) -> None:
    desk = Desk(installation_on_each, used=False)
    desk.arrive("192.0.2.99")  # the /24 that `OWNER` made it from; nobody signed in there yet
    assert desk.told() == []
    phone = desk.make("My phone")
    desk.arrive(AWAY, app_password=phone)
    assert desk.told() == [AWAY]
    assert desk.messages()[0].label == "My phone"


def test_one_that_the_operator_made_has_no_network(installation_on_each: Installation) -> None:
    desk = Desk(installation_on_each, used=False)
    FamiliarNetwork.objects.all().delete()
    app_passwords.make(
        desk.house.context, account=desk.anna, app="mail", device="mac", origin=OPERATOR
    )
    assert not FamiliarNetwork.objects.exists()
    desk.arrive(HOME)
    assert desk.told() == [HOME]


def test_no_question_holds_more_values_than_a_database_takes(installation: Installation) -> None:
    """SQLite may take as few as 999: then none of what waits was ever written."""
    desk = Desk(installation)
    connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
    many = [f"10.{high}.{low}.1" for high in range(5) for low in range(250)]
    desk.arrive(*many)
    assert FamiliarNetwork.objects.count() == len(many) + 1


def test_where_the_owner_was_otherwise_is_not_new(installation_on_each: Installation) -> None:
    desk = Desk(installation_on_each)
    by_web = Origin(by="owner", address=AWAY)
    web_sign_in.finished(desk.house.context, account=desk.anna, step="", browser="b", origin=by_web)
    desk.arrive("198.51.100.200")
    assert desk.told() == []


def test_another_accounts_networks_are_new(installation_on_each: Installation) -> None:
    desk = Desk(installation_on_each)
    bert = desk.house.add("bert@example.test")
    FamiliarNetwork.objects.create(account=bert, network="198.51.100.0/24", at=START)
    desk.arrive(AWAY)
    assert desk.told() == [AWAY]


def test_after_30_days_it_is_new_again(installation_on_each: Installation) -> None:
    desk = Desk(installation_on_each)
    desk.arrive(AWAY)
    desk.house.clock.forward(seconds=FAMILIAR_FOR / 1000)
    desk.arrive(AWAY)
    assert desk.told() == [AWAY, AWAY]


def test_what_has_no_address_and_the_account_password(installation: Installation) -> None:
    desk = Desk(installation)
    desk.arrive("", "no address", "127.0.0.1", "::1")
    desk.stamps.add(desk.event(AWAY, None))
    desk.stamps.write()
    assert desk.told() == []


def test_whoever_travels_gets_so_many_a_day(installation_on_each: Installation) -> None:
    desk = Desk(installation_on_each)
    for number in range(MOST_SIGN_INS_A_DAY + 3):
        desk.arrive(f"198.51.{number}.1")
    assert len(desk.told()) == MOST_SIGN_INS_A_DAY + 3
    assert len(desk.messages()) == MOST_SIGN_INS_A_DAY


def test_many_at_once(installation_on_each: Installation, caplog: pytest.LogCaptureFixture) -> None:
    """A proxy that moved makes every network new: the write stays short, and nothing is lost."""
    desk = Desk(installation_on_each)
    many = [f"10.{high}.{low}.1" for high in range(3) for low in range(250)]
    desk.arrive(*many)
    assert len(desk.told()) == MOST_TOLD
    assert "750 sign-ins from new networks at once" in caplog.text
    assert FamiliarNetwork.objects.count() == len(many) + 1
    desk.house.clock.forward(seconds=61)
    desk.arrive(*many)
    assert len(desk.told()) == MOST_TOLD


def test_in_the_installations_language(tmp_path: Path) -> None:
    house = install(tmp_path / "data", toml='[policy]\nrefusal_language = "lv"\n')
    desk = Desk(house)
    with translation.override("en"):
        desk.arrive(AWAY)
    assert desk.messages()[0].language == "lv"


def test_the_writer_tells_on_its_own_thread(installation_on_each: Installation) -> None:
    desk = Desk(installation_on_each)
    writer = Writer(arrived=NewNetworks(desk.house.context))
    desk.house.context.bell.answered_by(None)
    writer.start()
    writer.record(desk.event(AWAY, desk.id))
    assert writer.close()
    assert desk.told() == [AWAY]
    assert AppPassword.objects.get(pk=desk.id).last_used_address == AWAY


def test_a_fault_of_ours_keeps_no_stamp_out(
    installation_on_each: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(installation_on_each)

    def fault(event: NewEvent) -> None:
        del event
        Account.objects.filter(address=desk.anna.address).update(name="half done")
        raise ValueError

    desk.stamps = Stamps(arrived=fault)
    desk.arrive(AWAY)
    assert "could not be told" in caplog.text
    assert AppPassword.objects.get(pk=desk.id).last_used_address == AWAY
    assert Account.objects.get(pk=desk.anna.pk).name == "Anna"


def test_an_outage_tells_it_later_and_once(installation_on_each: Installation) -> None:
    desk = Desk(installation_on_each)
    tell, away = NewNetworks(desk.house.context), threading.Event()

    def arrived(event: NewEvent) -> None:
        tell(event)
        if not away.is_set():
            away.set()
            raise OperationalError

    desk.stamps = Stamps(arrived=arrived)
    with pytest.raises(OperationalError):
        desk.arrive(AWAY)
    assert (desk.told(), FamiliarNetwork.objects.count()) == ([], 1)
    desk.stamps.write()
    assert desk.told() == [AWAY]
    connection.close()
