"""What the doors count, for whoever watches: cheap enough for the mail path."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from sidegate.decisions.ports import Answer, SignIn
from sidegate.decisions.words import Allow, Attempt, Protocol, Refuse, Verdict

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0)
"""Upper bounds of the buckets in seconds; 2 s is where refusals leave by default."""

Outcome = tuple[str, str]
"""A verdict and its reason, in one word each."""


@dataclass(slots=True)
class Spread:
    """How long answers took."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class DoorCounts:
    """What one door counted."""

    decisions: Counter[tuple[Protocol, Outcome]] = field(default_factory=Counter)
    seconds: dict[str, Spread] = field(default_factory=dict)
    in_flight: int = 0


def outcome(verdict: Verdict) -> Outcome:
    """The verdict in the words of metrics and JSON alike."""
    if isinstance(verdict, Allow):
        return "allow", verdict.credential.value
    if isinstance(verdict, Refuse):
        return "refuse", verdict.reason.value
    return "unavailable", verdict.why.value


class Meter:
    """Counts by door; used on the event loop alone."""

    def __init__(self, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.doors: dict[str, DoorCounts] = {}
        self.turned_away: Counter[str] = Counter()
        """Requests to the HTTP door that asked nothing: why, by the word."""

    def measured(self, sign_in: SignIn, *, door: str) -> SignIn:
        """The same port, counted under the door's name."""
        return Measured(sign_in, self.doors.setdefault(door, DoorCounts()), self._clock)


class Measured:
    """A sign-in port that counts what another one decides."""

    def __init__(self, sign_in: SignIn, counts: DoorCounts, clock: Callable[[], float]) -> None:
        self._submit = sign_in.submit
        self._counts = counts
        self._clock = clock

    def submit(self, attempt: Attempt, answer: Answer) -> None:
        """Pass the attempt on."""
        self._counts.in_flight += 1
        try:
            self._submit(attempt, partial(self._answered, self._clock(), attempt.protocol, answer))
        except BaseException:
            self._counts.in_flight -= 1
            raise

    def _answered(self, began: float, protocol: Protocol, answer: Answer, verdict: Verdict) -> None:
        counts, said = self._counts, outcome(verdict)
        counts.in_flight -= 1
        counts.decisions[protocol, said] += 1
        spread = counts.seconds.get(said[0])
        if spread is None:
            spread = counts.seconds[said[0]] = Spread()
        spread.add(self._clock() - began)
        answer(verdict)
