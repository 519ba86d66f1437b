"""How often a caller may ask: a bucket for each that fills again with time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

A_SECOND = 500.0
AT_ONCE = 1000.0
MOST_CALLERS = 4096


class Rates:
    """Buckets by caller; the one that asked longest ago is forgotten first."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        a_second: float = A_SECOND,
        at_once: float = AT_ONCE,
        most: int = MOST_CALLERS,
    ) -> None:
        self._clock = clock
        self._a_second = a_second
        self._at_once = at_once
        self._most = most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, caller: str) -> bool:
        """Whether the caller may ask once more now; counts it where so."""
        now = self._clock()
        left, then = self._buckets.pop(caller, (self._at_once, now))
        left = min(self._at_once, left + (now - then) * self._a_second)
        allowed = left >= 1
        self._buckets[caller] = (left - 1 if allowed else left, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return allowed
