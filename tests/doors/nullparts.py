"""Null implementations of what a door asks: they answer from a table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from sidegate.decisions.observing import Observed
from sidegate.decisions.ports import Answer, Mailbox, SessionStart, Unavailable
from sidegate.decisions.words import (
    Allow,
    Attempt,
    CannotTell,
    CredentialKind,
    Reason,
    Refuse,
    Verdict,
    Why,
)
from sidegate.doors.dovecot import DovecotDoor

REFUSAL_DELAY = 200
SLOW = 0.6
RIGHT = "abcdefghijklmnop"


def _allow(account: str) -> Allow:
    return Allow(1, account, CredentialKind.APP_PASSWORD, 7)


@dataclass
class NullObserver:
    """Keeps what it is told."""

    seen: list[Observed] = field(default_factory=list)

    def observe(self, seen: Observed) -> None:
        self.seen.append(seen)


@dataclass
class NullSignIn:
    """Decides by a table alone, with the delays that a real one has."""

    refusal_delay: int = REFUSAL_DELAY
    seen: list[Attempt] = field(default_factory=list)

    def submit(self, attempt: Attempt, answer: Answer) -> None:
        self.seen.append(attempt)
        verdict = self.verdict(attempt)
        loop = asyncio.get_running_loop()
        if attempt.login.startswith("slow"):
            loop.call_later(SLOW, answer, verdict)
        elif isinstance(verdict, Refuse):
            loop.call_later(self.refusal_delay / 1000, answer, verdict)
        else:
            loop.call_soon(answer, verdict)

    def verdict(self, attempt: Attempt) -> Verdict:
        if attempt.login == "outage@example.test":
            return CannotTell(Why.OUTAGE)
        if attempt.login == "throttled@example.test":
            return CannotTell(Why.THROTTLED)
        if attempt.login == "broken@example.test":
            raise RuntimeError("made to fail")
        if attempt.from_directory:
            return Refuse(Reason.NOT_MINE, 1)
        if attempt.secret != RIGHT:
            return Refuse(Reason.WRONG_PASSWORD, 1)
        if attempt.login == "disabled@example.test":
            return Refuse(Reason.ACCOUNT_DISABLED, 1)
        return _allow(attempt.login.casefold())


@dataclass
class NullMailboxes:
    """Knows a handful of names."""

    uid: int = 1001
    gid: int = 1001
    home: str = "/var/mail/alice"
    started: list[SessionStart] = field(default_factory=list)
    slow: asyncio.Event | None = None

    async def find(self, login: str) -> Mailbox | None:
        if login == "outage@example.test":
            raise Unavailable
        if login == "broken@example.test":
            raise RuntimeError("made to fail")
        if self.slow is not None:
            await self.slow.wait()
        if login in {"alice@example.test", "revoked@example.test"}:
            return Mailbox(login, self.uid, self.gid, self.home)
        return None

    async def addresses(self) -> list[str]:
        return ["alice@example.test", "bob@example.test"]

    async def session_started(self, start: SessionStart) -> bool:
        self.started.append(start)
        return isinstance(start.verdict, Allow) and start.verdict.account != "revoked@example.test"


@dataclass
class RunningDoor:
    """A door that listens on two Unix sockets."""

    door: DovecotDoor
    client: Path
    master: Path
    sign_in: NullSignIn
    mailboxes: NullMailboxes
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self, path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that ends with the test."""
        streams = await asyncio.open_unix_connection(path)
        self.writers.append(streams[1])
        return streams

    async def close(self) -> None:
        await self.door.close()
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.sleep(0)


OpenDoor = Callable[..., AbstractAsyncContextManager[RunningDoor]]
