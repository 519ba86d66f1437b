"""Locks are taken in one order, so that on PostgreSQL no two changes wait for each other.

SQLite has one lock for all that is written, and its order is its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from installation import OWNER, Installation
from sidegate.accounts import (
    app_passwords,
    backup_codes,
    codes,
    lock_links,
    locking,
    people,
    recovery,
    recovery_address,
    second_steps,
    two_step,
)
from sidegate.accounts.phone_notices import NEW_FOR
from sidegate.storage import sends
from sidegate.storage.models import Account

NUMBER = "+37120000000"
_LOCKS = ("UPDATE", "DELETE", "INSERT")


@pytest.fixture
def house(installation_on_each: Installation) -> Installation:
    return installation_on_each


@pytest.fixture
def anna(house: Installation) -> Account:
    account = house.add()
    two_step.turn_on(house.context, account=account, number=NUMBER, channel="sms", origin=OWNER)
    house.clock.forward(seconds=NEW_FOR / 1000)
    return account


on_postgres = pytest.mark.parametrize("installation_on_each", ["postgresql"], indirect=True)


@on_postgres
def test_a_change_that_tells_phones_and_a_code_at_once(
    house: Installation, anna: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change holds the account and waits for the lock of codes, which the code holds."""
    has_account, has_codes = threading.Event(), threading.Event()
    lock = sends.lock

    def meet(*, now: int) -> None:
        if threading.current_thread().name == "change":
            has_account.set()
            assert has_codes.wait(10)
            lock(now=now)
        else:
            assert has_account.wait(10)
            lock(now=now)
            has_codes.set()
            time.sleep(0.3)  # until the change waits for it

    monkeypatch.setattr(sends, "lock", meet)
    failed = both(
        change=change_password(house, anna),
        code=lambda: codes.begin(
            house.context,
            account=anna,
            purpose="sign-in",
            number=NUMBER,
            channel="sms",
            binding="browser",
            origin=OWNER,
        ),
    )
    assert failed == []
    assert len(house.sender.sent) == 2


def both(**work: Callable[[], object]) -> list[Exception]:
    failed: list[Exception] = []

    def one(do: Callable[[], object]) -> None:
        try:
            do()
        except Exception as problem:  # noqa: BLE001 - whatever it is, the test tells it
            failed.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(do,), name=name) for name, do in work.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


Change = Callable[[Installation, Account], Callable[[], object]]
"""Prepares something, and is what does it."""


def change_password(house: Installation, anna: Account) -> Callable[[], object]:
    return lambda: people.change_password(
        house.context,
        account=anna,
        password="wooden kettle orange ferry",
        keep_app_passwords=False,
        origin=OWNER,
    )


def lock_by_link(house: Installation, anna: Account) -> Callable[[], object]:
    link = lock_links.new_link(house.context, account=anna)
    token = link.rpartition("/")[2]
    return lambda: locking.lock(house.context, token=token, origin=OWNER)


def confirm_address(house: Installation, anna: Account) -> Callable[[], object]:
    made: dict[str, Any] = {"account": anna, "binding": "browser", "origin": OWNER}
    recovery_address.begin(house.context, address="anna@elsewhere.test", **made)
    return lambda: recovery_address.confirm(house.context, code="000000", **made)


CHANGES: dict[str, Change] = {
    "turn off": lambda house, anna: (
        lambda: two_step.turn_off(house.context, account=anna, origin=OWNER)
    ),
    "change the password": change_password,
    "lock by link": lock_by_link,
    "confirm a recovery address": confirm_address,
    "begin a recovery": lambda house, anna: (
        lambda: recovery.begin(house.context, account=anna, origin=OWNER)
    ),
    "remove a second step": lambda house, anna: (
        lambda: second_steps.remove(house.context, account=anna, key="nothing", origin=OWNER)
    ),
    "make backup codes": lambda house, anna: (
        lambda: backup_codes.turn_on(house.context, account=anna, codes=["1234"], origin=OWNER)
    ),
    "make an app password": lambda house, anna: (
        lambda: app_passwords.make(
            house.context, account=anna, app="mail", device="other", origin=OWNER
        )
    ),
}


@on_postgres
@pytest.mark.parametrize("change", CHANGES)
def test_the_account_is_locked_first(house: Installation, anna: Account, change: str) -> None:
    do = CHANGES[change](house, anna)
    with CaptureQueriesContext(connection) as said:
        do()
    queries = [one["sql"] for one in said.captured_queries]
    locks = [sql for sql in queries if sql.startswith(_LOCKS) or " FOR " in sql]
    assert 'FROM "account"' in locks[0]
    assert locks[0].endswith("FOR NO KEY UPDATE")
    assert not any(sql.endswith("FOR UPDATE") for sql in locks)
