"""Asking over Dovecot's authentication protocol, with many requests in flight."""

from __future__ import annotations

import asyncio
import itertools
import os
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, cast

import uvloop

IN_FLIGHT = 64
_LONGEST_WAIT = 120.0


class NotAllowed(Exception):  # noqa: N818 - what happened, by its name
    """A server refused somebody right, or ended: its figures would say nothing."""


class Asked(NamedTuple):
    """What one stretch of asking saw."""

    decisions: int
    seconds: float
    """From the first question to the last answer."""
    p99: float
    """Seconds within which 99 of 100 answers came."""


def ask(path: Path, questions: list[bytes], *, seconds: float, in_flight: int) -> Asked:
    """Ask for so many seconds, then wait for what is still out."""
    return uvloop.run(_ask(path, questions, seconds, in_flight))


async def _ask(path: Path, questions: list[bytes], seconds: float, in_flight: int) -> Asked:
    loop = asyncio.get_running_loop()
    asker = Asker(questions, seconds=seconds, in_flight=in_flight, done=loop.create_future())
    transport, _ = await loop.create_unix_connection(lambda: asker, str(path))
    try:
        return await asyncio.wait_for(asker.done, seconds + _LONGEST_WAIT)
    finally:
        transport.close()


class Asker(asyncio.Protocol):
    """One connection that keeps `in_flight` requests under way."""

    def __init__(
        self,
        questions: list[bytes],
        *,
        seconds: float,
        in_flight: int,
        done: asyncio.Future[Asked],
    ) -> None:
        self.done = done
        # Each stretch begins elsewhere in the picks, so that none repeats the one before.
        self._next = itertools.cycle(questions)
        for _ in range(int.from_bytes(os.urandom(4), "big") % len(questions)):
            next(self._next)
        self._seconds = seconds
        self._in_flight = in_flight
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._greeted = False
        self._number = 0
        self._asked_at: dict[bytes, float] = {}
        self._took: list[float] = []
        self._started = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say who we are."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"VERSION\t1\t2\nCPID\t%d\n" % os.getpid())

    def data_received(self, data: bytes) -> None:
        """Take answers and ask as many new questions."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if not self._greeted:
            if b"DONE" in lines:
                self._greeted = True
                self._started = perf_counter()
                self._send(self._in_flight, self._started)
            return
        now = perf_counter()
        for line in lines:
            verdict, number, _ = line.split(b"\t", 2)
            if verdict != b"OK":
                self._give_up(f"answered {verdict.decode('ascii', 'replace')}")
                return
            self._took.append(now - self._asked_at.pop(number))
        if now - self._started < self._seconds:
            self._send(len(lines), now)
        elif not self._asked_at and not self.done.done():
            self._took.sort()
            p99 = self._took[len(self._took) * 99 // 100]
            self.done.set_result(Asked(len(self._took), now - self._started, p99))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        """Nothing more comes."""
        self._give_up("closed the connection")

    def _give_up(self, what: str) -> None:
        if not self.done.done():
            self.done.set_exception(NotAllowed(f"the server {what}"))

    def _send(self, count: int, now: float) -> None:
        lines: list[bytes] = []
        for question in itertools.islice(self._next, count):
            self._number += 1
            number = b"%d" % self._number
            self._asked_at[number] = now
            lines.append(b"AUTH\t%b%b" % (number, question))
        if self._transport is not None:
            self._transport.write(b"".join(lines))
