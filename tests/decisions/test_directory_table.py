"""The decision where the operator's own directory judges account passwords, as a table."""
# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.decisions.mail import (
    MOST_FOLLOWED,
    AccountPasswordMode,
    AccountRecord,
    AppPasswordRecord,
    Facts,
    Missing,
    PasswordCheck,
    Policy,
    Presence,
    decide,
)
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

ADA = "ada@example.test"
ALIAS = "boss@example.test"
LETTERS, WORDS = "abcdefghijklmnop", "no app password: 1 2 3"

UNTIL = Policy(AccountPasswordMode.UNTIL_TWO_STEP, Limits(), directory=True)
ALWAYS = Policy(AccountPasswordMode.ALWAYS_APP_PASSWORD, Limits(), directory=True)

PLAIN = AccountRecord(7, ADA, enabled=True, two_step=False, password_hash="", password_version=1)
TWO_STEP = PLAIN._replace(two_step=True)
SHUT = PLAIN._replace(enabled=False)
NOBODY = None
GOOD = AppPasswordRecord(9, frozenset({"imap"}), revoked=False)
REVOKED = GOOD._replace(revoked=True)
NO_APP = None
CALM = Counters(pair=9, login=99, network=199, familiar=False)
MANY = Counters(pair=10, login=0, network=0, familiar=False)
UNCOUNTED = None
HERE, OFF, GONE = Presence.HERE, Presence.DISABLED, Presence.GONE
AWAY, FULL = Presence.OUTAGE, Presence.BUSY
UNSEEN = None
RIGHT, WRONG, BUSY = PasswordCheck.RIGHT, PasswordCheck.WRONG, PasswordCheck.BUSY
DISABLED, EXPIRED, OUTAGE = PasswordCheck.DISABLED, PasswordCheck.EXPIRED, PasswordCheck.OUTAGE
UNASKED = None

BY_APP = Allow(7, ADA, CredentialKind.APP_PASSWORD, 9)
BY_PASSWORD = Allow(7, ADA, CredentialKind.ACCOUNT_PASSWORD, None, 1)


def ask(secret: str, authzid: str = "") -> Attempt:
    return Attempt(ADA, secret, Protocol.IMAP, "192.0.2.1", "", True, "", authzid, 0)  # noqa: FBT003


def no(reason: Reason) -> Refuse:
    return Refuse(reason, 7)


def no_app(reason: Reason) -> Refuse:
    return Refuse(reason, 7, 9)


def later(why: Why, account: int | None = 7) -> CannotTell:
    return CannotTell(why, account)


@pytest.mark.parametrize(
    ("account", "secret", "presence", "policy", "verdict"),
    [
        (PLAIN, WORDS, HERE, UNTIL, no(Reason.NOT_MINE)),
        (PLAIN, LETTERS, HERE, UNTIL, no(Reason.NOT_MINE)),
        (PLAIN, WORDS, OFF, UNTIL, no(Reason.NOT_MINE)),
        (NOBODY, WORDS, HERE, UNTIL, Refuse(Reason.NOT_MINE)),
        (SHUT, WORDS, HERE, UNTIL, no(Reason.SHUT_OUT)),
        (TWO_STEP, WORDS, HERE, UNTIL, no(Reason.NOT_AN_APP_PASSWORD)),
        (PLAIN, WORDS, HERE, ALWAYS, no(Reason.NOT_AN_APP_PASSWORD)),
        (PLAIN, WORDS, GONE, UNTIL, no(Reason.GONE_FROM_DIRECTORY)),
        (PLAIN, WORDS, AWAY, UNTIL, later(Why.OUTAGE)),
    ],
)
def test_a_directory_that_asks_is_never_asked_back(
    account: AccountRecord | None, secret: str, presence: Presence, policy: Policy, verdict: Verdict
) -> None:
    facts = Facts(account, None, CALM, presence=presence, name=ADA, answered=ADA)
    asked = ask(secret)._replace(from_directory=True)
    assert decide(asked, facts, policy) == verdict
    if secret == LETTERS:
        right = facts._replace(account=TWO_STEP, app_password=GOOD)
        assert decide(asked, right, policy) == BY_APP


# fmt: off
TABLE = [
    # account  app      secret   counters   presence judge   policy  verdict
    # Whatever may be an app password is looked up first, before anything is counted (rule 5).
    (TWO_STEP, GOOD,    LETTERS, UNCOUNTED, UNSEEN, UNASKED, UNTIL,  Missing.PRESENCE),
    (TWO_STEP, NO_APP,  LETTERS, UNCOUNTED, UNSEEN, UNASKED, UNTIL,  Missing.PRESENCE),
    (NOBODY,   NO_APP,  LETTERS, MANY,      UNSEEN, UNASKED, UNTIL,  Missing.PRESENCE),
    (TWO_STEP, GOOD,    LETTERS, UNCOUNTED, HERE,   UNASKED, UNTIL,  BY_APP),
    (TWO_STEP, GOOD,    LETTERS, MANY,      HERE,   UNASKED, UNTIL,  BY_APP),
    (PLAIN,    GOOD,    LETTERS, UNCOUNTED, HERE,   UNASKED, ALWAYS, BY_APP),
    # Gone or disabled there is refused here; an outage there is never a no.
    (TWO_STEP, GOOD,    LETTERS, UNCOUNTED, GONE,   UNASKED, UNTIL,  no_app(Reason.GONE_FROM_DIRECTORY)),
    (TWO_STEP, GOOD,    LETTERS, UNCOUNTED, OFF,    UNASKED, UNTIL,  no_app(Reason.ACCOUNT_DISABLED)),
    (TWO_STEP, GOOD,    LETTERS, UNCOUNTED, AWAY,   UNASKED, UNTIL,  later(Why.OUTAGE)),
    (TWO_STEP, GOOD,    LETTERS, UNCOUNTED, FULL,   UNASKED, UNTIL,  later(Why.BUSY)),
    # What is wrong here is wrong whatever is said there.
    (TWO_STEP, REVOKED, LETTERS, UNCOUNTED, HERE,   UNASKED, UNTIL,  no_app(Reason.APP_PASSWORD_REVOKED)),
    (TWO_STEP, REVOKED, LETTERS, UNCOUNTED, AWAY,   UNASKED, UNTIL,  no_app(Reason.APP_PASSWORD_REVOKED)),
    (PLAIN,    GOOD,    LETTERS, UNCOUNTED, HERE,   UNASKED, UNTIL,  no_app(Reason.APP_PASSWORDS_OFF)),
    # Everything else is throttled before the directory is asked anything.
    (PLAIN,    NO_APP,  WORDS,   UNCOUNTED, UNSEEN, UNASKED, UNTIL,  Missing.COUNTERS),
    (PLAIN,    NO_APP,  WORDS,   MANY,      UNSEEN, UNASKED, UNTIL,  later(Why.THROTTLED)),
    (PLAIN,    NO_APP,  WORDS,   MANY,      HERE,   RIGHT,   UNTIL,  later(Why.THROTTLED)),
    (NOBODY,   NO_APP,  WORDS,   MANY,      UNSEEN, UNASKED, UNTIL,  later(Why.THROTTLED, None)),
    (PLAIN,    NO_APP,  WORDS,   CALM,      UNSEEN, UNASKED, UNTIL,  Missing.PRESENCE),
    (TWO_STEP, NO_APP,  WORDS,   CALM,      UNSEEN, UNASKED, UNTIL,  Missing.PRESENCE),
    (NOBODY,   NO_APP,  WORDS,   CALM,      UNSEEN, UNASKED, UNTIL,  Missing.PRESENCE),
    # With 2-step on nothing is ever judged there (rule 1).
    (TWO_STEP, NO_APP,  WORDS,   CALM,      HERE,   UNASKED, UNTIL,  no(Reason.NOT_AN_APP_PASSWORD)),
    (TWO_STEP, NO_APP,  LETTERS, CALM,      HERE,   UNASKED, UNTIL,  no(Reason.NOT_AN_APP_PASSWORD)),
    (TWO_STEP, NO_APP,  WORDS,   CALM,      HERE,   RIGHT,   UNTIL,  no(Reason.NOT_AN_APP_PASSWORD)),
    (PLAIN,    NO_APP,  WORDS,   CALM,      HERE,   UNASKED, ALWAYS, no(Reason.NOT_AN_APP_PASSWORD)),
    (NOBODY,   NO_APP,  WORDS,   CALM,      HERE,   UNASKED, ALWAYS, Refuse(Reason.UNKNOWN_ACCOUNT)),
    # Without it, it opens mail, and an account comes into being with its first sign-in.
    (PLAIN,    NO_APP,  WORDS,   CALM,      HERE,   UNASKED, UNTIL,  Missing.PASSWORD),
    (NOBODY,   NO_APP,  WORDS,   CALM,      HERE,   UNASKED, UNTIL,  Missing.PASSWORD),
    (PLAIN,    NO_APP,  WORDS,   CALM,      HERE,   RIGHT,   UNTIL,  BY_PASSWORD),
    (PLAIN,    NO_APP,  LETTERS, CALM,      HERE,   RIGHT,   UNTIL,  BY_PASSWORD),
    (NOBODY,   NO_APP,  WORDS,   CALM,      HERE,   RIGHT,   UNTIL,  Missing.ACCOUNT),
    (SHUT,     NO_APP,  WORDS,   CALM,      HERE,   RIGHT,   UNTIL,  no(Reason.ACCOUNT_DISABLED)),
    (PLAIN,    NO_APP,  WORDS,   CALM,      HERE,   WRONG,   UNTIL,  no(Reason.WRONG_PASSWORD)),
    (NOBODY,   NO_APP,  WORDS,   CALM,      HERE,   WRONG,   UNTIL,  Refuse(Reason.UNKNOWN_ACCOUNT)),
    (PLAIN,    NO_APP,  WORDS,   CALM,      HERE,   BUSY,    UNTIL,  later(Why.BUSY)),
    (PLAIN,    NO_APP,  WORDS,   CALM,      HERE,   OUTAGE,  UNTIL,  later(Why.OUTAGE)),
    (PLAIN,    NO_APP,  WORDS,   CALM,      HERE,   EXPIRED, UNTIL,  no(Reason.PASSWORD_EXPIRED)),
    # A yes of a disabled one is none, whichever of the two answers tells of it.
    (PLAIN,    NO_APP,  WORDS,   CALM,      HERE,   DISABLED, UNTIL, no(Reason.ACCOUNT_DISABLED)),
    (PLAIN,    NO_APP,  WORDS,   CALM,      OFF,    RIGHT,   UNTIL,  no(Reason.ACCOUNT_DISABLED)),
    (NOBODY,   NO_APP,  WORDS,   CALM,      OFF,    RIGHT,   UNTIL,  Refuse(Reason.ACCOUNT_DISABLED)),
    (PLAIN,    NO_APP,  WORDS,   CALM,      OFF,    WRONG,   UNTIL,  no(Reason.WRONG_PASSWORD)),
    # Whom it does not know, its passwords are not asked about.
    (PLAIN,    NO_APP,  WORDS,   CALM,      GONE,   UNASKED, UNTIL,  no(Reason.GONE_FROM_DIRECTORY)),
    (NOBODY,   NO_APP,  WORDS,   CALM,      GONE,   UNASKED, UNTIL,  Refuse(Reason.UNKNOWN_ACCOUNT)),
    (TWO_STEP, NO_APP,  WORDS,   CALM,      AWAY,   UNASKED, UNTIL,  later(Why.OUTAGE)),
    (NOBODY,   NO_APP,  WORDS,   CALM,      FULL,   UNASKED, UNTIL,  later(Why.BUSY, None)),
]
# fmt: on


@pytest.mark.parametrize(
    ("account", "app", "secret", "counters", "presence", "password", "policy", "expected"), TABLE
)
def test_decide(
    *,
    account: AccountRecord | None,
    app: AppPasswordRecord | None,
    secret: str,
    counters: Counters | None,
    presence: Presence | None,
    password: PasswordCheck | None,
    policy: Policy,
    expected: Verdict | Missing,
) -> None:
    answered = ADA if presence else ""
    facts = Facts(account, app, counters, password, presence, ADA, answered)
    assert decide(ask(secret), facts, policy) == expected


def test_another_name_is_decided_under_that_name() -> None:
    for secret in (LETTERS, WORDS):
        facts = Facts(NOBODY, NO_APP, CALM, None, HERE, ALIAS, ADA)
        assert decide(ask(secret), facts, UNTIL) is Missing.NAME
        # Also where an account of the alias's own name is known, from before it was one.
        facts = Facts(PLAIN, GOOD, CALM, None, HERE, ALIAS, ADA)
        assert decide(ask(secret), facts, UNTIL) is Missing.NAME
    judged = Facts(NOBODY, NO_APP, CALM, RIGHT, HERE, ALIAS, ADA)
    assert decide(ask(WORDS), judged, UNTIL) is Missing.NAME


def test_names_without_an_end_are_nobodys() -> None:
    facts = Facts(PLAIN, GOOD, CALM, RIGHT, HERE, ALIAS, ADA, MOST_FOLLOWED)
    assert decide(ask(LETTERS), facts, UNTIL) == no(Reason.UNKNOWN_ACCOUNT)


def test_what_is_no_name_is_refused_without_asking() -> None:
    facts = Facts(NOBODY, NO_APP, None, None, None, "", "")
    assert decide(ask(LETTERS), facts, UNTIL) is Missing.COUNTERS
    facts = facts._replace(counters=CALM)
    assert decide(ask(LETTERS), facts, UNTIL) == Refuse(Reason.UNKNOWN_ACCOUNT)


def test_somebody_elses_mail_is_refused() -> None:
    facts = Facts(PLAIN, NO_APP, CALM, RIGHT, HERE, ADA, ADA)
    assert decide(ask(WORDS, authzid=ALIAS), facts, UNTIL) == no(Reason.NOT_A_MASTER)


BY_MASTER = Allow(7, ADA, CredentialKind.MASTER, None)

# fmt: off
MASTERS = [
    # account  counters   presence judge    verdict
    (TWO_STEP, UNCOUNTED, UNSEEN, UNASKED,  Missing.COUNTERS),
    (TWO_STEP, MANY,      UNSEEN, UNASKED,  later(Why.THROTTLED)),
    (TWO_STEP, CALM,      UNSEEN, UNASKED,  Missing.PRESENCE),
    (TWO_STEP, CALM,      AWAY,   UNASKED,  later(Why.OUTAGE)),
    (TWO_STEP, CALM,      GONE,   UNASKED,  no(Reason.UNKNOWN_ACCOUNT)),
    (TWO_STEP, CALM,      HERE,   UNASKED,  Missing.PASSWORD),
    (TWO_STEP, CALM,      HERE,   RIGHT,    BY_MASTER),
    (NOBODY,   CALM,      HERE,   RIGHT,    BY_MASTER._replace(account_id=None)),
    (SHUT,     CALM,      HERE,   RIGHT,    no(Reason.ACCOUNT_DISABLED)),
    (PLAIN,    CALM,      OFF,    RIGHT,    no(Reason.ACCOUNT_DISABLED)),
    (PLAIN,    CALM,      HERE,   DISABLED, no(Reason.ACCOUNT_DISABLED)),
    (PLAIN,    CALM,      HERE,   WRONG,    no(Reason.NOT_A_MASTER)),
    (PLAIN,    CALM,      HERE,   OUTAGE,   later(Why.OUTAGE)),
]
# fmt: on


@pytest.mark.parametrize(("account", "counters", "presence", "password", "expected"), MASTERS)
def test_a_listed_master(
    account: AccountRecord | None,
    counters: Counters | None,
    presence: Presence | None,
    password: PasswordCheck | None,
    expected: Verdict | Missing,
) -> None:
    answered = ADA if presence else ""
    facts = Facts(account, NO_APP, counters, password, presence, ADA, answered, master="gate")
    assert decide(ask(LETTERS), facts, UNTIL) == expected
    other = facts._replace(presence=HERE, answered=ALIAS, counters=CALM)
    assert decide(ask(LETTERS), other, UNTIL) is Missing.NAME


ACCOUNTS = st.builds(
    AccountRecord,
    id=st.just(7),
    address=st.just(ADA),
    enabled=st.booleans(),
    two_step=st.booleans(),
    password_hash=st.just(""),
    password_version=st.just(1),
)
APP_PASSWORDS = st.builds(
    AppPasswordRecord,
    id=st.just(9),
    scopes=st.frozensets(st.sampled_from(["imap", "pop3"])),
    revoked=st.booleans(),
)
FACTS = st.builds(
    Facts,
    account=st.none() | ACCOUNTS,
    app_password=st.none() | APP_PASSWORDS,
    counters=st.none() | st.just(CALM) | st.just(MANY),
    password=st.none() | st.sampled_from(PasswordCheck),
    presence=st.none() | st.sampled_from(Presence),
    name=st.sampled_from([ADA, ALIAS, ""]),
    answered=st.sampled_from([ADA, ALIAS, ""]),
    followed=st.integers(0, MOST_FOLLOWED),
    master=st.just(""),
)
POLICIES = st.sampled_from([UNTIL, ALWAYS])
SECRETS = st.sampled_from([LETTERS, WORDS])


@given(SECRETS, FACTS, POLICIES)
def test_two_step_keeps_every_password_from_the_directory(
    secret: str, facts: Facts, policy: Policy
) -> None:
    verdict = decide(ask(secret), facts, policy)
    if facts.account is not None and facts.account.two_step:
        assert verdict is not Missing.PASSWORD
        assert verdict is not Missing.ACCOUNT
        if isinstance(verdict, Allow):
            assert verdict.credential is CredentialKind.APP_PASSWORD


@given(SECRETS, FACTS, POLICIES)
def test_nobody_comes_in_but_whom_the_directory_knows_by_that_name(
    secret: str, facts: Facts, policy: Policy
) -> None:
    verdict = decide(ask(secret), facts, policy)
    if isinstance(verdict, Allow):
        assert facts.presence is Presence.HERE
        assert facts.answered in ("", facts.name)
        assert facts.account is not None
        assert facts.account.enabled
        if verdict.credential is CredentialKind.ACCOUNT_PASSWORD:
            assert facts.password is PasswordCheck.RIGHT


@given(SECRETS, FACTS, POLICIES)
def test_a_directory_that_is_away_is_never_a_wrong_password(
    secret: str, facts: Facts, policy: Policy
) -> None:
    facts = facts._replace(presence=Presence.OUTAGE, answered=facts.name)
    verdict = decide(ask(secret), facts, policy)
    assert not isinstance(verdict, Allow)
    if isinstance(verdict, Refuse):
        known = facts.app_password is not None or not facts.name
        assert known, "refused for something that no directory can change"


@given(SECRETS, FACTS, POLICIES)
def test_who_is_throttled_asks_the_directory_nothing_but_who_it_is(
    secret: str, facts: Facts, policy: Policy
) -> None:
    facts = facts._replace(counters=MANY, app_password=None, name=ADA, answered="")
    verdict = decide(ask(secret), facts, policy)
    if verdict is Missing.PRESENCE:
        assert secret == LETTERS, "what may be an app password alone"
    else:
        assert isinstance(verdict, CannotTell)
        assert verdict.why is Why.THROTTLED


@given(SECRETS, st.none() | ACCOUNTS, POLICIES, st.data())
def test_every_attempt_ends(
    secret: str, account: AccountRecord | None, policy: Policy, data: st.DataObject
) -> None:
    """Whatever is answered: a bounded number of facts is enough for a verdict."""
    facts = Facts(account, None, name=ADA)
    for _ in range(5 * (MOST_FOLLOWED + 1)):
        verdict = decide(ask(secret), facts, policy)
        if not isinstance(verdict, Missing):
            return
        name = data.draw(st.sampled_from([ADA, ALIAS]))
        if verdict is Missing.COUNTERS:
            facts = facts._replace(counters=CALM)
        elif verdict is Missing.PRESENCE:
            facts = facts._replace(presence=data.draw(st.sampled_from(Presence)), answered=name)
        elif verdict is Missing.PASSWORD:
            facts = facts._replace(
                password=data.draw(st.sampled_from(PasswordCheck)), answered=name
            )
        elif verdict is Missing.NAME:
            facts = Facts(account, None, name=facts.answered, followed=facts.followed + 1)
        else:
            facts = facts._replace(account=PLAIN)
    raise AssertionError("no verdict")
