"""Which gateways did not work, and since when they have not, as this process saw it."""

from __future__ import annotations

from typing import NamedTuple

AVOID_FOR = 60_000
"""Milliseconds for which a gateway that did not work is asked last."""


class GatewayTrouble(NamedTuple):
    """A gateway that has sent nothing since it failed."""

    name: str
    why: str
    """A word of `senders.gateway`, or the name of a fault of ours."""
    at: int
    """When it failed last, in milliseconds since the epoch."""


class GatewayTroubles:
    """Written on the event loop, read from any thread."""

    def __init__(self) -> None:
        self._by_name: dict[str, GatewayTrouble] = {}

    def failed(self, name: str, why: str, *, now: int) -> None:
        """It did not send, or left it open."""
        self._by_name[name] = GatewayTrouble(name, why, now)

    def works(self, name: str) -> None:
        """It took a message over."""
        self._by_name.pop(name, None)

    def avoided(self, *, now: int) -> list[str]:
        """Those that failed within the last minute."""
        return [trouble.name for trouble in self.all() if trouble.at > now - AVOID_FOR]

    def all(self) -> list[GatewayTrouble]:
        """Those that have sent nothing since, the last one first."""
        return sorted(self._by_name.copy().values(), key=lambda one: one.at, reverse=True)
