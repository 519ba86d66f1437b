"""One mail sign-in, decided: a pure function of what was asked and what is known."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import NamedTuple

from sidegate.decisions.names import canonical
from sidegate.decisions.throttle import Counters, Limits, throttled
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


class AccountRecord(NamedTuple):
    """What is stored about an account, as far as a mail sign-in needs it."""

    id: int
    address: str
    enabled: bool
    two_step: bool
    password_hash: str
    password_version: int

    def __repr__(self) -> str:
        return f"AccountRecord(id={self.id}, address={self.address!r})"


class AppPasswordRecord(NamedTuple):
    """The app password that the secret's digest names."""

    id: int
    scopes: frozenset[str]
    revoked: bool


class AccountPasswordMode(StrEnum):
    """`[policy] account_password_for_mail`."""

    UNTIL_TWO_STEP = "until-2-step"
    ALWAYS_APP_PASSWORD = "always-app-password"  # noqa: S105 - a name, not a secret


class Policy(NamedTuple):
    """The installation's choices that a decision depends on."""

    account_password: AccountPasswordMode
    limits: Limits


class PasswordCheck(Enum):
    """What the judge of account passwords said."""

    RIGHT = "right"
    WRONG = "wrong"
    BUSY = "busy"
    OUTAGE = "outage"


class Facts(NamedTuple):
    """What is known so far; `None` for counters and password: not asked yet."""

    account: AccountRecord | None
    app_password: AppPasswordRecord | None
    counters: Counters | None = None
    password: PasswordCheck | None = None


class Missing(Enum):
    """A fact the decision needs first: learn it and ask again."""

    COUNTERS = "counters"
    PASSWORD = "password"  # noqa: S105 - a name, not a secret


def app_passwords_count(account: AccountRecord, policy: Policy) -> bool:
    """App passwords exist while 2-step is on, or where the policy knows nothing else."""
    return account.two_step or policy.account_password is AccountPasswordMode.ALWAYS_APP_PASSWORD


def decide(attempt: Attempt, facts: Facts, policy: Policy) -> Verdict | Missing:
    """Decide one sign-in, or say which fact is missing.

    A right, active, in-scope app password is decided before anything is counted
    (rule 5): throttling can never keep it out.
    """
    account = facts.account
    if _acts_as_another(attempt):
        return Refuse(Reason.NOT_A_MASTER, account.id if account else None)
    if account is not None and facts.app_password is not None:
        return _by_app_password(attempt, account, facts.app_password, policy)
    if facts.counters is None:
        return Missing.COUNTERS
    if throttled(facts.counters, policy.limits):
        return CannotTell(Why.THROTTLED, account.id if account else None)
    if not _account_password_counts(account, policy):
        reason = Reason.NOT_AN_APP_PASSWORD if account else Reason.UNKNOWN_ACCOUNT
        return Refuse(reason, account.id if account else None)
    return _by_account_password(account, facts.password)


def _account_password_counts(account: AccountRecord | None, policy: Policy) -> bool:
    """Whether it may be judged: where nobody's is, nobody's absence is either (rule 3)."""
    if account is not None:
        return not app_passwords_count(account, policy)
    return policy.account_password is AccountPasswordMode.UNTIL_TWO_STEP


def _acts_as_another(attempt: Attempt) -> bool:
    """Whether it is a master sign-in (rule 11): another spelling of oneself is none."""
    login, authzid = attempt.login, attempt.authzid
    if not authzid or authzid == login:
        return False
    name = canonical(authzid)
    return name is None or name != canonical(login)


def _by_app_password(
    attempt: Attempt, account: AccountRecord, app_password: AppPasswordRecord, policy: Policy
) -> Verdict:
    def refuse(reason: Reason) -> Refuse:
        return Refuse(reason, account.id, app_password.id)

    if app_password.revoked:
        return refuse(Reason.APP_PASSWORD_REVOKED)
    if not account.enabled:
        return refuse(Reason.ACCOUNT_DISABLED)
    if not app_passwords_count(account, policy):
        return refuse(Reason.APP_PASSWORDS_OFF)
    if attempt.protocol not in app_password.scopes:
        return refuse(Reason.OUT_OF_SCOPE)
    return Allow(account.id, account.address, CredentialKind.APP_PASSWORD, app_password.id)


def _by_account_password(  # noqa: PLR0911 - a table, one return a row
    account: AccountRecord | None, password: PasswordCheck | None
) -> Verdict | Missing:
    account_id = account.id if account else None
    match password:
        case None:
            return Missing.PASSWORD
        case PasswordCheck.BUSY:
            return CannotTell(Why.BUSY, account_id)
        case PasswordCheck.OUTAGE:
            return CannotTell(Why.OUTAGE, account_id)
        case PasswordCheck.WRONG:
            reason = Reason.WRONG_PASSWORD if account else Reason.UNKNOWN_ACCOUNT
            return Refuse(reason, account_id)
        case PasswordCheck.RIGHT if account is None:
            return Refuse(Reason.UNKNOWN_ACCOUNT)
        case PasswordCheck.RIGHT if not account.enabled:
            return Refuse(Reason.ACCOUNT_DISABLED, account_id)
        case PasswordCheck.RIGHT:
            return Allow(
                account.id,
                account.address,
                CredentialKind.ACCOUNT_PASSWORD,
                None,
                account.password_version,
            )
