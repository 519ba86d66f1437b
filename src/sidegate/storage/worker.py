"""A thread with one database connection that takes all that waits in one batch."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from django.db import connection

from sidegate.storage.outages import failures

log = logging.getLogger(__name__)

T = TypeVar("T")

_AGAIN_SECONDS = 5.0
"""Until `between` is tried again after it failed."""


class Worker(Generic[T]):
    """Hands everything that waits to `work`, in one call, on a thread of its own.

    `work` gets up to `most` items and runs with a database connection; after an
    outage the connection is closed, so that the next batch opens a new one. `failed`
    gets the items of a batch that `work` raised for. `between` is called after each
    batch; it returns the seconds after which to call it even without one, if at all.
    """

    def __init__(
        self,
        *,
        name: str,
        work: Callable[[Sequence[T]], None],
        failed: Callable[[Sequence[T], Exception], None],
        most: int,
        between: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._work = work
        self._failed = failed
        self._most = most
        self._between = between
        self._waiting: deque[T] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, item: T) -> None:
        """Let an item wait for the next batch; never blocks."""
        self._waiting.append(item)
        if not self._wake.is_set():
            self._wake.set()

    def put_all(self, items: Sequence[T]) -> None:
        """Let several wait, and wake the thread once."""
        self._waiting.extend(items)
        if not self._wake.is_set():
            self._wake.set()

    def waiting(self) -> int:
        """How many items wait."""
        return len(self._waiting)

    def take_waiting(self) -> list[T]:
        """Take out all that waits; it will not be worked on."""
        return self._take(len(self._waiting))

    def close(self, seconds: float = 5.0) -> bool:
        """Work off what waits, end the thread; False where that took too long."""
        self._closing = True
        self._wake.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        again: float | None = None
        while True:
            self._wake.wait(again)
            self._wake.clear()
            closing = self._closing  # before the look: what was put before it is seen
            while self._waiting:
                self._one_batch()
                if self._waiting:
                    self._run_between()
            again = self._run_between()
            if closing:
                connection.close()
                return

    def _one_batch(self) -> None:
        self._run_batch(self._take(self._most))

    def _take(self, most: int) -> list[T]:
        taken: list[T] = []
        # Another thread may take the last one between a look and this.
        with contextlib.suppress(IndexError):
            while len(taken) < most:
                taken.append(self._waiting.popleft())
        return taken

    def run_alone(self, item: T) -> None:
        """Work on one item at once; for `failed`, on the worker's own thread."""
        self._run_batch([item])

    def _run_batch(self, batch: Sequence[T]) -> None:
        try:
            self._work(batch)
        except failures() as problem:
            self._outage(problem)
            self._failed(batch, problem)
        except Exception as problem:
            log.exception("%s: a batch failed", self._thread.name)
            self._failed(batch, problem)

    def _run_between(self) -> float | None:
        try:
            return self._between()
        except failures() as problem:
            self._outage(problem)
        except Exception:
            log.exception("%s: what it does between batches failed", self._thread.name)
        return _AGAIN_SECONDS

    def _outage(self, problem: Exception) -> None:
        log.warning("%s: the database is away: %s", self._thread.name, type(problem).__name__)
        _forget_connection()


def _forget_connection() -> None:
    try:
        connection.close()
    except failures():
        connection.connection = None
