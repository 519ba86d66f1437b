"""A mail sign-in desk over a real installation, in the event loop of one test."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from django.db import connection

from installation import Installation
from sidegate.accounts.context import Context
from sidegate.accounts.mail_sign_in import MailSignIn
from sidegate.decisions.directory import Directory
from sidegate.decisions.mail import PasswordCheck
from sidegate.decisions.ports import PasswordJudge
from sidegate.decisions.words import Attempt, Protocol, Verdict
from sidegate.storage.background import Background
from sidegate.storage.fast_reader import FastReader
from sidegate.storage.writer import Writer

T = TypeVar("T")


def real_now() -> int:
    return time.time_ns() // 1_000_000


@dataclasses.dataclass
class Answered:
    """A verdict, and how long after its arrival it left, in seconds."""

    verdict: Verdict
    after: float


@dataclasses.dataclass
class Desk:
    """Asks a running `MailSignIn`."""

    context: Context
    sign_in: MailSignIn
    background: Background
    writer: Writer

    async def ask(
        self,
        login: str,
        secret: str,
        *,
        protocol: Protocol = Protocol.IMAP,
        authzid: str = "",
        address: str = "192.0.2.7",
        arrived: int | None = None,
    ) -> Answered:
        answered: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        asked = attempt(login, secret)._replace(protocol=protocol, authzid=authzid, address=address)
        if arrived is not None:
            asked = asked._replace(arrived=arrived)
        started = time.monotonic()

        def answer(verdict: Verdict) -> None:
            answered.set_result(Answered(verdict, time.monotonic() - started))

        self.sign_in.submit(asked, answer)
        return await asyncio.wait_for(answered, 20)

    async def verdict(
        self, login: str, secret: str, *, protocol: Protocol = Protocol.IMAP
    ) -> Verdict:
        return (await self.ask(login, secret, protocol=protocol)).verdict

    async def do(self, work: Callable[[], T]) -> T:
        """An action, on a thread as in the portal."""
        return await self.background.run(work)


def attempt(login: str, secret: str) -> Attempt:
    return Attempt(
        login=login,
        secret=secret,
        protocol=Protocol.IMAP,
        address="192.0.2.7",
        program="Thunderbird 128",
        tls=True,
        session="s1",
        authzid="",
        arrived=real_now(),
    )


@asynccontextmanager
async def open_desk(
    house: Installation, judge: PasswordJudge | None = None, directory: Directory | None = None
) -> AsyncIterator[Desk]:
    """A desk with the real clock; `judge` or `directory` in place of the installation's."""
    ctx = dataclasses.replace(
        house.context,
        now=real_now,
        judge=judge or house.context.judge,
        directory=directory or house.context.directory,
    )
    if ctx.directory is not None:
        ctx.directory.attach()
    grace = ctx.config.policy.grace_days > 0
    reader = FastReader(keys=ctx.keys, loop=asyncio.get_running_loop(), grace=grace)
    writer, background = Writer(), Background()
    reader.start()
    writer.start()
    sign_in = MailSignIn(ctx, reader=reader, writer=writer, background=background)
    try:
        yield Desk(ctx, sign_in, background, writer)
    finally:
        await sign_in.close()
        if ctx.directory is not None:
            await ctx.directory.close()
        reader.close()
        background.close()  # what still runs on it may record events
        assert writer.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one test's coroutine; this thread's own connection is closed meanwhile."""
    connection.close()
    return asyncio.run(work)


class GivenJudge:
    """A judge that says what it was told to, in turn, when it may; keeps whom it was asked."""

    def __init__(self, *says: PasswordCheck) -> None:
        self._says = list(says)
        self.asked: list[int | None] = []
        self.reached = asyncio.Semaphore(0)
        self.may = asyncio.Event()
        self.may.set()

    async def check(
        self, *, account_id: int | None, password_hash: str, password_version: int, secret: str
    ) -> PasswordCheck:
        del password_hash, password_version, secret
        self.asked.append(account_id)
        self.reached.release()
        await self.may.wait()
        return self._next()

    async def check_when_idle(
        self, *, account_id: int, password_hash: str, password_version: int, secret: str
    ) -> PasswordCheck:
        return await self.check(
            account_id=account_id,
            password_hash=password_hash,
            password_version=password_version,
            secret=secret,
        )

    def check_blocking(
        self, *, account_id: int | None, password_hash: str, password_version: int, secret: str
    ) -> PasswordCheck:
        del password_hash, password_version, secret
        self.asked.append(account_id)
        return self._next()

    def _next(self) -> PasswordCheck:
        return self._says.pop(0) if len(self._says) > 1 else self._says[0]

    def hash(self, secret: str) -> str:
        del secret
        return "$given"
