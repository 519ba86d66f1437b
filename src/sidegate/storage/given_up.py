"""Devices that go on trying an app password which was revoked: told once a day, not at each try.

Such a try is no guess and is never throttled: without this, whoever holds a revoked app password
could write events without end, and a forgotten tablet would fill its owner's Activity.
"""

from __future__ import annotations

from sidegate.decisions.throttle import DAY, network_of
from sidegate.decisions.words import Reason
from sidegate.events.catalogue import NewEvent

MOST_KEPT = 100_000
"""App passwords and networks remembered; beyond that all are told once more."""


class GivenUp:
    """What was told of today (UTC), by this process alone. Used by one thread."""

    def __init__(self) -> None:
        self._day = 0
        self._told: set[tuple[int, str]] = set()

    def was_told(self, event: NewEvent) -> bool:
        """Whether the same app password's was that day, from the same network; it is from now on.

        False for every other event.
        """
        if event.reason != Reason.APP_PASSWORD_REVOKED or event.app_password_id is None:
            return False
        day = event.at // DAY
        if day != self._day or len(self._told) >= MOST_KEPT:
            self._day = day
            self._told.clear()
        key = (event.app_password_id, network_of(event.address))
        told = key in self._told
        self._told.add(key)
        return told
