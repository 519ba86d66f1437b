"""What is written behind a mail sign-in: events, "last used", familiar networks, sightings."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence

from django.db import connection, transaction

from sidegate.events.catalogue import Kind, NewEvent, checked_detail
from sidegate.storage.given_up import GivenUp
from sidegate.storage.outages import unreachable
from sidegate.storage.stamps import Arrived, Stamps, nobody
from sidegate.storage.worker import Worker

log = logging.getLogger(__name__)

MOST = 20_000
"""Events in one transaction."""
MANY = 500
"""Events in a transaction from which on the next one waits, to become larger."""
REST_SECONDS = 0.5
"""How long it waits: what a page of the database costs is then shared by more events."""
STAMP_SECONDS = 0.2
STAMP_SECONDS_BUSY = 30.0
"""How long stamps wait for one another: with little to write, and with much."""
_RETRY_SECONDS = 0.5
_LEAVE_STAMPS = frozenset({Kind.MAIL_ALLOWED, Kind.MAIL_GRACE})
Column = str | int | None
_INSERT_EVENT = (
    "INSERT INTO event"
    " (at, kind, account_id, address, protocol, program, reason, app_password_id, detail)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


class Writer:
    """Writes events in the order they came, many in one transaction, and their stamps.

    An outage loses nothing: what could not be written waits for the database, up to
    `MOST_WAITING` events. `arrived`: see `stamps`.
    """

    MOST_WAITING = 500_000

    def __init__(self, *, arrived: Arrived = nobody) -> None:
        self._worker = Worker[NewEvent](
            name="writer", work=self._work, failed=self._failed, most=MOST, between=self._between
        )
        self._stamps = Stamps(arrived=arrived)
        self._given_up = GivenUp()
        self._busy = False
        self._closing = threading.Event()
        self._last_try = False
        self._gave_up = False

    def start(self) -> None:
        """Start the writing thread."""
        self._worker.start()

    def close(self) -> bool:
        """Write what waits and end the thread; False where the database would not take it."""
        self._closing.set()
        return self._worker.close() and not self._gave_up

    def record(self, event: NewEvent) -> None:
        """Write soon; an allowed sign-in makes its network familiar, too.

        Called on one thread. That a refused app password is still tried is written once a day.
        """
        if self._worker.waiting() < self.MOST_WAITING and not self._given_up.was_told(event):
            self._worker.put(event)

    def waiting(self) -> int:
        """Events that are still to be written."""
        return self._worker.waiting()

    def _work(self, batch: Sequence[NewEvent]) -> None:
        rows = [event_row(event) for event in batch]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(_INSERT_EVENT, rows)
        # Only what was committed leaves a stamp.
        for event in batch:
            if event.kind in _LEAVE_STAMPS:
                self._stamps.add(event)
        self._busy = len(batch) >= MANY
        if self._busy:
            self._closing.wait(REST_SECONDS)

    def _between(self) -> float | None:
        """Write the stamps that waited long enough; without a batch it is not busy now."""
        waited, busy = self._stamps.waited(), self._busy
        self._busy = False
        if self._closing.is_set():
            self._stamps.write(everything=True)
            return None
        if waited is None:
            return None
        wait = STAMP_SECONDS_BUSY if busy else STAMP_SECONDS
        if waited < wait:
            return STAMP_SECONDS
        self._stamps.write()
        return None

    def _failed(self, batch: Sequence[NewEvent], problem: Exception) -> None:
        if not isinstance(problem, unreachable()):
            if len(batch) > 1:  # one of them cannot be written: the others can
                for item in batch:
                    self._worker.run_alone(item)
            else:
                log.error("an event %s cannot be written: it is left out", batch[0].kind)
            return
        # Behind the others that wait: events carry their own time.
        if self._last_try:
            log.error("%d events could not be written: the database is away", len(batch))
            self._gave_up = True
            return
        self._last_try = self._closing.wait(_RETRY_SECONDS)
        for item in batch:
            self._worker.put(item)


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
