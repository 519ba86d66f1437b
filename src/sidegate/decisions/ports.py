"""What the doors and the actions need from others, said without naming who gives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from sidegate.decisions.directory import Home
from sidegate.decisions.mail import PasswordCheck
from sidegate.decisions.observing import Observed
from sidegate.decisions.words import Attempt, Verdict

Answer = Callable[[Verdict], None]


class SignIn(Protocol):
    """Decides mail sign-ins; `serve` hands one to each door."""

    def submit(self, attempt: Attempt, answer: Answer) -> None:
        """Decide and call `answer` once, later, on the event loop's thread.

        A refusal is answered at its fixed time after `attempt.arrived`, not before.
        """
        ...


class Observer(Protocol):
    """Keeps what it is told of sign-ins that somebody else decided."""

    def observe(self, seen: Observed) -> None:
        """Keep it, some time later; never waits, never fails."""
        ...


class Mailbox(NamedTuple):
    """Where an account's mail lies, as a mail server needs it."""

    user: str
    uid: int
    gid: int
    home: str


class MaySend(NamedTuple):
    """What an app password may send."""

    sender: str
    """As this address alone; empty: as any of its owner's."""
    daily_most: int | None
    """Messages a day (UTC), one for each recipient."""


class Sending(Protocol):
    """Holds app passwords to what they may send; raises `Unavailable` where it cannot tell."""

    async def may_send(self, app_password_id: int) -> MaySend | None:
        """`None` where it may send nothing any more."""
        ...

    async def take(self, app_password_id: int, *, messages: int) -> bool:
        """Count messages about to be sent; False where they are too many today."""
        ...

    async def give_back(self, app_password_id: int, *, messages: int) -> None:
        """Take back what was counted and could not be sent."""
        ...


class SessionStart(NamedTuple):
    """An open mail session: which process serves it, and what opened it."""

    process_id: int
    verdict: Verdict
    protocol: str
    address: str = ""
    """Where it came from; empty where the server did not tell."""


class Mailboxes(Protocol):
    """Looks mailboxes up; raises `Unavailable` where it cannot tell now."""

    async def find(self, login: str) -> Mailbox | Home | None:
        """The mailbox of a login, or `None` where there is no such account."""
        ...

    async def addresses(self) -> list[str]:
        """Every account's address, for a server that iterates over its users."""
        ...

    async def session_started(self, start: SessionStart) -> bool:
        """Remember an open session; False where its credential no longer opens it."""
        ...


class Unavailable(Exception):  # noqa: N818 - one of the three answers, by its name
    """What was asked cannot be told now: an outage, never a no."""


class PasswordJudge(Protocol):
    """Judges account passwords."""

    async def check(
        self, *, account_id: int | None, password_hash: str, password_version: int, secret: str
    ) -> PasswordCheck:
        """Whether the secret is right; spends the same work for an unknown account."""
        ...

    async def check_when_idle(
        self, *, account_id: int, password_hash: str, password_version: int, secret: str
    ) -> PasswordCheck:
        """The same, where nobody else waits to be judged; `BUSY` at once where somebody does."""
        ...

    def check_blocking(
        self, *, account_id: int | None, password_hash: str, password_version: int, secret: str
    ) -> PasswordCheck:
        """The same, for a thread that may wait."""
        ...

    def hash(self, secret: str) -> str:
        """The hash to store for a new password."""
        ...


class NotTaken(Exception):  # noqa: N818 - what happened, by its name
    """The other side will never take this message: trying again is of no use."""


class MailSender(Protocol):
    """Carries a message to an owner's mailbox."""

    def send(self, *, to: str, content: bytes) -> None:
        """Hand it over now; raises `Unavailable` (try later) or `NotTaken`."""
        ...
