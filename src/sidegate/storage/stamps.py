"""What an allowed sign-in leaves beside its event: "last used", and a familiar network.

Both are coalesced and written behind. Rows lie scattered over the database, so that
each one written alone costs a page of it; while much comes in they wait for one
another, and each page is written once for all that lie on it.
"""

from __future__ import annotations

import math
import time

from django.db import connection, transaction

from sidegate.decisions.throttle import network_of
from sidegate.events.catalogue import NewEvent
from sidegate.storage import counters

STAMP_EVERY = 60_000
"""Milliseconds within which a second stamp of the same kind is not written."""
MOST_KEPT = 500_000
"""Stamps remembered as written, and stamps that may wait."""

_LAST_USED = (
    "UPDATE app_password SET last_used_at = %s, last_used_address = %s,"
    " last_used_protocol = %s, last_used_program = %s WHERE id = %s"
)
_Key = tuple[int, str]
_LastUsed = tuple[int, str, str, str]


class Stamps:
    """The stamps that wait, and which were made lately. Used by one thread."""

    def __init__(self) -> None:
        self._made: dict[_Key, int] = {}
        self._used: dict[int, _LastUsed] = {}
        self._familiar: dict[_Key, int] = {}
        self._since: float | None = None

    def add(self, event: NewEvent) -> None:
        """Let an allowed sign-in's stamps wait, unless the same were made just now."""
        if event.account_id is None:
            return
        # An account password has no id of its own: the account's, below zero.
        key = (event.app_password_id or -event.account_id, event.address)
        if event.at - self._made.get(key, 0) < STAMP_EVERY:
            return
        self._made[key] = event.at
        self._familiar[event.account_id, network_of(event.address)] = event.at
        if event.app_password_id is not None:
            self._used[event.app_password_id] = (
                event.at, event.address, event.protocol, event.program
            )  # fmt: skip
        if self._since is None:
            self._since = time.monotonic()

    def waited(self) -> float | None:
        """Seconds that the oldest has waited; endless where no more should wait."""
        if len(self._familiar) >= MOST_KEPT:
            return math.inf
        return None if self._since is None else time.monotonic() - self._since

    def write(self) -> None:
        """Write what waits, in the order in which it lies in the database."""
        used = [
            (*last_used, app_password_id)
            for app_password_id, last_used in sorted(self._used.items())
        ]
        familiar = [(*key, at) for key, at in sorted(self._familiar.items())]
        with transaction.atomic(), connection.cursor() as cursor:
            if used:
                cursor.executemany(_LAST_USED, used)
            counters.mark_familiar(cursor, familiar)
        self._forget()

    def _forget(self) -> None:
        newest = max(self._familiar.values())
        self._used.clear()
        self._familiar.clear()
        self._since = None
        if len(self._made) > MOST_KEPT:
            self._made = {key: at for key, at in self._made.items() if newest - at < STAMP_EVERY}
