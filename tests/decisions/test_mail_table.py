"""The decision as a table: what is known, and the verdict."""

from __future__ import annotations

import pytest

from sidegate.decisions.mail import (
    AccountPasswordMode,
    AccountRecord,
    AppPasswordRecord,
    Facts,
    Missing,
    PasswordCheck,
    Policy,
    decide,
)
from sidegate.decisions.networks import parse
from sidegate.decisions.throttle import Counters, Limits
from sidegate.decisions.words import (
    Allow,
    Attempt,
    CannotTell,
    CredentialKind,
    Protocol,
    Reason,
    Refuse,
    Verdict,
    Why,
)

NOW = 1_800_000_000_000
"""When the attempts arrive."""

UNTIL = Policy(AccountPasswordMode.UNTIL_TWO_STEP, Limits())
ALWAYS = Policy(AccountPasswordMode.ALWAYS_APP_PASSWORD, Limits())

PLAIN = AccountRecord(
    id=7,
    address="anna@example.test",
    enabled=True,
    two_step=False,
    password_hash="$hash",
    password_version=3,
)
TWO_STEP = PLAIN._replace(two_step=True)
DISABLED = PLAIN._replace(enabled=False)
DISABLED_2 = TWO_STEP._replace(enabled=False)
NOBODY = None

GOOD = AppPasswordRecord(9, frozenset({"imap", "submission"}), revoked=False)
REVOKED = GOOD._replace(revoked=True)
SUBMIT = GOOD._replace(scopes=frozenset({"submission"}))
PAUSED = GOOD._replace(paused=True)
LAPSED = GOOD._replace(expires_at=NOW)
LASTING = GOOD._replace(expires_at=NOW + 1)
AT_HOME = GOOD._replace(networks=parse("2001:db8::/32, 192.0.2.0/24"))
AT_WORK = GOOD._replace(networks=parse("198.51.100.7"))
PAUSED_AND_MORE = AT_WORK._replace(paused=True, expires_at=NOW, revoked=True)
LAPSED_AND_MORE = PAUSED_AND_MORE._replace(revoked=False)
NARROW_AND_AWAY = AT_WORK._replace(scopes=frozenset({"submission"}))
NO_APP = None

CALM = Counters(pair=9, login=99, network=199, familiar=False)
MANY = Counters(pair=10, login=0, network=0, familiar=False)
ELSEWHERE = Counters(pair=0, login=1000, network=1000, familiar=True)
UNCOUNTED = None

RIGHT, WRONG = PasswordCheck.RIGHT, PasswordCheck.WRONG
BUSY, OUTAGE = PasswordCheck.BUSY, PasswordCheck.OUTAGE
UNASKED = None

BY_APP = Allow(7, "anna@example.test", CredentialKind.APP_PASSWORD, 9)
BY_PASSWORD = Allow(7, "anna@example.test", CredentialKind.ACCOUNT_PASSWORD, None, 3)


def no(reason: Reason) -> Refuse:
    return Refuse(reason, 7)


def no_app(reason: Reason) -> Refuse:
    return Refuse(reason, 7, 9)


def later(why: Why) -> CannotTell:
    return CannotTell(why, 7)


def ask(login: str = "anna@example.test", authzid: str = "") -> Attempt:
    return Attempt(
        login=login,
        secret="a secret",
        protocol=Protocol.IMAP,
        address="192.0.2.1",
        program="",
        tls=True,
        session="",
        authzid=authzid,
        arrived=NOW,
    )


# fmt: off
TABLE = [
    # account   app      counters   judge    policy  verdict
    # An app password decides at once, whatever was counted (rule 5).
    (TWO_STEP,   GOOD,    UNCOUNTED, UNASKED, UNTIL,  BY_APP),
    (TWO_STEP,   GOOD,    MANY,      UNASKED, UNTIL,  BY_APP),
    (TWO_STEP,   GOOD,    UNCOUNTED, OUTAGE,  UNTIL,  BY_APP),
    (PLAIN,      GOOD,    UNCOUNTED, UNASKED, ALWAYS, BY_APP),
    (TWO_STEP,   GOOD,    UNCOUNTED, UNASKED, ALWAYS, BY_APP),
    (TWO_STEP,   REVOKED, UNCOUNTED, UNASKED, UNTIL,  no_app(Reason.APP_PASSWORD_REVOKED)),
    (TWO_STEP,   SUBMIT,  UNCOUNTED, UNASKED, UNTIL,  no_app(Reason.OUT_OF_SCOPE)),
    (DISABLED_2, GOOD,    UNCOUNTED, UNASKED, UNTIL,  no_app(Reason.ACCOUNT_DISABLED)),
    (DISABLED_2, REVOKED, UNCOUNTED, UNASKED, UNTIL,  no_app(Reason.APP_PASSWORD_REVOKED)),
    (PLAIN,      GOOD,    UNCOUNTED, UNASKED, UNTIL,  no_app(Reason.APP_PASSWORDS_OFF)),
    # What its owner chose for it; the gravest reason is the one that is told.
    (TWO_STEP,   PAUSED,  UNCOUNTED, UNASKED, UNTIL,  no_app(Reason.APP_PASSWORD_PAUSED)),
    (PLAIN,      PAUSED,  UNCOUNTED, UNASKED, ALWAYS, no_app(Reason.APP_PASSWORD_PAUSED)),
    (TWO_STEP,   LAPSED,  UNCOUNTED, UNASKED, UNTIL,  no_app(Reason.APP_PASSWORD_EXPIRED)),
    (TWO_STEP,   LASTING, UNCOUNTED, UNASKED, UNTIL,  BY_APP),
    (TWO_STEP,   AT_HOME, UNCOUNTED, UNASKED, UNTIL,  BY_APP),
    (TWO_STEP,   AT_WORK, UNCOUNTED, UNASKED, UNTIL,  no_app(Reason.WRONG_NETWORK)),
    (TWO_STEP,   AT_WORK, MANY,      RIGHT,   UNTIL,  no_app(Reason.WRONG_NETWORK)),
    (TWO_STEP,   PAUSED_AND_MORE, UNCOUNTED, UNASKED, UNTIL, no_app(Reason.APP_PASSWORD_REVOKED)),
    (TWO_STEP,   LAPSED_AND_MORE, UNCOUNTED, UNASKED, UNTIL, no_app(Reason.APP_PASSWORD_EXPIRED)),
    (TWO_STEP,   NARROW_AND_AWAY, UNCOUNTED, UNASKED, UNTIL, no_app(Reason.OUT_OF_SCOPE)),
    (DISABLED_2, PAUSED,  UNCOUNTED, UNASKED, UNTIL,  no_app(Reason.ACCOUNT_DISABLED)),
    # Everything else is counted before anything dear is done.
    (TWO_STEP,   NO_APP,  UNCOUNTED, UNASKED, UNTIL,  Missing.COUNTERS),
    (PLAIN,      NO_APP,  UNCOUNTED, UNASKED, UNTIL,  Missing.COUNTERS),
    (NOBODY,     NO_APP,  UNCOUNTED, UNASKED, UNTIL,  Missing.COUNTERS),
    (PLAIN,      NO_APP,  MANY,      UNASKED, UNTIL,  later(Why.THROTTLED)),
    (PLAIN,      NO_APP,  MANY,      RIGHT,   UNTIL,  later(Why.THROTTLED)),
    (TWO_STEP,   NO_APP,  MANY,      UNASKED, UNTIL,  later(Why.THROTTLED)),
    (NOBODY,     NO_APP,  MANY,      UNASKED, UNTIL,  CannotTell(Why.THROTTLED)),
    (PLAIN,      NO_APP,  ELSEWHERE, RIGHT,   UNTIL,  BY_PASSWORD),
    # With 2-step on the account password opens nothing, and is not even judged (rule 1).
    (TWO_STEP,   NO_APP,  CALM,      UNASKED, UNTIL,  no(Reason.NOT_AN_APP_PASSWORD)),
    (TWO_STEP,   NO_APP,  CALM,      RIGHT,   UNTIL,  no(Reason.NOT_AN_APP_PASSWORD)),
    (PLAIN,      NO_APP,  CALM,      RIGHT,   ALWAYS, no(Reason.NOT_AN_APP_PASSWORD)),
    # Without it, it opens mail; an unknown account waits for the same judge (rule 3).
    (PLAIN,      NO_APP,  CALM,      UNASKED, UNTIL,  Missing.PASSWORD),
    (NOBODY,     NO_APP,  CALM,      UNASKED, UNTIL,  Missing.PASSWORD),
    (DISABLED,   NO_APP,  CALM,      UNASKED, UNTIL,  Missing.PASSWORD),
    (PLAIN,      NO_APP,  CALM,      RIGHT,   UNTIL,  BY_PASSWORD),
    (PLAIN,      NO_APP,  CALM,      WRONG,   UNTIL,  no(Reason.WRONG_PASSWORD)),
    (PLAIN,      NO_APP,  CALM,      BUSY,    UNTIL,  later(Why.BUSY)),
    (PLAIN,      NO_APP,  CALM,      OUTAGE,  UNTIL,  later(Why.OUTAGE)),
    (NOBODY,     NO_APP,  CALM,      WRONG,   UNTIL,  Refuse(Reason.UNKNOWN_ACCOUNT)),
    (NOBODY,     NO_APP,  CALM,      RIGHT,   UNTIL,  Refuse(Reason.UNKNOWN_ACCOUNT)),
    (NOBODY,     NO_APP,  CALM,      BUSY,    UNTIL,  CannotTell(Why.BUSY)),
    # "Disabled" is said behind a right secret alone.
    (DISABLED,   NO_APP,  CALM,      RIGHT,   UNTIL,  no(Reason.ACCOUNT_DISABLED)),
    (DISABLED,   NO_APP,  CALM,      WRONG,   UNTIL,  no(Reason.WRONG_PASSWORD)),
    # Where nobody's account password is judged, nobody's absence is either (rule 3).
    (NOBODY,     NO_APP,  CALM,      UNASKED, ALWAYS, Refuse(Reason.UNKNOWN_ACCOUNT)),
]
# fmt: on


Row = tuple[
    AccountRecord | None,
    AppPasswordRecord | None,
    Counters | None,
    PasswordCheck | None,
    Policy,
    Verdict | Missing,
]


@pytest.mark.parametrize("row", TABLE)
def test_the_table(row: Row) -> None:
    account, app_password, counters, password, policy, expected = row
    assert decide(ask(), Facts(account, app_password, counters, password), policy) == expected


AUTHZIDS = [
    ("anna@example.test", "", True),
    ("anna@example.test", "anna@example.test", True),
    ("Anna@Example.test", "anna@example.test", True),
    ("anna+phone@example.test", "anna@example.test", True),
    ("anna@example.test", "berta@example.test", False),
    ("anna@example.test", "anna", False),
    ("anna", "anna", True),
    ("anna", "berta", False),
]


@pytest.mark.parametrize(("login", "authzid", "comes_in"), AUTHZIDS)
def test_nobody_is_a_master(login: str, authzid: str, comes_in: bool) -> None:  # noqa: FBT001
    verdict = decide(ask(login, authzid), Facts(TWO_STEP, GOOD), UNTIL)
    assert verdict == (BY_APP if comes_in else no(Reason.NOT_A_MASTER))


def test_a_master_sign_in_to_nobody_is_refused_too() -> None:
    verdict = decide(ask(authzid="berta@example.test"), Facts(NOBODY, NO_APP), UNTIL)
    assert verdict == Refuse(Reason.NOT_A_MASTER)


@pytest.mark.parametrize("protocol", list(Protocol))
def test_a_scope_is_a_protocol(protocol: Protocol) -> None:
    attempt = ask()._replace(protocol=protocol)
    verdict = decide(attempt, Facts(TWO_STEP, GOOD), UNTIL)
    inside = protocol in {Protocol.IMAP, Protocol.SUBMISSION}
    assert verdict == (BY_APP if inside else no_app(Reason.OUT_OF_SCOPE))


def test_no_text_form_holds_a_secret_or_a_hash() -> None:
    facts = Facts(PLAIN, GOOD)
    for shown in (repr(ask()), str(ask()), f"{ask()}", repr(facts), str(PLAIN)):
        assert "a secret" not in shown
        assert "$hash" not in shown
