"""Reads for mail sign-ins: plain SQL, one thread, all waiting sign-ins in one batch."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from sidegate.decisions.mail import AccountRecord, AppPasswordRecord
from sidegate.factors import app_password
from sidegate.storage.keys import KeyRing
from sidegate.storage.worker import Worker

log = logging.getLogger(__name__)

Found = tuple[AccountRecord | None, AppPasswordRecord | None]
Reply = Callable[[Found | Exception], None]
"""Called on the event loop with what was found, or with the outage."""

MOST = 256
"""Sign-ins in one batch: more would let the first wait for the last."""


class Lookup(NamedTuple):
    """One sign-in that waits: whose record, and the secret that may be an app password."""

    address: str
    secret: str
    reply: Reply

    def __repr__(self) -> str:
        return f"Lookup(address={self.address!r})"


class FastReader:
    """Answers look-ups in batches: one read for the accounts, one for the app passwords."""

    def __init__(self, *, keys: KeyRing, loop: asyncio.AbstractEventLoop) -> None:
        self._keys = tuple(keys.keys.values())
        self._loop = loop
        self._worker = Worker[Lookup](
            name="fast-reader", work=self._work, failed=self._failed, most=MOST
        )

    def start(self) -> None:
        """Start the reading thread."""
        self._worker.start()

    def close(self) -> None:
        """Answer what waits and end the thread."""
        self._worker.close()

    def submit(self, lookup: Lookup) -> None:
        """Read soon; `lookup.reply` is called on the event loop."""
        self._worker.put(lookup)

    def _work(self, batch: Sequence[Lookup]) -> None:
        with connection.cursor() as cursor:
            accounts = _accounts(cursor, {lookup.address for lookup in batch})
            wanted = [self._digests(lookup, accounts) for lookup in batch]
            rows = _app_passwords(cursor, [digest for digests in wanted for digest in digests])
        found: list[tuple[Reply, Found]] = []
        for lookup, digests in zip(batch, wanted, strict=True):
            account = accounts.get(lookup.address)
            row = next((rows[digest] for digest in digests if digest in rows), None)
            found.append((lookup.reply, (account, row)))
        self._loop.call_soon_threadsafe(_reply_all, found)

    def _digests(self, lookup: Lookup, accounts: dict[str, AccountRecord]) -> list[bytes]:
        account = accounts.get(lookup.address)
        letters = app_password.normalise(lookup.secret) if account else None
        if account is None or letters is None:
            return []
        return [
            app_password.digest(key=key, account_id=account.id, letters=letters)
            for key in self._keys
        ]

    def _failed(self, batch: Sequence[Lookup], problem: Exception) -> None:
        self._loop.call_soon_threadsafe(_reply_all, [(lookup.reply, problem) for lookup in batch])


def _reply_all(found: Sequence[tuple[Reply, Found | Exception]]) -> None:
    for reply, value in found:
        try:
            reply(value)
        except Exception:  # the others of the batch wait for theirs
            log.exception("a sign-in could not be answered")


_ACCOUNTS = (
    "SELECT address, id, enabled, two_step_since IS NOT NULL, password_hash, password_version"
    " FROM account WHERE address "
)
_APP_PASSWORDS = "SELECT digest, id, scopes, revoked_at IS NOT NULL FROM app_password WHERE digest "


def _accounts(cursor: CursorWrapper, addresses: set[str]) -> dict[str, AccountRecord]:
    where, parameters = _one_of(list(addresses))
    cursor.execute(_ACCOUNTS + where, parameters)
    return {
        address: AccountRecord(account_id, address, bool(enabled), bool(two_step), hashed, version)
        for address, account_id, enabled, two_step, hashed, version in cursor.fetchall()
    }


def _app_passwords(cursor: CursorWrapper, digests: list[bytes]) -> dict[bytes, AppPasswordRecord]:
    if not digests:
        return {}
    where, parameters = _one_of(digests)
    cursor.execute(_APP_PASSWORDS + where, parameters)
    return {
        bytes(digest): AppPasswordRecord(app_password_id, _scopes(scopes), bool(revoked))
        for digest, app_password_id, scopes, revoked in cursor.fetchall()
    }


@lru_cache(maxsize=256)
def _scopes(stored: str) -> frozenset[str]:
    return frozenset(stored.split(","))


def _one_of(values: list[Any]) -> tuple[str, list[Any]]:
    """The condition "is one of these" with its parameters."""
    if connection.vendor == "postgresql":
        return "= ANY(%s)", [values]
    # Rounded up to a power of two, so that few statements have to be prepared.
    size = 1 << (len(values) - 1).bit_length()
    return _placeholders(size), values + values[-1:] * (size - len(values))


@lru_cache(maxsize=16)
def _placeholders(size: int) -> str:
    return "IN (" + ",".join(["%s"] * size) + ")"
