"""The words that decisions are made of: what is asked, and the three answers.

All times here are integer milliseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Protocol(StrEnum):
    """A mail protocol; the names are the scopes of app passwords too."""

    IMAP = "imap"
    POP3 = "pop3"
    SUBMISSION = "submission"
    SIEVE = "sieve"


MAIL_SCOPES = (Protocol.IMAP, Protocol.POP3, Protocol.SUBMISSION)

# What other programs call a protocol, and the scope it belongs to.
PROTOCOL_NAMES = {
    "imap": Protocol.IMAP,
    "pop3": Protocol.POP3,
    "submission": Protocol.SUBMISSION,
    "smtp": Protocol.SUBMISSION,
    "sieve": Protocol.SIEVE,
    "managesieve": Protocol.SIEVE,
}


class Attempt(NamedTuple):
    """One mail sign-in, as it arrived. Its text form never holds the secret."""

    login: str
    secret: str
    protocol: Protocol
    address: str
    """The client's IP address; empty where the server did not tell."""
    program: str
    """What the program calls itself (the IMAP ID); empty where it does not."""
    tls: bool
    session: str
    """The mail server's name for the session; empty where it has none."""
    authzid: str
    """Whom it wants to act as (RFC 4616); empty for itself."""
    arrived: int
    service: str = ""
    """What the mail server itself calls the protocol (Postfix: `smtp`); empty: the same."""
    mechanism: str = ""
    """The SASL mechanism, in capitals; empty where the server does not tell."""
    from_directory: bool = False
    """The operator's directory itself asks, and judges account passwords next."""

    def __repr__(self) -> str:
        return f"Attempt(login={self.login!r}, protocol={self.protocol}, address={self.address!r})"


class CredentialKind(StrEnum):
    """What opened the door."""

    APP_PASSWORD = "app-password"  # noqa: S105 - a name, not a secret
    ACCOUNT_PASSWORD = "account-password"  # noqa: S105 - a name, not a secret
    MASTER = "master"
    """Another's secret, by right of a listed master."""


class Reason(StrEnum):
    """Why a sign-in was refused: for the event and the owner, never for the client."""

    UNKNOWN_ACCOUNT = "unknown-account"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - a name, not a secret
    NOT_AN_APP_PASSWORD = "not-an-app-password"  # noqa: S105 - a name, not a secret
    ACCOUNT_PASSWORD_RIGHT = "account-password-right"  # noqa: S105 - a name, not a secret
    """Found after the reply, for the owner alone (`decisions/right_but_refused`)."""
    APP_PASSWORD_REVOKED = "app-password-revoked"  # noqa: S105 - a name, not a secret
    APP_PASSWORD_EXPIRED = "app-password-expired"  # noqa: S105 - a name, not a secret
    APP_PASSWORD_PAUSED = "app-password-paused"  # noqa: S105 - a name, not a secret
    APP_PASSWORDS_OFF = "app-passwords-off"
    OUT_OF_SCOPE = "out-of-scope"
    WRONG_NETWORK = "wrong-network"
    """An app password that its owner bound to other networks."""
    ACCOUNT_DISABLED = "account-disabled"
    GONE_FROM_DIRECTORY = "gone-from-directory"
    PASSWORD_EXPIRED = "password-expired"  # noqa: S105 - a name, not a secret
    WRONG_PASSKEY = "wrong-passkey"
    PASSKEY_COPIED = "passkey-copied"
    """Its signature is right, its counter went back."""
    NOT_A_MASTER = "not-a-master"
    BAD_REQUEST = "bad-request"
    SHUT_OUT = "shut-out"
    """The account is disabled, and whether the secret is right was not asked."""
    NOT_MINE = "not-mine"
    """An account password that its asker, the directory, judges itself: no refusal at all."""


class Why(StrEnum):
    """Why Sidegate cannot tell now."""

    OUTAGE = "outage"
    BUSY = "busy"
    THROTTLED = "throttled"


class Allow(NamedTuple):
    """The login may come in."""

    account_id: int | None
    """Missing where a master opens the mail of somebody who never signed in here."""
    account: str
    """The canonical address: the name that the mail server goes on with."""
    credential: CredentialKind
    app_password_id: int | None
    password_version: int = 0
    """Which of the account's passwords it was, where it was the account password."""
    window_id: int | None = None
    """The grace window that it came in by, with 2-step on."""


class Refuse(NamedTuple):
    """The login may not come in."""

    reason: Reason
    account_id: int | None = None
    app_password_id: int | None = None


class CannotTell(NamedTuple):
    """Neither yes nor no: try again later. Never said as a wrong password."""

    why: Why
    account_id: int | None = None


Verdict = Allow | Refuse | CannotTell
