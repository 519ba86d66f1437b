"""The mail sign-in of the product, on the thread of the test: no door, no waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from sidegate.accounts.context import Context
from sidegate.accounts.mail_sign_in import MailSignIn
from sidegate.accounts.right_but_refused import SecondLooks
from sidegate.decisions.mail import Facts
from sidegate.decisions.words import Attempt, Protocol, Verdict
from sidegate.events.catalogue import NewEvent
from sidegate.storage.background import Background
from sidegate.storage.fast_reader import FastReader, Lookup
from sidegate.storage.writer import Writer

T = TypeVar("T")
PROGRAM = "Thunderbird"


class _ReaderHere(FastReader):
    """Reads at once, on this thread."""

    def submit(self, lookup: Lookup) -> None:
        self._work([lookup])


class _WriterHere(Writer):
    """Writes at once, on this thread."""

    def record(self, event: NewEvent) -> None:
        self._work([event])
        self._stamps.write(everything=True)


class _NoWriter(Writer):
    """Writes nothing: whoever only looks leaves no event."""

    def record(self, event: NewEvent) -> None:
        del event


class _NoSecondLooks(SecondLooks):
    """Nothing is looked at again."""

    def consider(self, attempt: Attempt, facts: Facts, verdict: Verdict, *, login: str) -> None:
        del attempt, facts, verdict, login


class _BackgroundHere(Background):
    """Works at once, on this thread."""

    async def run(self, work: Callable[[], T]) -> T:
        return work()


class MailHere:
    """Asks the real sign-in. Where it `leaves` nothing, no event and no second look follow."""

    def __init__(self, ctx: Context, *, leaves: bool) -> None:
        self._ctx = ctx
        self._leaves = leaves
        self._loop = asyncio.new_event_loop()
        self._background = _BackgroundHere()
        self._sign_in = self._loop.run_until_complete(self._made())

    async def _made(self) -> MailSignIn:
        reader = _ReaderHere(keys=self._ctx.keys, loop=self._loop, grace=True)
        writer = _WriterHere() if self._leaves else _NoWriter()
        made = MailSignIn(self._ctx, reader=reader, writer=writer, background=self._background)
        if not self._leaves:
            made._second_looks = _NoSecondLooks(self._ctx, background=self._background)
        return made

    def begin_again(self) -> None:
        """Forget what was stamped in another history."""
        self._sign_in._writer = _WriterHere()

    def ask(self, login: str, secret: str, protocol: Protocol, address: str) -> Verdict:
        attempt = Attempt(
            login=login,
            secret=secret,
            protocol=protocol,
            address=address,
            program=PROGRAM,
            tls=True,
            session="s1",
            authzid="",
            arrived=self._ctx.now(),
        )
        return self._loop.run_until_complete(self._asked(attempt, connections["default"]))

    async def _asked(self, attempt: Attempt, database: BaseDatabaseWrapper) -> Verdict:
        # An event loop would open a connection of its own, to another memory.
        connections["default"] = database
        answered: asyncio.Future[Verdict] = self._loop.create_future()
        self._sign_in.submit(attempt, answered.set_result)
        verdict = await answered
        await asyncio.gather(*self._sign_in._tasks)
        await asyncio.gather(*self._sign_in._second_looks._tasks)
        return verdict

    def close(self) -> None:
        self._loop.run_until_complete(self._sign_in.close())
        self._background.close()
        self._loop.close()
