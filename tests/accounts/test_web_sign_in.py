"""The first stage of the portal's sign-in: judged, counted, throttled, without an oracle."""

from __future__ import annotations

import dataclasses
import re
from typing import Literal

import pytest
from argon2 import PasswordHasher
from django.db import connection
from django.test.utils import CaptureQueriesContext

from installation import OPERATOR, OWNER, PASSWORD, Installation
from mail_desk import GivenJudge
from sidegate.accounts import people, two_step, web_sign_in
from sidegate.accounts.web_sign_in import PasswordCannotTell, RightPassword, WrongPassword
from sidegate.decisions.mail import PasswordCheck
from sidegate.decisions.words import Why
from sidegate.directory.own import OwnDirectory
from sidegate.factors import account_password
from sidegate.storage.mail_models import WrongSecret
from sidegate.storage.models import Account, Event

ANNA, NOBODY = "anna@example.test", "nobody@example.test"


def judged(house: Installation, *says: PasswordCheck) -> GivenJudge:
    judge = GivenJudge(*says)
    house.context = dataclasses.replace(house.context, judge=judge)
    return judge


def check(
    house: Installation, login: str = ANNA, secret: str = PASSWORD, address: str = "192.0.2.7"
) -> object:
    origin = dataclasses.replace(OWNER, address=address)
    return web_sign_in.check_password(house.context, login=login, secret=secret, origin=origin)


def test_right_and_wrong(installation_on_each: Installation) -> None:
    house = installation_on_each
    account = house.add()
    assert check(house) == RightPassword(account)
    assert check(house, "ANNA+x@example.test") == RightPassword(account)
    assert check(house, secret="wrong") == WrongPassword()
    assert check(house, NOBODY) == WrongPassword()
    assert check(house, "no address", "\ud800") == WrongPassword()
    two_step.turn_on(
        house.context, account=account, number="+37120000000", channel="sms", origin=OWNER
    )
    assert check(house) == RightPassword(account), "the first stage needs it, and only that"
    people.set_enabled(house.context, account=account, enabled=False, origin=OPERATOR)
    assert check(house) == WrongPassword()
    refused = Event.objects.filter(kind="web-refused").order_by("pk")
    assert [(event.account_id, event.reason) for event in refused] == [
        (account.pk, "wrong-password"),
        (None, "unknown-account"),
        (None, "unknown-account"),
        (account.pk, "account-disabled"),
    ]


class CountingHasher(PasswordHasher):
    """Counts what it was given to verify, by the parameters that decide what that costs."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.spent: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - its name
        self.spent.append(str(hash).rpartition("$")[0].rpartition("$")[0])
        return super().verify(hash, password)


def people_of_all_kinds(house: Installation) -> list[str]:
    """Known, with 2-step on, disabled, locked, without a password here."""
    for name in ("guarded", "disabled", "locked", "elsewhere", "anna"):
        house.add(f"{name}@example.test")
    guarded, disabled = people.find("guarded@example.test"), people.find("disabled@example.test")
    assert guarded is not None
    assert disabled is not None
    two_step.turn_on(
        house.context, account=guarded, number="+37120000000", channel="sms", origin=OWNER
    )
    people.set_enabled(house.context, account=disabled, enabled=False, origin=OPERATOR)
    locked = Account.objects.filter(address="locked@example.test")
    locked.update(enabled=False, locked_at=house.clock.ms)
    Account.objects.filter(address="elsewhere@example.test").update(password_hash="")
    return [*Account.objects.values_list("address", flat=True)]


def test_a_wrong_password_is_the_same_work_for_everybody(
    installation_on_each: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = installation_on_each
    hasher = CountingHasher()
    monkeypatch.setattr(account_password, "_HASHER", hasher)
    house.context = dataclasses.replace(house.context, judge=OwnDirectory())

    def work(login: str) -> tuple[list[str], list[str]]:
        hasher.spent.clear()
        with CaptureQueriesContext(connection) as queries:
            assert check(house, login, "wrong") == WrongPassword()
        texts = [query["sql"] for query in queries]
        # NULL for nobody's account, its number for somebody's.
        shapes = [re.sub(r"'[^']*'|\\x[0-9a-f]+|\d+|NULL", "?", text) for text in texts]
        return shapes, [*hasher.spent]

    known = people_of_all_kinds(house)
    statements, hashes = work(NOBODY)
    assert len(known) == 5
    assert len(hashes) == 1
    assert hashes[0].startswith("$argon2id$")
    assert "INSERT" in " ".join(statements)
    for login in (*known, "guarded+tag@example.test"):
        assert work(login) == (statements, hashes), login


def test_the_same_wrong_secret_counts_once(installation_on_each: Installation) -> None:
    house = installation_on_each
    house.add()
    judged(house, PasswordCheck.WRONG)
    for _ in range(20):
        assert check(house, secret="caps lock") == WrongPassword()
    assert WrongSecret.objects.count() == 1


def test_too_many_wrong_ones_are_not_judged(installation_on_each: Installation) -> None:
    house = installation_on_each
    house.add()
    judge = judged(house, PasswordCheck.WRONG)
    for login in (ANNA, NOBODY):
        for number in range(10):
            assert check(house, login, f"wrong {number}") == WrongPassword()
        assert check(house, login) == PasswordCannotTell(Why.THROTTLED)
    assert len(judge.asked) == 20
    assert Event.objects.filter(kind="web-unavailable", reason="throttled").count() == 2
    house.clock.forward(seconds=3600)
    assert check(house) == WrongPassword(), "judged again"


def test_failures_elsewhere_keep_nobody_out_of_where_she_was(
    installation_on_each: Installation,
) -> None:
    house = installation_on_each
    account = house.add()
    web_sign_in.finished(house.context, account=account, step="", browser="b", origin=OWNER)
    judged(house, PasswordCheck.WRONG)
    for number in range(100):
        check(house, secret=f"guess {number}", address=f"198.51.{number}.1")
    judged(house, PasswordCheck.RIGHT)
    assert check(house, address="203.0.113.1") == PasswordCannotTell(Why.THROTTLED)
    assert check(house) == RightPassword(account)
    assert check(house, address="192.0.2.200") == RightPassword(account), "the same network"


@pytest.mark.parametrize("why", [PasswordCheck.BUSY, PasswordCheck.OUTAGE])
def test_what_could_not_be_judged_is_not_wrong(
    installation_on_each: Installation, why: PasswordCheck
) -> None:
    house = installation_on_each
    house.add()
    judged(house, why)
    for login in (ANNA, NOBODY):
        assert check(house, login) == PasswordCannotTell(Why(why.value))
    assert not WrongSecret.objects.exists()


class MeddlingJudge(GivenJudge):
    """While it judges, something happens to the account."""

    def __init__(self, **changes: object) -> None:
        super().__init__(PasswordCheck.RIGHT)
        self._changes = changes

    def check_blocking(
        self, *, account_id: int | None, password_hash: str, password_version: int, secret: str
    ) -> PasswordCheck:
        assert account_id is not None
        Account.objects.filter(pk=account_id).update(**self._changes)
        return super().check_blocking(
            account_id=account_id,
            password_hash=password_hash,
            password_version=password_version,
            secret=secret,
        )


def test_what_happens_during_a_slow_hash_counts(installation: Installation) -> None:
    installation.add()

    def meddled(**changes: object) -> object:
        judge = MeddlingJudge(**changes)
        installation.context = dataclasses.replace(installation.context, judge=judge)
        return check(installation)

    answer = meddled(two_step_since=5)
    assert isinstance(answer, RightPassword)
    assert answer.account.two_step, "the second step is asked for"
    assert meddled(password_version=2) == WrongPassword()
    assert meddled(enabled=False) == WrongPassword()


def test_signed_in_and_out_are_recorded(installation: Installation) -> None:
    account = installation.add()
    web_sign_in.finished(installation.context, account=account, step="", browser="b", origin=OWNER)
    web_sign_in.signed_out(installation.context, account=account, origin=OWNER)
    events = Event.objects.filter(kind__startswith="web-signed").order_by("pk")
    assert [event.kind for event in events] == ["web-signed-in", "web-signed-out"]
    assert {event.address for event in events} == {OWNER.address}
