"""The fast reader: one batch for all that wait, an outage said as one, and recovery."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection

from installation import OWNER, Installation
from outages import database_away
from sidegate.accounts import app_passwords, people, two_step
from sidegate.factors.app_password import digest
from sidegate.storage import fast_reader
from sidegate.storage.fast_reader import FastReader, Found, Lookup
from sidegate.storage.keys import KeyRing
from sidegate.storage.models import Account, AppPassword

Value = Found | Exception
Asked = Sequence[tuple[str, str]]


def read(house: Installation, asked: Asked, keys: KeyRing | None = None) -> list[Value]:
    """Everything that is asked, waiting before the reader starts: one batch or few."""

    async def run() -> list[Value]:
        loop = asyncio.get_running_loop()
        reader = FastReader(keys=keys or house.context.keys, loop=loop)
        futures = submit(reader, asked)
        reader.start()
        try:
            return await asyncio.wait_for(asyncio.gather(*futures), 20)
        finally:
            reader.close()

    return asyncio.run(run())


def submit(reader: FastReader, asked: Asked) -> list[asyncio.Future[Value]]:
    futures: list[asyncio.Future[Value]] = []
    for address, secret in asked:
        future: asyncio.Future[Value] = asyncio.get_running_loop().create_future()
        reader.submit(Lookup(address, secret, future.set_result))
        futures.append(future)
    return futures


def with_app_password(house: Installation, address: str) -> tuple[Account, app_passwords.Made]:
    account = house.add(address)
    two_step.turn_on(
        house.context, account=account, number="+37120000000", channel="sms", origin=OWNER
    )
    made = app_passwords.make(
        house.context, account=account, app="mail", device="windows", origin=OWNER
    )
    return account, made


def test_many_wait_and_each_gets_its_own(
    installation_on_each: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = installation_on_each
    monkeypatch.setattr(house.context.judge, "hash", lambda _: "$none")
    people_ = [with_app_password(house, f"p{number}@example.test") for number in range(7)]
    queries: list[int] = []
    monkeypatch.setattr(fast_reader, "_accounts", counted(fast_reader._accounts, queries))
    asked: list[tuple[str, str]] = []
    for account, made in people_:
        asked += [(account.address, made.secret), (account.address, made.secret.upper())]
        asked += [(account.address, "x" * 16), (account.address, "wrong"), ("no@one.test", "y")]
    found = read(house, asked * 8)  # 280: more than one batch holds
    assert queries == [1, 1]
    for number, (address, _) in enumerate(asked * 8):
        value = found[number]
        assert not isinstance(value, Exception)
        account_record, app_password = value
        if number % 5 == 4:
            assert value == (None, None)
            continue
        assert account_record is not None
        assert account_record.address == address
        assert account_record.two_step
        owner, made = people_[(number // 5) % 7]
        assert account_record.id == owner.pk
        assert (app_password.id if app_password else None) == (
            made.id if number % 5 in {0, 1} else None
        )


def counted(wrapped: Callable[..., Any], calls: list[int]) -> Callable[..., Any]:
    def call(*arguments: object) -> object:
        calls.append(1)
        return wrapped(*arguments)

    return call


def test_everything_is_read_as_it_is_stored(installation_on_each: Installation) -> None:
    house = installation_on_each
    account, made = with_app_password(house, "anna@example.test")
    [first] = read(house, [("anna@example.test", made.secret)])
    assert not isinstance(first, Exception)
    record, app_password = first
    assert record is not None
    assert record.enabled
    assert record.password_hash == account.password_hash
    assert record.password_version == 1
    assert app_password is not None
    assert app_password.scopes == {"imap", "pop3", "submission"}
    assert not app_password.revoked
    app_passwords.revoke(house.context, account=account, app_password_id=made.id, origin=OWNER)
    people.set_enabled(house.context, account=account, enabled=False, origin=OWNER)
    [second] = read(house, [("anna@example.test", made.secret)])
    assert not isinstance(second, Exception)
    assert second[0] is not None
    assert not second[0].enabled
    assert second[1] is not None
    assert second[1].revoked


def test_another_accounts_app_password_is_none_of_hers(
    installation_on_each: Installation,
) -> None:
    house = installation_on_each
    _, made = with_app_password(house, "anna@example.test")
    with_app_password(house, "berta@example.test")
    [found] = read(house, [("berta@example.test", made.secret)])
    assert not isinstance(found, Exception)
    assert found[0] is not None
    assert found[1] is None


def test_digests_under_an_older_key_are_found(installation_on_each: Installation) -> None:
    house = installation_on_each
    account, made = with_app_password(house, "anna@example.test")
    rotated = KeyRing(keys={**house.context.keys.keys, "2": b"\2" * 32}, newest="2")
    newer = digest(key=rotated.current, account_id=account.pk, letters="z" * 16)
    AppPassword.objects.create(
        account=account,
        digest=newer,
        key_id="2",
        app="mail",
        device="mac",
        scopes="imap",
        created_at=1,
    )
    found = read(house, [(account.address, made.secret), (account.address, "z" * 16)], rotated)
    ids = [value[1].id for value in found if not isinstance(value, Exception) and value[1]]
    assert ids == list(AppPassword.objects.order_by("pk").values_list("pk", flat=True))


ODD = ["", "\0", "\ud800", "x" * 100_000, "\u0430" * 16, "%s", "' OR 1=1 --"]


def test_odd_secrets_and_addresses_find_nothing(installation_on_each: Installation) -> None:
    house = installation_on_each
    account = house.add()
    found = read(house, [(account.address, secret) for secret in ODD])
    assert all(not isinstance(value, Exception) and value[1] is None for value in found)
    found = read(house, [("", "a" * 16), ("%s", "a" * 16), ("' OR 1=1 --", "a" * 16)])
    assert found == [(None, None)] * 3


def test_an_outage_is_an_answer_and_ends(installation_on_each: Installation) -> None:
    house = installation_on_each
    account, made = with_app_password(house, "anna@example.test")
    asked = [(account.address, made.secret)] * 3

    async def run() -> None:
        reader = FastReader(keys=house.context.keys, loop=asyncio.get_running_loop())
        reader.start()
        try:
            before = await asyncio.gather(*submit(reader, asked))
            with database_away():
                away = await asyncio.gather(*submit(reader, asked))
            assert all(isinstance(value, Exception) for value in away)
            deadline = time.monotonic() + 10
            after = await asyncio.gather(*submit(reader, asked))
            while isinstance(after[0], Exception) and time.monotonic() < deadline:
                after = await asyncio.gather(*submit(reader, asked))
            assert after == before
            assert not isinstance(before[0], Exception)
        finally:
            reader.close()

    connection.close()
    asyncio.run(run())


def test_one_broken_reply_leaves_the_others_theirs(installation: Installation) -> None:
    account = installation.add()

    async def run() -> Value:
        loop = asyncio.get_running_loop()
        reader = FastReader(keys=installation.context.keys, loop=loop)

        def broken(_: Value) -> None:
            raise ConnectionResetError

        reader.submit(Lookup(account.address, "x", broken))
        [future] = submit(reader, [(account.address, "x")])
        reader.start()
        try:
            return await asyncio.wait_for(future, 5)
        finally:
            reader.close()

    assert not isinstance(asyncio.run(run()), Exception)


def test_a_lookup_shows_no_secret() -> None:
    assert "hush" not in repr(Lookup("anna@example.test", "hush", print))
