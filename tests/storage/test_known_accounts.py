"""The fast reader's short way, for accounts that it saw before: nothing but ids is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db.backends.utils import CursorWrapper

from installation import OWNER, START, Installation
from sidegate.accounts import app_passwords, two_step
from sidegate.decisions.mail import AccountRecord
from sidegate.storage import fast_reader
from sidegate.storage.fast_reader import FastReader, Found, Lookup
from sidegate.storage.models import Account, AppPassword

ADDRESS = "anna@example.test"


def read_around(
    house: Installation, change: Callable[[], object], asked: list[tuple[str, str]]
) -> list[tuple[Found, Found]]:
    """What one reader finds before and after a change."""

    async def one(reader: FastReader, address: str, secret: str) -> Found:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        reader.submit(Lookup(address, secret, future.set_result))
        found: Found = await asyncio.wait_for(future, 20)
        return found

    async def run() -> list[tuple[Found, Found]]:
        reader = FastReader(keys=house.context.keys, loop=asyncio.get_running_loop())
        reader.start()
        try:
            before = [await one(reader, *each) for each in asked]
            await asyncio.to_thread(change)
            after = [await one(reader, *each) for each in asked]
        finally:
            reader.close()
        return list(zip(before, after, strict=True))

    return asyncio.run(run())


@pytest.fixture
def house(installation_on_each: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setattr(installation_on_each.context.judge, "hash", lambda _: "$none")
    return installation_on_each


def with_app_password(house: Installation, address: str = ADDRESS) -> tuple[Account, str]:
    account = house.add(address)
    two_step.turn_on(
        house.context, account=account, number="+37120000000", channel="sms", origin=OWNER
    )
    made = app_passwords.make(
        house.context, account=account, app="mail", device="windows", origin=OWNER
    )
    return account, made.secret


def test_both_ways_find_the_same(house: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = with_app_password(house)
    long_ways: list[int] = []
    accounts = fast_reader._accounts

    def counted(cursor: CursorWrapper, addresses: set[str]) -> dict[str, AccountRecord]:
        long_ways.append(1)
        return accounts(cursor, addresses)

    monkeypatch.setattr(fast_reader, "_accounts", counted)
    [(before, after)] = read_around(house, lambda: None, [(ADDRESS, secret)])
    assert before == after
    assert before[0] is not None
    assert before[1] is not None
    assert long_ways == [1], "the second time the short way answered"


def test_a_revocation_is_seen_at_once(house: Installation) -> None:
    _, secret = with_app_password(house)
    revoke = AppPassword.objects.filter(revoked_at=None).update
    [(before, after)] = read_around(house, lambda: revoke(revoked_at=START), [(ADDRESS, secret)])
    assert before[1] is not None
    assert not before[1].revoked
    assert after[1] is not None
    assert after[1].revoked


@pytest.mark.parametrize("change", [{"enabled": False}, {"two_step_since": None}])
def test_a_change_of_the_account_is_seen_at_once(
    house: Installation, change: dict[str, Any]
) -> None:
    _, secret = with_app_password(house)
    update = Account.objects.filter(address=ADDRESS).update
    [(before, after)] = read_around(house, lambda: update(**change), [(ADDRESS, secret)])
    assert before[0] is not None
    assert after[0] is not None
    assert (before[0].enabled, before[0].two_step) == (True, True)
    assert (after[0].enabled, after[0].two_step) != (True, True)
    assert after[1] is not None


def test_an_address_that_became_anothers_is_the_other(house: Installation) -> None:
    old, secret = with_app_password(house)
    other, others_secret = with_app_password(house, "bert@example.test")

    def swap() -> None:
        Account.objects.filter(pk=old.pk).update(address="gone@example.test")
        Account.objects.filter(pk=other.pk).update(address=ADDRESS)

    (_, by_old), (before, by_new) = read_around(
        house, swap, [(ADDRESS, secret), (ADDRESS, others_secret)]
    )
    assert before[1] is None
    assert by_old[0] is not None
    assert (by_old[0].id, by_old[1]) == (other.pk, None), "the old secret opens nothing any more"
    assert by_new[0] is not None
    assert by_new[0].id == other.pk
    assert by_new[1] is not None


def test_what_is_remembered_is_bounded(
    house: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast_reader, "MOST_IDS", 2)
    asked = [with_app_password(house, f"p{number}@example.test")[1] for number in range(6)]
    pairs = [(f"p{number}@example.test", secret) for number, secret in enumerate(asked)]
    for before, after in read_around(house, lambda: None, pairs):
        assert before == after
        assert after[1] is not None
