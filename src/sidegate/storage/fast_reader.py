"""Reads for mail sign-ins: plain SQL, one thread, all waiting sign-ins in one batch."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from django.db.backends.utils import CursorWrapper

from sidegate.decisions.grace import Window
from sidegate.decisions.mail import AccountRecord, AppPasswordRecord
from sidegate.decisions.networks import stored
from sidegate.factors import app_password
from sidegate.storage.keys import KeyRing
from sidegate.storage.worker import Worker

log = logging.getLogger(__name__)

Found = tuple[AccountRecord | None, AppPasswordRecord | None]
Reply = Callable[[Found | Exception], None]
"""Called on the event loop with what was found, or with the outage."""

Pairs = list[tuple[Reply, Found | Exception]]

MOST = 256
"""Sign-ins in one batch: more would let the first wait for the last."""
LONGEST_SECONDS = 8.0
"""After which a batch is given up: a database that froze answers nothing, not even an error."""
_LOOK_EVERY = 1.0
MOST_IDS = 200_000
"""Addresses whose account's id is kept in memory, some 25 MB."""


class Lookup(NamedTuple):
    """One sign-in that waits: whose record, and the secret that may be an app password."""

    address: str
    secret: str
    reply: Reply

    def __repr__(self) -> str:
        return f"Lookup(address={self.address!r})"


Lookups = list[Lookup]


class TookTooLong(Exception):  # noqa: N818 - what happened, by its name
    """The database did not answer in time."""


class _Batch:
    """Look-ups under way; whoever answers first, the reader or the clock, answers all."""

    def __init__(self, lookups: Sequence[Lookup], started: float) -> None:
        self.lookups = lookups
        self.started = started
        self.answered = False

    def answer(self, pairs: Sequence[tuple[Reply, Found | Exception]]) -> None:
        """Answer, on the event loop."""
        if not self.answered:
            self.answered = True
            _reply_all(pairs)

    def give_up(self) -> None:
        """Answer that it took too long."""
        self.answer([(lookup.reply, TookTooLong()) for lookup in self.lookups])


class FastReader:
    """Answers look-ups in batches.

    A right app password of an account that was seen before costs one read: account and
    app password together, by the digest. The rest takes two: the accounts, then the app
    passwords that their ids and the secrets name; and with `grace`, where 2-step is on,
    a third: the grace windows. Nothing but the ids is kept from one batch to the next; an
    id never becomes another account's.
    """

    def __init__(
        self, *, keys: KeyRing, loop: asyncio.AbstractEventLoop, grace: bool = False
    ) -> None:
        self._keys = tuple(keys.keys.values())
        self._loop = loop
        self._grace = grace
        self._ids: dict[str, int] = {}
        self._gathered: Lookups = []
        self._batch: _Batch | None = None
        self._look: asyncio.TimerHandle | None = None
        self._worker = Worker[Lookup](
            name="fast-reader", work=self._work, failed=self._failed, most=MOST
        )

    def start(self) -> None:
        """Start the reading thread, and the look at how long it takes."""
        self._worker.start()
        self._look_again()

    def close(self) -> None:
        """Answer what waits and end the thread."""
        if self._look is not None:
            self._look.cancel()
        self._worker.close()

    def submit(self, lookup: Lookup) -> None:
        """Read soon; `lookup.reply` is called on the event loop."""
        gathered = self._gathered
        gathered.append(lookup)
        if len(gathered) == 1:
            # What one turn of the loop brings goes over in one piece: fewer, larger batches.
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._worker.put_all(self._gathered)
        self._gathered.clear()

    def _look_again(self) -> None:
        """Give up what takes too long, and all that waits behind it."""
        batch = self._batch
        if batch is not None and self._loop.time() - batch.started > LONGEST_SECONDS:
            batch.give_up()
            _Batch(self._worker.take_waiting(), batch.started).give_up()
        self._look = self._loop.call_later(_LOOK_EVERY, self._look_again)

    def _work(self, lookups: Sequence[Lookup]) -> None:
        batch = self._batch = _Batch(lookups, self._loop.time())
        with connection.cursor() as cursor:
            found, rest = self._by_digest(cursor, lookups)
            if rest:
                found += self._by_address(cursor, rest)
        self._batch = None
        self._loop.call_soon_threadsafe(batch.answer, found)

    def _by_digest(self, cursor: CursorWrapper, batch: Sequence[Lookup]) -> tuple[Pairs, Lookups]:
        """What one read finds, and the look-ups for which it finds nothing."""
        ids = self._ids
        wanted = [self._digests(ids.get(lookup.address), lookup.secret) for lookup in batch]
        rows = _both(cursor, [digest for digests in wanted for digest in digests])
        found: Pairs = []
        rest: Lookups = []
        for lookup, digests in zip(batch, wanted, strict=True):
            both = _first(rows, digests)
            if both is None or both[0].address != lookup.address:
                rest.append(lookup)
            else:
                found.append((lookup.reply, both))
        return found, rest

    def _by_address(self, cursor: CursorWrapper, batch: Sequence[Lookup]) -> Pairs:
        accounts = _accounts(cursor, {lookup.address for lookup in batch})
        self._remember(accounts)
        if self._grace:
            accounts = _with_windows(cursor, accounts)
        found: list[tuple[Lookup, AccountRecord | None, list[bytes]]] = []
        for lookup in batch:
            account = accounts.get(lookup.address)
            digests = self._digests(account.id if account else None, lookup.secret)
            found.append((lookup, account, digests))
        rows = _app_passwords(cursor, [digest for _, _, digests in found for digest in digests])
        return [
            (lookup.reply, (account, _first(rows, digests))) for lookup, account, digests in found
        ]

    def _remember(self, accounts: dict[str, AccountRecord]) -> None:
        if len(self._ids) > MOST_IDS:
            self._ids.clear()
        self._ids.update((address, account.id) for address, account in accounts.items())

    def _digests(self, account_id: int | None, secret: str) -> list[bytes]:
        """Under every key: what the secret would be stored as, were it an app password."""
        letters = app_password.normalise(secret) if account_id is not None else None
        if account_id is None or letters is None:
            return []
        return [
            app_password.digest(key=key, account_id=account_id, letters=letters)
            for key in self._keys
        ]

    def _failed(self, lookups: Sequence[Lookup], problem: Exception) -> None:
        batch, self._batch = self._batch, None
        if batch is None:
            batch = _Batch(lookups, 0.0)
        pairs = [(lookup.reply, problem) for lookup in lookups]
        self._loop.call_soon_threadsafe(batch.answer, pairs)


def _reply_all(found: Sequence[tuple[Reply, Found | Exception]]) -> None:
    for reply, value in found:
        try:
            reply(value)
        except Exception:  # the others of the batch wait for theirs
            log.exception("a sign-in could not be answered")


_T = TypeVar("_T")


def _first(rows: dict[bytes, _T], digests: list[bytes]) -> _T | None:
    for digest in digests:
        if digest in rows:
            return rows[digest]
    return None


_ACCOUNTS = (
    "SELECT address, id, enabled, two_step_since IS NOT NULL, password_hash, password_version"
    " FROM account WHERE address "
)
_WINDOWS = (
    "SELECT account_id, id, protocol, network, program, until, ended_at IS NOT NULL"
    " FROM grace_window WHERE account_id "
)
_COLUMNS = (
    "SELECT p.digest, p.id, p.scopes, p.revoked_at IS NOT NULL, p.paused_at IS NOT NULL,"
    " p.expires_at, p.networks"
)
_APP_PASSWORDS = _COLUMNS + " FROM app_password p WHERE p.digest "
_BOTH = _COLUMNS + (
    ", a.id, a.address, a.enabled,"
    " a.two_step_since IS NOT NULL, a.password_hash, a.password_version"
    " FROM app_password p JOIN account a ON a.id = p.account_id WHERE p.digest "
)


def _both(
    cursor: CursorWrapper, digests: list[bytes]
) -> dict[bytes, tuple[AccountRecord, AppPasswordRecord]]:
    if not digests:
        return {}
    where, parameters = _one_of(digests)
    cursor.execute(_BOTH + where, parameters)
    return {
        bytes(digest): (
            AccountRecord(account_id, address, bool(enabled), bool(two_step), hashed, version),
            _app_password(app_password),
        )
        for digest, *app_password,
            account_id, address, enabled, two_step, hashed, version in cursor.fetchall()
    }  # fmt: skip


def _accounts(cursor: CursorWrapper, addresses: set[str]) -> dict[str, AccountRecord]:
    where, parameters = _one_of(list(addresses))
    cursor.execute(_ACCOUNTS + where, parameters)
    return {
        address: AccountRecord(account_id, address, bool(enabled), bool(two_step), hashed, version)
        for address, account_id, enabled, two_step, hashed, version in cursor.fetchall()
    }


def _with_windows(
    cursor: CursorWrapper, accounts: dict[str, AccountRecord]
) -> dict[str, AccountRecord]:
    windows = _windows(cursor, [found.id for found in accounts.values() if found.two_step])
    return {
        address: found._replace(windows=tuple(windows.get(found.id, ())))
        for address, found in accounts.items()
    }


def _windows(cursor: CursorWrapper, account_ids: list[int]) -> dict[int, list[Window]]:
    if not account_ids:
        return {}
    where, parameters = _one_of(account_ids)
    cursor.execute(_WINDOWS + where, parameters)
    found: dict[int, list[Window]] = {}
    for account_id, window_id, protocol, network, program, until, ended in cursor.fetchall():
        window = Window(window_id, protocol, network, program, until, bool(ended))
        found.setdefault(account_id, []).append(window)
    return found


def _app_passwords(cursor: CursorWrapper, digests: list[bytes]) -> dict[bytes, AppPasswordRecord]:
    if not digests:
        return {}
    where, parameters = _one_of(digests)
    cursor.execute(_APP_PASSWORDS + where, parameters)
    return {
        bytes(digest): _app_password(app_password) for digest, *app_password in cursor.fetchall()
    }


def _app_password(row: Sequence[Any]) -> AppPasswordRecord:
    """From the columns of `_COLUMNS` behind the digest."""
    app_password_id, scopes, revoked, paused, expires_at, networks = row
    return AppPasswordRecord(
        app_password_id,
        _scopes(scopes),
        bool(revoked),
        bool(paused),
        expires_at,
        stored(networks) if networks else (),
    )


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
