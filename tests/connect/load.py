"""Mail programs that sign in again and again, while what they speak with is restarted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from clients.ways import Outcome
from sidegate.connect.sign_ins import Target, sign_in

PROGRAMS = 6
LATER = -2
"""The status of a sign-in that is told that it cannot be told now, or nothing at all."""


class Load:
    """What became of the sign-ins: of those begun before all was ready again, and after."""

    def __init__(self) -> None:
        self.before: list[Outcome] = []
        self.after: list[Outcome] = []
        self._ready, self._over = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, ways: Sequence[Callable[[], Outcome]]) -> None:
        each = [ways[number % len(ways)] for number in range(PROGRAMS)]
        self._threads = [threading.Thread(target=self._go_on, args=(one,)) for one in each]
        for thread in self._threads:
            thread.start()

    def goes_on(self, *, seconds: float) -> None:
        """All is ready again: let it go on for a while, to the end of what was begun."""
        self._ready.set()
        time.sleep(seconds)
        self.end()

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, once: Callable[[], Outcome]) -> None:
        while not self._over.is_set():
            into = self.after if self._ready.is_set() else self.before
            into.append(once())


def tried(target: Target, login: str, secret: str, *, source: str) -> Outcome:
    """One sign-in as `--check` makes it."""
    found = sign_in(target, login, secret, source=source)
    return Outcome(found.allowed, said=found.text, status=LATER if found.temporary else 0)


def nobody_is_told_wrong(load: Load) -> None:
    """What was in flight comes in or is temporary; what begins once all is ready comes in."""
    assert sum(one.allowed for one in load.before) > PROGRAMS
    for one in load.before:
        assert one.allowed or one.status == LATER, one
    assert any(one.status == LATER for one in load.before), "nothing was in flight"
    assert len(load.after) > PROGRAMS
    for one in load.after:
        assert one.allowed, one


@contextmanager
def under_load(*ways: Callable[[], Outcome]) -> Iterator[Load]:
    """So many programs by each of the ways, for a second before anything else happens."""
    load = Load()
    load.start(ways)
    try:
        time.sleep(1)
        yield load
    finally:
        load.end()
