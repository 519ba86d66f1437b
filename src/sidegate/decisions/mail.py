"""One mail sign-in, decided: a pure function of what was asked and what is known."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import NamedTuple

from sidegate.decisions.grace import Window, window_for
from sidegate.decisions.names import canonical
from sidegate.decisions.networks import Network, holds
from sidegate.decisions.observing import Enforced
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
from sidegate.factors import app_password as letters_of

MOST_FOLLOWED = 3
"""Names that a directory may lead to, one after the other, before it is nobody's."""


class AccountRecord(NamedTuple):
    """What is stored about an account, as far as a mail sign-in needs it."""

    id: int
    address: str
    enabled: bool
    two_step: bool
    password_hash: str
    password_version: int
    windows: tuple[Window, ...] = ()
    """Grace windows, where 2-step is on."""

    def __repr__(self) -> str:
        return f"AccountRecord(id={self.id}, address={self.address!r})"


class AppPasswordRecord(NamedTuple):
    """The app password that the secret's digest names."""

    id: int
    scopes: frozenset[str]
    revoked: bool
    paused: bool = False
    expires_at: int | None = None
    """From then on it opens nothing (milliseconds since the epoch)."""
    networks: tuple[Network, ...] = ()
    """Where it opens anything; empty: everywhere."""


class AccountPasswordMode(StrEnum):
    """`[policy] account_password_for_mail`."""

    UNTIL_TWO_STEP = "until-2-step"
    ALWAYS_APP_PASSWORD = "always-app-password"  # noqa: S105 - a name, not a secret


class Policy(NamedTuple):
    """The installation's choices that a decision depends on."""

    account_password: AccountPasswordMode
    limits: Limits
    directory: bool = False
    """Account passwords are judged by a directory of the operator's."""
    enforced: Enforced = Enforced()
    """For whom the account password opens no mail once app passwords count."""
    grace: bool = False
    """Whether grace windows count (`[policy] grace_days`)."""


class PasswordCheck(Enum):
    """What the judge of account passwords said."""

    RIGHT = "right"
    WRONG = "wrong"
    BUSY = "busy"
    OUTAGE = "outage"
    DISABLED = "disabled"
    """Right, and whoever it is may not sign in (a directory's `OK … nologin`)."""
    EXPIRED = "expired"
    """To be changed before it opens anything again."""


class Presence(Enum):
    """What the operator's directory says of a name, without a secret."""

    HERE = "here"
    DISABLED = "disabled"
    GONE = "gone"
    BUSY = "busy"
    OUTAGE = "outage"


class Facts(NamedTuple):
    """What is known so far; `None` for counters, password and presence: not asked yet.

    The last five count only where the account password is judged by a directory of the
    operator's: `name` is the canonical name that all of this is about, `answered` the
    one under which the directory answered, and `followed` how often it named another.
    """

    account: AccountRecord | None
    app_password: AppPasswordRecord | None
    counters: Counters | None = None
    password: PasswordCheck | None = None
    presence: Presence | None = None
    name: str = ""
    answered: str = ""
    followed: int = 0
    master: str = ""
    """The listed master whose secret it is, where it is one's."""


class Missing(Enum):
    """A fact the decision needs first: learn it and ask again."""

    COUNTERS = "counters"
    PASSWORD = "password"  # noqa: S105 - a name, not a secret
    PRESENCE = "presence"
    """The directory's look-up without a secret."""
    NAME = "name"
    """Everything, under the name that the directory answered with (rule 11)."""
    ACCOUNT = "account"
    """The record of an account that comes in for the first time."""


def app_passwords_count(account: AccountRecord, policy: Policy) -> bool:
    """App passwords exist while 2-step is on, or where the policy knows nothing else."""
    return account.two_step or policy.account_password is AccountPasswordMode.ALWAYS_APP_PASSWORD


def decide(  # noqa: PLR0911 - a table, one return a row
    attempt: Attempt, facts: Facts, policy: Policy
) -> Verdict | Missing:
    """Decide one sign-in, or say which fact is missing.

    A right, active, in-scope app password is decided before anything is counted
    (rule 5): throttling can never keep it out.
    """
    account = facts.account
    if facts.master:
        return _by_master(facts, policy)
    if _acts_as_another(attempt):
        return Refuse(Reason.NOT_A_MASTER, account.id if account else None)
    if policy.directory:
        return _with_directory(attempt, facts, policy)
    if account is not None and facts.app_password is not None:
        return _by_app_password(attempt, account, facts.app_password, policy)
    if facts.counters is None:
        return Missing.COUNTERS
    if throttled(facts.counters, policy.limits):
        return CannotTell(Why.THROTTLED, account.id if account else None)
    if not _account_password_counts(attempt, account, canonical(attempt.login) or "", policy):
        reason = Reason.NOT_AN_APP_PASSWORD if account else Reason.UNKNOWN_ACCOUNT
        return Refuse(reason, account.id if account else None)
    return _by_window(attempt, account, policy, _by_account_password(account, facts.password))


def _with_directory(attempt: Attempt, facts: Facts, policy: Policy) -> Verdict | Missing:
    """Decide where the operator's directory says who somebody is, and judges passwords.

    Whatever may be an app password is looked up before anything is counted, so that a
    right one gets in under an alias too (rule 5); everything else is counted first, so
    that somebody who guesses is throttled before the directory is asked anything.
    """
    account = facts.account
    if facts.presence is None and facts.name and _may_be_app_password(attempt, facts):
        return Missing.PRESENCE
    if facts.answered not in ("", facts.name):
        return _under_another_name(facts)
    if account is not None and facts.app_password is not None:
        return _by_app_password_there(attempt, account, facts.app_password, facts, policy)
    return _before_asking(facts, policy) or _by_presence(attempt, facts, policy)


def _before_asking(facts: Facts, policy: Policy) -> Verdict | Missing | None:
    """What is known without the directory: too many wrong secrets, or no name at all."""
    if facts.counters is None:
        return Missing.COUNTERS
    if throttled(facts.counters, policy.limits):
        return CannotTell(Why.THROTTLED, facts.account.id if facts.account else None)
    return None if facts.name else Refuse(Reason.UNKNOWN_ACCOUNT)


def _by_master(  # noqa: PLR0911 - a table, one return a row
    facts: Facts, policy: Policy
) -> Verdict | Missing:
    """A listed master opens anybody's mail whom the directory knows, 2-step or not (rule 11)."""
    account = facts.account
    account_id = account.id if account else None
    if (first := _before_asking(facts, policy)) is not None:
        return first
    if facts.presence is None:
        return Missing.PRESENCE
    if facts.answered not in ("", facts.name):
        return _under_another_name(facts)
    if (away := _away(facts.presence, account_id)) is not None:
        return away
    if facts.presence is Presence.GONE:
        return Refuse(Reason.UNKNOWN_ACCOUNT, account_id)
    if facts.password is PasswordCheck.WRONG:
        return Refuse(Reason.NOT_A_MASTER, account_id)
    if facts.password is PasswordCheck.RIGHT and facts.presence is Presence.HERE:
        if account is None or account.enabled:
            return Allow(account_id, facts.name, CredentialKind.MASTER, None)
        return Refuse(Reason.ACCOUNT_DISABLED, account_id)
    return _by_account_password(account, _disabled_there(facts))


def _disabled_there(facts: Facts) -> PasswordCheck | None:
    """The judge's word; of look-up and judge one may know better that somebody is disabled."""
    if facts.password is PasswordCheck.RIGHT and facts.presence is Presence.DISABLED:
        return PasswordCheck.DISABLED
    return facts.password


def _may_be_app_password(attempt: Attempt, facts: Facts) -> bool:
    return facts.app_password is not None or letters_of.normalise(attempt.secret) is not None


def _under_another_name(facts: Facts) -> Refuse | Missing:
    if facts.followed < MOST_FOLLOWED:
        return Missing.NAME
    # Names that lead to one another without an end are nobody's (rule 11).
    return Refuse(Reason.UNKNOWN_ACCOUNT, facts.account.id if facts.account else None)


def _away(presence: Presence, account_id: int | None) -> CannotTell | None:
    if presence is Presence.BUSY:
        return CannotTell(Why.BUSY, account_id)
    if presence is Presence.OUTAGE:
        return CannotTell(Why.OUTAGE, account_id)
    return None


def _by_app_password_there(
    attempt: Attempt,
    account: AccountRecord,
    app_password: AppPasswordRecord,
    facts: Facts,
    policy: Policy,
) -> Verdict | Missing:
    if facts.presence is None:
        return Missing.PRESENCE
    verdict = _by_app_password(attempt, account, app_password, policy)
    if not isinstance(verdict, Allow):
        return verdict  # no directory can make a yes of it
    if facts.presence is Presence.GONE:
        return Refuse(Reason.GONE_FROM_DIRECTORY, account.id, app_password.id)
    if facts.presence is Presence.DISABLED:
        return Refuse(Reason.ACCOUNT_DISABLED, account.id, app_password.id)
    return _away(facts.presence, account.id) or verdict


def _by_presence(  # noqa: PLR0911 - a table, one return a row
    attempt: Attempt, facts: Facts, policy: Policy
) -> Verdict | Missing:
    account = facts.account
    account_id = account.id if account else None
    if facts.presence is None:
        return Missing.PRESENCE
    if (away := _away(facts.presence, account_id)) is not None:
        return away
    if facts.presence is Presence.GONE:
        return Refuse(Reason.GONE_FROM_DIRECTORY if account else Reason.UNKNOWN_ACCOUNT, account_id)
    if not _account_password_counts(attempt, account, facts.name, policy):
        reason = Reason.NOT_AN_APP_PASSWORD if account else Reason.UNKNOWN_ACCOUNT
        return Refuse(reason, account_id)
    if attempt.from_directory:  # to ask it back would go round for ever
        shut = account is not None and not account.enabled
        return Refuse(Reason.SHUT_OUT if shut else Reason.NOT_MINE, account_id)
    password = _disabled_there(facts)
    if password is PasswordCheck.RIGHT and account is None:
        return Missing.ACCOUNT
    return _by_window(attempt, account, policy, _by_account_password(account, password))


def _account_password_counts(
    attempt: Attempt, account: AccountRecord | None, name: str, policy: Policy
) -> bool:
    """Whether it may be judged: where nobody's is, nobody's absence is either (rule 3)."""
    if not policy.enforced.holds_for(account.address if account else name):
        return True
    if policy.account_password is not AccountPasswordMode.UNTIL_TWO_STEP:
        return False
    return account is None or not account.two_step or _window(attempt, account, policy) is not None


def _window(attempt: Attempt, account: AccountRecord, policy: Policy) -> Window | None:
    return window_for(attempt, account.windows) if policy.grace else None


def _by_window(
    attempt: Attempt, account: AccountRecord | None, policy: Policy, verdict: Verdict | Missing
) -> Verdict | Missing:
    """The verdict on an account password, with the window that it came in by."""
    if not isinstance(verdict, Allow) or account is None or not account.two_step:
        return verdict
    if not policy.enforced.holds_for(account.address):
        return verdict
    window = _window(attempt, account, policy)
    if window is None:
        return Refuse(Reason.NOT_AN_APP_PASSWORD, account.id)
    return verdict._replace(window_id=window.id)


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
    reason: Reason | None
    if app_password.revoked:
        reason = Reason.APP_PASSWORD_REVOKED
    elif not account.enabled:
        reason = Reason.ACCOUNT_DISABLED
    elif not app_passwords_count(account, policy):
        reason = Reason.APP_PASSWORDS_OFF
    else:
        reason = _by_its_choices(attempt, app_password)
    if reason is not None:
        return Refuse(reason, account.id, app_password.id)
    return Allow(account.id, account.address, CredentialKind.APP_PASSWORD, app_password.id)


def _by_its_choices(attempt: Attempt, app_password: AppPasswordRecord) -> Reason | None:
    """Why what its owner chose for an app password keeps this attempt out, if it does."""
    if app_password.expires_at is not None and attempt.arrived >= app_password.expires_at:
        return Reason.APP_PASSWORD_EXPIRED
    if app_password.paused:
        return Reason.APP_PASSWORD_PAUSED
    if attempt.protocol not in app_password.scopes:
        return Reason.OUT_OF_SCOPE
    if app_password.networks and not holds(app_password.networks, attempt.address):
        return Reason.WRONG_NETWORK
    return None


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
        case PasswordCheck.DISABLED:
            return Refuse(Reason.ACCOUNT_DISABLED, account_id)
        case PasswordCheck.EXPIRED:
            return Refuse(Reason.PASSWORD_EXPIRED, account_id)
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
