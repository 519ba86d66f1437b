"""The operator's own directory, in the words of a decision: what is asked, and its answers."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from sidegate.decisions.mail import PasswordCheck, Presence


class Question(NamedTuple):
    """What the directory is asked about. Its text form never holds the secret."""

    name: str
    """The canonical name: never as it was typed."""
    secret: str
    """Empty where nobody's password is to be judged."""
    protocol: str
    """What the mail server calls it; directories may let users into some of them alone."""
    address: str
    """The client's IP address; empty where it is not known."""
    session: str = ""
    tls: bool = False
    master: str = ""
    """Whose secret it is, where somebody signs in as `name` by right of a master."""

    def __repr__(self) -> str:
        return f"Question(name={self.name!r}, protocol={self.protocol!r})"


class Seen(NamedTuple):
    """The answer to a look-up without a secret."""

    presence: Presence
    name: str
    """The canonical name under which the directory knows it; the asked one where it does not."""
    shows_disabled: bool = True
    """Whether this directory could have told that the user is disabled."""


class Judged(NamedTuple):
    """The answer to a password."""

    check: PasswordCheck
    name: str
    """The canonical name under which the directory would let the user in."""


class Home(NamedTuple):
    """A mailbox as the directory tells it: the name, and its fields word for word."""

    name: str
    fields: tuple[bytes, ...]


class Directory(Protocol):
    """Judges account passwords somewhere else; `serve` gives one to `accounts`."""

    def attach(self) -> None:
        """Live on the running event loop from now on."""
        ...

    async def close(self) -> None:
        """End; what waits is told that it cannot be told now."""
        ...

    @property
    def refusals_take(self) -> float:
        """Seconds that its refusals took lately: ours must not leave before (rule 3)."""
        ...

    async def look_up(self, question: Question) -> Seen:
        """Who it is, without a secret."""
        ...

    async def judge(self, question: Question) -> Judged:
        """Whether the secret is right."""
        ...

    async def home(self, name: str, protocol: str) -> Home | None:
        """The user's mailbox; raises `Unavailable` where it cannot be told now."""
        ...

    def look_up_blocking(self, question: Question) -> Seen:
        """The same as `look_up`, for a thread that may wait."""
        ...

    def judge_blocking(self, question: Question) -> Judged:
        """The same as `judge`, for a thread that may wait."""
        ...
