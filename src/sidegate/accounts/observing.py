"""Sign-ins that an operator's own mail server reports: kept, behind and in batches."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence

from django.db import connection, transaction

from sidegate.accounts import people
from sidegate.accounts.context import Context, Origin
from sidegate.decisions.names import canonical_name
from sidegate.decisions.observing import Observed
from sidegate.decisions.throttle import network_of
from sidegate.events.catalogue import tidy
from sidegate.storage import sightings
from sidegate.storage.models import Account
from sidegate.storage.sightings import Credential, Key
from sidegate.storage.worker import Worker

log = logging.getLogger(__name__)

MOST_WAITING = 50_000
"""Reports that wait; what comes beyond is left out: the program signs in again."""
MOST_AT_ONCE = 2_000
REST_SECONDS = 1.0
"""Between two batches: what one program does within it is one row."""
MOST_NEW = 200
"""Accounts made in one batch; the others are made when they are seen again."""


class Observing:
    """Implements `decisions.ports.Observer`; nothing of it ever keeps a mail server waiting.

    A report that cannot be written is lost: the database is away, and the program that
    it tells of signs in again.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._worker = Worker[Observed](
            name="observing",
            work=self._work,
            failed=self._failed,
            most=MOST_AT_ONCE,
            between=self._between,
        )
        self._waiting = sightings.Waiting()
        self._closing = threading.Event()

    def start(self) -> None:
        """Start the writing thread."""
        self._worker.start()

    def close(self) -> None:
        """Write what waits and end the thread."""
        self._closing.set()
        self._worker.close()

    def observe(self, seen: Observed) -> None:
        """Keep it, some time later."""
        if self._worker.waiting() < MOST_WAITING:
            self._worker.put(seen)

    def _work(self, batch: Sequence[Observed]) -> None:
        named = [(name, seen) for seen in batch if (name := canonical_name(seen.login))]
        accounts = self._accounts(dict(named))
        for name, seen in named:
            if name in accounts:
                self._waiting.add(_key(accounts[name], seen), at=seen.at, address=seen.address)
        self._write(everything=False)
        self._closing.wait(REST_SECONDS)

    def _accounts(self, named: dict[str, Observed]) -> dict[str, int]:
        """Whose they are, by canonical name; with a directory, a new one gets her record."""
        found = dict(_known(named))
        if self._ctx.directory is not None:
            new = [name for name in named if name not in found][:MOST_NEW]
            found |= {name: self._made(name, named[name]) for name in new}
        return found

    def _made(self, name: str, seen: Observed) -> int:
        origin = Origin(by="owner", address=seen.address, program=seen.program)
        return people.ensure(self._ctx, name=name, origin=origin).pk

    def _between(self) -> float | None:
        if self._closing.is_set():
            self._write(everything=True)
        return None

    def _write(self, *, everything: bool) -> None:
        rows = self._waiting.rows(everything=everything)
        if not rows:
            return
        with transaction.atomic(), connection.cursor() as cursor:
            sightings.mark(cursor, rows)
        self._waiting.forget(rows)

    def _failed(self, batch: Sequence[Observed], problem: Exception) -> None:
        log.warning("%d reported sign-ins were left out: %s", len(batch), type(problem).__name__)


def _known(names: Iterable[str]) -> Iterable[tuple[str, int]]:
    wanted = Account.objects.filter(address__in=list(names))
    return wanted.values_list("address", "pk")


def _key(account_id: int, seen: Observed) -> Key:
    return Key(
        account_id,
        seen.protocol.value,
        network_of(seen.address),
        tidy(seen.program),
        seen.mechanism,
        Credential.ACCOUNT_PASSWORD,
    )
