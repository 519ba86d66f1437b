"""What is written behind a mail sign-in: events, "last used", familiar networks."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence

from django.db import InterfaceError, OperationalError, connection, transaction
from psycopg_pool import PoolTimeout

from sidegate.events.catalogue import Kind, NewEvent, checked_detail
from sidegate.storage import counters
from sidegate.storage.worker import Worker

log = logging.getLogger(__name__)

MOST = 2000
"""Events in one transaction."""
STAMP_EVERY = 60_000
"""Milliseconds within which a second "last used" or familiar network is not written."""
_STAMPS_KEPT = 200_000
_RETRY_SECONDS = 0.5
Column = str | int | None
_INSERT_EVENT = (
    "INSERT INTO event"
    " (at, kind, account_id, address, protocol, program, reason, app_password_id, detail)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_STAMP = (
    "UPDATE app_password SET last_used_at = %s, last_used_address = %s,"
    " last_used_protocol = %s, last_used_program = %s WHERE id = %s"
)


class Writer:
    """Writes events in the order they came, many in one transaction.

    An outage loses nothing: what could not be written waits for the database, up to
    `MOST_WAITING` events.
    """

    MOST_WAITING = 500_000

    def __init__(self) -> None:
        self._worker = Worker[tuple[NewEvent, str]](
            name="writer", work=self._work, failed=self._failed, most=MOST
        )
        self._stamped: dict[tuple[int, str], int] = {}
        self._closing = threading.Event()
        self._gave_up = False

    def start(self) -> None:
        """Start the writing thread."""
        self._worker.start()

    def close(self) -> bool:
        """Write what waits and end the thread; False where the database would not take it."""
        self._closing.set()
        return self._worker.close() and not self._gave_up

    def record(self, event: NewEvent, network: str = "") -> None:
        """Write soon. With a network, an allowed sign-in makes it familiar."""
        if self._worker.waiting() < self.MOST_WAITING:
            self._worker.put((event, network))

    def _work(self, batch: Sequence[tuple[NewEvent, str]]) -> None:
        used, familiar = self._stamps(batch)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(_INSERT_EVENT, [event_row(event) for event, _ in batch])
            if used:
                cursor.executemany(_STAMP, used)
            if familiar:
                counters.mark_familiar(cursor, familiar)
        # Only what was committed counts as stamped.
        for event, network in batch:
            if event.kind is Kind.MAIL_ALLOWED:
                self._stamped[_stamp_key(event, network)] = event.at
        if len(self._stamped) > _STAMPS_KEPT:
            self._stamped.clear()

    def _stamps(
        self, batch: Sequence[tuple[NewEvent, str]]
    ) -> tuple[list[tuple[Column, ...]], list[tuple[int, str, int]]]:
        used: dict[int, tuple[Column, ...]] = {}
        familiar: dict[tuple[int, str], int] = {}
        for event, network in batch:
            if event.kind is not Kind.MAIL_ALLOWED or event.account_id is None:
                continue
            if event.at - self._stamped.get(_stamp_key(event, network), 0) < STAMP_EVERY:
                continue
            familiar[event.account_id, network] = event.at
            if event.app_password_id is not None:
                used[event.app_password_id] = (
                    event.at, event.address, event.protocol, event.program, event.app_password_id
                )  # fmt: skip
        return list(used.values()), [(*key, at) for key, at in familiar.items()]

    def _failed(self, batch: Sequence[tuple[NewEvent, str]], problem: Exception) -> None:
        if not isinstance(problem, (OperationalError, InterfaceError, PoolTimeout)):
            if len(batch) > 1:  # one of them cannot be written: the others can
                for item in batch:
                    self._worker.run_alone(item)
            else:
                log.error("an event %s cannot be written: it is left out", batch[0][0].kind)
            return
        # Behind the others that wait: events carry their own time.
        if self._closing.wait(_RETRY_SECONDS):
            log.error("%d events could not be written: the database is away", len(batch))
            self._gave_up = True
            return
        for item in batch:
            self._worker.put(item)


def _stamp_key(event: NewEvent, network: str) -> tuple[int, str]:
    return (event.app_password_id or -(event.account_id or 0), network)


def event_row(event: NewEvent) -> tuple[Column, ...]:
    """The columns of an event, in the order of the insert."""
    detail = json.dumps(checked_detail(event.detail)) if event.detail else "{}"
    return (
        event.at, event.kind.value, event.account_id, event.address, event.protocol,
        event.program, event.reason, event.app_password_id, detail,
    )  # fmt: skip


def write_event(event: NewEvent) -> None:
    """Write one event now, inside the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_EVENT, event_row(event))
