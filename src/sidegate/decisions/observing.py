"""What is seen of sign-ins that somebody else decides, and what enforcing would change."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from sidegate.decisions.words import CredentialKind, Protocol

OFFERED = frozenset({"", "PLAIN", "LOGIN"})
"""Mechanisms that go on where Sidegate is asked; the empty one is not known."""


class Observed(NamedTuple):
    """A sign-in that an operator's own mail server let in."""

    login: str
    protocol: Protocol
    address: str
    program: str
    mechanism: str
    """The SASL mechanism, in capitals; empty where it is not known."""
    at: int

    def __repr__(self) -> str:
        return f"Observed(login={self.login!r}, protocol={self.protocol})"


class Enforced(NamedTuple):
    """For whom 2-Step Verification holds for mail: everybody, nobody, or some."""

    everybody: bool = True
    some: frozenset[str] = frozenset()
    """Canonical addresses, and domains as `@example.test`."""

    def holds_for(self, address: str) -> bool:
        """Whether it holds for a canonical address."""
        if self.everybody:
            return True
        return address in self.some or "@" + address.rpartition("@")[2] in self.some


class Outcome(StrEnum):
    """What becomes of a mail program's next sign-in once Sidegate enforces."""

    REFUSED = "refused"
    MECHANISM_GONE = "mechanism-gone"
    """It has to go over to PLAIN; most do by themselves."""
    GRACE = "grace"
    TWO_STEP_OFF = "two-step-off"
    APP_PASSWORD = "app-password"  # noqa: S105 - a name, not a secret


def outcome(*, app_passwords_count: bool, credential: str, mechanism: str, grace: bool) -> Outcome:
    """What enforcing does to a program that signed in like this.

    `app_passwords_count`: 2-step is on, or `[policy] account_password_for_mail` knows
    nothing else. `grace`: an open window lets exactly this program go on.
    """
    by_account_password = credential != CredentialKind.APP_PASSWORD
    if by_account_password and app_passwords_count and not grace:
        return Outcome.REFUSED
    if mechanism not in OFFERED:
        return Outcome.MECHANISM_GONE
    if not by_account_password:
        return Outcome.APP_PASSWORD
    return Outcome.GRACE if grace else Outcome.TWO_STEP_OFF
