"""Blocking database work for the event loop, on few threads and with a bound."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

from sidegate.decisions.ports import Unavailable
from sidegate.storage.outages import failures

T = TypeVar("T")

LONGEST_SECONDS = 8.0
"""After which a question is given up: a frozen database answers nothing, not even an error."""
MOST_WAITING = 10_000


class Background:
    """Runs database functions on its threads, which keep their connections.

    Raises `Unavailable` where the database is away or too much waits.
    """

    def __init__(self, *, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="database")
        self._threads = threads
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, run on one of the threads."""
        if self._waiting >= MOST_WAITING:
            raise Unavailable("too much waits for the database")
        self._waiting += 1
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._pool, _guarded, work)
        except TimeoutError:
            raise Unavailable("the database does not answer") from None
        finally:
            self._waiting -= 1

    async def answers(self) -> bool:
        """Whether the database answers now."""
        try:
            await self.run(_ask)
        except Unavailable:
            return False
        return True

    def close(self) -> None:
        """Finish what runs and close the connections."""
        all_here = threading.Barrier(self._threads)  # so that each of them closes its own
        for _ in range(self._threads):
            self._pool.submit(_close_connection, all_here)
        self._pool.shutdown(wait=True)


def _close_connection(all_here: threading.Barrier) -> None:
    all_here.wait()
    connection.close()


def _ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _guarded(work: Callable[[], T]) -> T:
    try:
        return work()
    except failures() as problem:
        connection.close()
        raise Unavailable(f"the database is away: {type(problem).__name__}") from problem
