"""What an allowed sign-in leaves beside its event.

For an app password "last used", for the account password a sighting of the program,
and for both a familiar network; where that one is new, whoever tells owners hears of it.
All are coalesced and written behind. Rows lie
scattered over the database, so that each one written alone costs a page of it; while
much comes in they wait for one another, and each page is written once for all that lie
on it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from sidegate.decisions.throttle import network_of, tells_who_asks
from sidegate.events.catalogue import NewEvent
from sidegate.storage import counters, sightings
from sidegate.storage.outages import unreachable

log = logging.getLogger(__name__)

STAMP_EVERY = 60_000
"""Milliseconds within which a second stamp of the same kind is not written."""
MOST_KEPT = 500_000
"""Stamps remembered as written, and stamps that may wait."""

_LAST_USED = (
    "UPDATE app_password SET last_used_at = %s, last_used_address = %s,"
    " last_used_protocol = %s, last_used_program = %s WHERE id = %s"
)
MOST_TOLD = 200
"""New networks told in one write, which holds the database: more at once is a proxy that moved."""
_PAIRS_AT_ONCE = 400
_ACCOUNT_PASSWORD = sightings.Credential.ACCOUNT_PASSWORD.value
_Key = tuple[int, str]
_LastUsed = tuple[int, str, str, str]

Arrived = Callable[[NewEvent], None]
"""Is told of an app password's sign-in from a network that is new to its account; in the
transaction that makes the network familiar."""


def nobody(event: NewEvent) -> None:
    """Tell nobody."""


class Stamps:
    """The stamps that wait, and which were made lately. Used by one thread."""

    def __init__(self, *, arrived: Arrived = nobody) -> None:
        self._arrived = arrived
        self._arrivals: dict[_Key, NewEvent] = {}
        self._made: dict[_Key, int] = {}
        self._used: dict[int, _LastUsed] = {}
        self._familiar: dict[_Key, int] = {}
        self._sightings = sightings.Waiting()
        self._since: float | None = None

    def add(self, event: NewEvent) -> None:
        """Let an allowed sign-in's stamps wait, unless the same were made just now."""
        if event.account_id is None:
            return
        if event.app_password_id is None and self._see(event, event.account_id):
            self._wait()
        # An account password has no id of its own: the account's, below zero.
        key = (event.app_password_id or -event.account_id, event.address)
        if event.at - self._made.get(key, 0) < STAMP_EVERY:
            return
        self._made[key] = event.at
        network = network_of(event.address)
        self._familiar[event.account_id, network] = event.at
        if event.app_password_id is not None:
            if tells_who_asks(network):
                self._arrivals.setdefault((event.account_id, network), event)
            self._used[event.app_password_id] = (
                event.at, event.address, event.protocol, event.program
            )  # fmt: skip
        self._wait()

    def _see(self, event: NewEvent, account_id: int) -> bool:
        key = sightings.Key(
            account_id, event.protocol, network_of(event.address), event.program,
            event.mechanism, _ACCOUNT_PASSWORD,
        )  # fmt: skip
        return self._sightings.add(key, at=event.at, address=event.address)

    def _wait(self) -> None:
        if self._since is None:
            self._since = time.monotonic()

    def waited(self) -> float | None:
        """Seconds that the oldest has waited; endless where no more should wait."""
        if len(self._familiar) >= MOST_KEPT:
            return math.inf
        return None if self._since is None else time.monotonic() - self._since

    def write(self, *, everything: bool = False) -> None:
        """Write what waits, in the order in which it lies in the database.

        Sightings that are not due go on waiting, unless it is `everything`.
        """
        used = [
            (*last_used, app_password_id)
            for app_password_id, last_used in sorted(self._used.items())
        ]
        familiar = [(*key, at) for key, at in sorted(self._familiar.items())]
        seen = self._sightings.rows(everything=everything)
        if not familiar and not seen:
            return
        with transaction.atomic(), connection.cursor() as cursor:
            new = self._new(cursor)
            if used:
                cursor.executemany(_LAST_USED, used)
            if familiar:
                counters.mark_familiar(cursor, familiar)
            if seen:
                sightings.mark(cursor, seen)
            for event in new[:MOST_TOLD]:
                self._tell(event)
        self._sightings.forget(seen)
        self._forget()

    def _new(self, cursor: CursorWrapper) -> list[NewEvent]:
        """Sign-ins from unfamiliar networks; asked for in pieces, as a query holds so much."""
        pairs = sorted(self._arrivals)
        familiar: set[_Key] = set()
        for start in range(0, len(pairs), _PAIRS_AT_ONCE):
            familiar |= counters.familiar(
                cursor, pairs[start : start + _PAIRS_AT_ONCE], now=self._arrivals[pairs[start]].at
            )
        new = [self._arrivals[pair] for pair in pairs if pair not in familiar]
        if len(new) > MOST_TOLD:
            log.warning("%d sign-ins from new networks at once: not all are told", len(new))
        return new

    def _tell(self, event: NewEvent) -> None:
        try:
            with transaction.atomic():
                self._arrived(event)
        except unreachable():
            raise  # an outage: everything is tried again
        except Exception:
            log.exception("a sign-in from a new network could not be told")

    def _forget(self) -> None:
        newest = max(self._familiar.values(), default=0)
        self._used.clear()
        self._familiar.clear()
        self._arrivals.clear()
        self._since = None
        if len(self._made) > MOST_KEPT:
            self._made = {key: at for key, at in self._made.items() if newest - at < STAMP_EVERY}
