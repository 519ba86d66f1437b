"""Devices that go on trying a right app password that opens nothing: told once a day each.

Revoked, paused, expired, for another protocol, from a network that it may not come from: such a
try is no guess and is never throttled. Without this, whoever holds one could write events
without end, and a forgotten tablet would fill its owner's Activity.
"""

from __future__ import annotations

from sidegate.decisions.throttle import DAY, network_of
from sidegate.decisions.words import Reason
from sidegate.events.catalogue import NewEvent

MOST_KEPT = 100_000
"""Tries remembered; beyond that all are told once more."""

_Try = tuple[int, str, str, str]
"""Which app password, from which network, why it was refused, over which protocol."""


class GivenUp:
    """What was told of today (UTC), by this process alone. Used by one thread."""

    def __init__(self) -> None:
        self._day = 0
        self._told: set[_Try] = set()

    def was_told(self, event: NewEvent) -> bool:
        """Whether the same try was told of that day; it is from now on.

        False for what was no refusal of a right app password.
        """
        if not event.reason or event.app_password_id is None:
            return False
        day = event.at // DAY
        if day != self._day or len(self._told) >= MOST_KEPT:
            self._day = day
            self._told.clear()
        # What else it may not do is news; a device that is shut out altogether is told of once.
        protocol = event.protocol if event.reason == Reason.OUT_OF_SCOPE else ""
        key = (event.app_password_id, network_of(event.address), event.reason, protocol)
        told = key in self._told
        self._told.add(key)
        return told
