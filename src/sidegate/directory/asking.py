"""One connection to a Dovecot for many questions at a time, made anew when it is gone."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import cast

from sidegate.config import Endpoint, UnixEndpoint
from sidegate.decisions.ports import Unavailable
from sidegate.wire import dovecot_auth_client as wire
from sidegate.wire.dovecot_auth import BadLine
from sidegate.wire.lines import LineSplitter, LineTooLong

log = logging.getLogger(__name__)

CONNECTING = 3.0
"""Seconds for a connection and its handshake."""

FRESH = 2.0
"""Seconds after which a question is asked on a new connection.

After a stop, a reload or a restart Dovecot's old process goes on answering whoever stays
connected, by the old configuration; it ends when the last of them is gone.
"""

QUIET = 3.0
"""Seconds without a word after which another connection shows whether anybody is there.

Of a stopped Dovecot the old process may hold the connection and never answer.
"""


class TooMuch(Unavailable):
    """As many questions as may be wait for their answers."""


class Asking:
    """Asks on one connection; `greeting` and `handshake` are made anew for each.

    At most `most` questions wait at a time; one that is not answered within `patience`
    seconds is given up.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        greeting: Callable[[], bytes],
        handshake: Callable[[], wire.Handshake],
        most: int,
        patience: float,
    ) -> None:
        self._endpoint = endpoint
        self._greeting = greeting
        self._handshake = handshake
        self._most = most
        self._patience = patience
        self._numbers = itertools.cycle(range(1, 2**31))
        self._connection: _Connection | None = None
        self._renewing: asyncio.Future[_Connection] | None = None
        self._asked = 0

    async def ask(self, question: Callable[[int], bytes]) -> wire.Answer:
        """The answer to the question that is made with its number; raises `Unavailable`."""
        if self._asked >= self._most:
            raise TooMuch("too much waits for the directory")
        self._asked += 1
        try:
            return await self._answer(question)
        finally:
            self._asked -= 1

    def close(self) -> None:
        """End the connection; whoever waits is told that it cannot be told now."""
        if self._connection is not None:
            self._connection.end("it was closed")

    async def _answer(self, question: Callable[[int], bytes]) -> wire.Answer:
        number = next(self._numbers)
        line = question(number)
        connection = await self._connected()
        waiting = connection.ask(number, line)
        try:
            await asyncio.wait((waiting,), timeout=min(QUIET, self._patience))
            if not waiting.done() and self._patience > QUIET:
                await self._connected()
                await asyncio.wait((waiting,), timeout=self._patience - QUIET)
            if waiting.done():
                return waiting.result()
            connection.give_up(number)
            raise Unavailable("the directory does not answer")
        finally:
            connection.forget(number)

    async def _connected(self) -> _Connection:
        """The connection, or a new one, for which all who wait at a time wait together."""
        if self._connection is not None and self._connection.is_good():
            return self._connection
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.ensure_future(self._renew())
        try:
            return await asyncio.shield(self._renewing)
        except Unavailable as problem:  # one exception of each, as each adds where it went by
            raise Unavailable(str(problem)) from None

    async def _renew(self) -> _Connection:
        before = self._connection
        try:
            self._connection = await self._connect()
        except Unavailable as problem:
            if before is not None:
                before.end(str(problem))
            raise
        if before is not None:
            before.retire()
        return self._connection

    async def _connect(self) -> _Connection:
        made: _Connection | None = None
        loop = asyncio.get_running_loop()

        def factory() -> _Connection:
            return _Connection(self._greeting(), self._handshake())

        try:
            async with asyncio.timeout(CONNECTING):
                endpoint = self._endpoint
                if isinstance(endpoint, UnixEndpoint):
                    _, made = await loop.create_unix_connection(factory, str(endpoint.path))
                else:
                    _, made = await loop.create_connection(factory, endpoint.host, endpoint.port)
                await made.ready
        except (OSError, TimeoutError, Unavailable) as problem:
            if made is not None:
                made.end("no handshake")
            said = str(problem) or "no handshake in time"
            log.warning("the directory at %s cannot be asked: %s", self._endpoint, said)
            raise Unavailable(f"{self._endpoint}: {said}") from None
        return made


class _Connection(asyncio.Protocol):
    def __init__(self, greeting: bytes, handshake: wire.Handshake) -> None:
        self._greeting = greeting
        self._handshake = handshake
        self._lines = LineSplitter()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, asyncio.Future[wire.Answer]] = {}
        self._made = self._heard = self._loop.time()
        self._retired = False
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._greeting)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        try:
            for line in self._lines.feed(data):
                self._take(line)
        except (BadLine, LineTooLong) as problem:
            self.end(str(problem))

    def connection_lost(self, exc: Exception | None) -> None:
        self.end(type(exc).__name__ if exc else "it ended the connection")

    def is_good(self) -> bool:
        """Whether to ask the next question here."""
        now = self._loop.time()
        silent = bool(self._waiting) and now - self._heard >= QUIET
        return not self.ended and not silent and now - self._made < FRESH

    def retire(self) -> None:
        """Take no more questions, and end with the last answer."""
        self._retired = True
        self._end_if_idle()

    def ask(self, number: int, line: bytes) -> asyncio.Future[wire.Answer]:
        if self.ended or self._transport is None:
            raise Unavailable("the directory is gone")
        waiting: asyncio.Future[wire.Answer] = self._loop.create_future()
        if not self._waiting:
            self._heard = self._loop.time()  # nothing was to be heard before
        self._waiting[number] = waiting
        self._transport.write(line)
        return waiting

    def forget(self, number: int) -> None:
        self._waiting.pop(number, None)
        self._end_if_idle()

    def give_up(self, number: int) -> None:
        if self._transport is not None and not self.ended:
            self._transport.write(wire.cancel(number))

    def _end_if_idle(self) -> None:
        if self._retired and not self._waiting:
            self.end("it was made anew")

    def end(self, why: str) -> None:
        """Close, and tell whoever waits."""
        if self.ended:
            return
        self.ended = True
        if self._transport is not None:
            self._transport.abort()
        waiting, self._waiting = self._waiting, {}
        problem = Unavailable(f"the directory cannot be asked: {why}")
        for one in waiting.values():
            if not one.done():
                one.set_exception(problem)
        if not self.ready.done():
            self.ready.set_exception(problem)
            self.ready.exception()  # seen: nobody may be waiting for it any more

    def _take(self, line: bytes) -> None:
        if not self.ready.done():
            if self._handshake.take(line):
                self.ready.set_result(None)
            return
        command = line.partition(b"\t")[0]
        if command in _NOT_ANSWERS:
            return
        answer = wire.parse_answer(line)
        waiting = self._waiting.get(answer.request)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)


_NOT_ANSWERS = frozenset({b"MECH", b"SPID", b"CUID", b"COOKIE", b"DONE", b"VERSION"})
