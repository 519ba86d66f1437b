"""The port of every gateway: what it is given, and the answers it may give.

A gateway is made once, lives on one event loop, and is used by many sends at a time.
Each fault is one of three, and which one decides what happens next:

- `NotNow`: surely not taken over. The next gateway is tried, then all of them again.
- `NotReachable`: the number itself cannot be reached. Nothing more is tried.
- `MaybeSent`: the message was handed over, and whether it was taken over is not known.
  Nothing more is tried by itself, or the person might get it twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

Channel = Literal["sms", "voice"]
Delivery = Literal[
    "delivered",
    "failed",
    "no-answer",  # a call: these four are "failed", and say why
    "line-busy",
    "declined",
    "cut-short",
]
Receipt = Callable[[str, Delivery], None]
"""Given to gateways that hear of deliveries: called with the `reference` of a `Sent` and
what became of it, on the event loop; as often and as early as the gateway likes."""

NotNowWhy = Literal[
    "away",  # no connection, or it broke before the message was written
    "slow",  # no connection or no sign-in within its time; the message was not written
    "busy",  # it asks to come back later: throttled, its queue is full
    "credentials",  # it does not know us
    "credit",  # there is no money left
    "refused",  # it does not take this message, for a reason of its own
    "broken",  # what it says makes no sense, or it cannot be started
    "missing",  # a program that it needs is not installed
]
NotReachableWhy = Literal[
    "unknown-number",  # there is nobody under it
    "barred",  # the network or the person wants nothing from us
    "no-answer",  # a call: nobody answered
    "line-busy",  # a call: somebody speaks there
    "declined",  # a call: the person wants none
]
MaybeSentWhy = Literal[
    "timeout",  # no answer within its time
    "dropped",  # the connection broke before the answer
    "stopped",  # we were told to stop before the answer
]


@dataclass(frozen=True, slots=True)
class Message:
    """One code on its way to one phone."""

    id: str
    """Short, for the gateway's own records; letters, digits and dashes."""
    number: str
    """E.164."""
    channel: Channel
    code: str = field(repr=False)
    """Digits alone; empty where the message carries no code."""
    text: str = field(repr=False)
    """What to write or to say, in the language."""
    language: str
    """Such as "en" or "lv"."""


class Sent(NamedTuple):
    """The gateway has taken the message over."""

    reference: str = ""
    """The gateway's own id of it; "" where it gives none."""


class Trouble(Exception):  # noqa: N818 - named for what happened
    """A send or a check did not end well; `why` is a word for the operator."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class NotNow(Trouble):
    """Surely not sent; another gateway, or this one later, may do it."""

    def __init__(self, why: NotNowWhy) -> None:
        super().__init__(why)


class NotReachable(Trouble):
    """The number cannot be reached; trying again would change nothing."""

    def __init__(self, why: NotReachableWhy) -> None:
        super().__init__(why)


class MaybeSent(Trouble):
    """Handed over, without an answer: sent or not, nobody knows."""

    def __init__(self, why: MaybeSentWhy) -> None:
        super().__init__(why)


class Gateway(Protocol):
    """Something that carries codes to phones."""

    name: str
    """As the configuration calls it."""
    patience: float
    """Seconds a send may take in all. Whoever sends gives up then, as `MaybeSent`: a gateway
    whose connection alone takes too long says `NotNow("slow")` itself, and sooner."""

    async def send(self, message: Message) -> Sent:
        """Hand a message over. Raises `NotNow`, `NotReachable`, `MaybeSent`."""
        ...

    async def check(self) -> str | None:
        """Prove address and credentials without sending: what was proved, in a few words.

        `None` where this gateway has no way to. Raises `NotNow`.
        """
        ...

    async def close(self) -> None:
        """Let go of connections; nothing is sent any more."""
        ...
