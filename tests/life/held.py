"""What an account and its browsers hold, as the rules of the design know it."""

from __future__ import annotations

from dataclasses import dataclass

import pyotp

from sidegate.accounts.second_steps import StepKind
from sidegate.portal.grants import Area
from soft_key import SoftKey

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
HOME, AWAY = "192.0.2.7", "198.51.100.9"
"""Two networks; browser A is at home, and so is the mail program."""
Use = tuple[str, str]
"""A protocol, and the address that it was used from."""
OPEN_FOR = 5 * MINUTE
"""For how long what asks for the password again stays open (docs/security.md)."""


@dataclass
class Step:
    """A second step: a phone, an app or a passkey."""

    kind: StepKind
    key: str
    number: str = ""
    secret: str = ""
    """An app's, in base32."""
    last_step: int = -1
    """The newest time step of an app whose code was used."""
    passkey: SoftKey | None = None
    at: int = 0
    """When it was added."""

    def codes(self, now: int) -> dict[str, int]:
        """The codes that an app's step still takes now, by RFC 6238, and their time steps."""
        totp, current = pyotp.TOTP(self.secret), now // 30_000
        steps = range(current - 1, current + 2)
        return {totp.generate_otp(step): step for step in steps if step > self.last_step}


@dataclass
class Made:
    """An app password."""

    id: int
    secret: str
    device: str
    scopes: frozenset[str]
    at: int
    until: int | None = None
    paused: bool = False
    more_at: int = 0
    """When it was resumed, or let do more, last."""
    revoked: bool = False
    name: str = ""
    """As its owner calls it."""

    def state(self, now: int) -> str:
        if self.revoked:
            return "revoked"
        if self.until is not None and now >= self.until:
            return "expired"
        return "paused" if self.paused else "active"


@dataclass
class Link:
    """The link of a notice."""

    token: str
    at: int
    used: bool = False


@dataclass
class Session:
    """A browser that is signed in."""

    version: int
    """Which account password it was signed in under."""
    second_at: int | None
    began: int
    saved: int


@dataclass
class SentCode:
    """A code that was sent to a phone, for one browser."""

    purpose: str
    code: str
    number: str
    at: int
    used: bool = False
    tries: int = 0


@dataclass
class Pending:
    """The first stage is passed: by the password, or by a link to the recovery address."""

    at: int
    version: int
    by_mail: bool = False
    second_at: int | None = None
    """When the second step was given, where a new password comes next."""
    recovered: bool = False
    """A recovery stands for it."""
    over: bool = False
    """What it was begun by holds no more."""


@dataclass
class Recovery:
    """2-step will go off without any second step, unless somebody stops it."""

    at: int
    version: int
    began_in: Held
    token: str = ""
    """Of the link that stops it."""


@dataclass
class Reset:
    """The link of a message that sets a new password."""

    token: str
    at: int
    version: int
    used: bool = False


@dataclass
class AddressAsked:
    """A code that was sent to what shall become the recovery address; one an account."""

    address: str
    until: int
    tries: int = 0


@dataclass
class Held:
    """What one browser holds."""

    session: Session | None = None
    pending: Pending | None = None
    trusted: int | None = None
    """Since when it is not asked for a second step."""
    sent: SentCode | None = None
    area: tuple[Area, int] | None = None
    """Which area was opened to it, and when."""
    answer_by: int = 0
    """Until when what was asked for in that area may be answered."""

    def sign_in(self, *, version: int, second_at: int | None, now: int) -> None:
        self.session = Session(version, second_at, now, now)
        self.pending = self.sent = None
        self.leave()

    def sign_out(self) -> None:
        self.session = self.pending = self.sent = None
        self.leave()

    def leave(self) -> None:
        self.area, self.answer_by = None, 0

    def asked_for(self, now: int, *, lifetime: int) -> None:
        """A code or a passkey was asked for in the open area."""
        self.answer_by = now + lifetime
