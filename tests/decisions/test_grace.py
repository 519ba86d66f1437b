"""Grace windows: the one exception of rule 1, as a table and for whatever is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.decisions.grace import Window, window_for, without_version
from sidegate.decisions.mail import (
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
from sidegate.decisions.observing import Enforced
from sidegate.decisions.throttle import Counters, Limits
from sidegate.decisions.words import (
    Allow,
    Attempt,
    CannotTell,
    CredentialKind,
    Protocol,
    Reason,
    Refuse,
    Why,
)

ANNA = "anna@example.test"
UNTIL = 1_000_000
CALM = Counters(pair=0, login=0, network=0, familiar=True)
GRACE = Policy(AccountPasswordMode.UNTIL_TWO_STEP, Limits(), grace=True)
NO_GRACE = GRACE._replace(grace=False)
ALWAYS = GRACE._replace(account_password=AccountPasswordMode.ALWAYS_APP_PASSWORD)
WINDOW = Window(5, "imap", "192.0.2.0/24", "Thunderbird 128.0", UNTIL, ended=False)
NAMELESS = WINDOW._replace(program="")


def account(*windows: Window) -> AccountRecord:
    return AccountRecord(
        id=7,
        address=ANNA,
        enabled=True,
        two_step=True,
        password_hash="$hash",
        password_version=3,
        windows=windows,
    )


def ask(
    *,
    protocol: Protocol = Protocol.IMAP,
    address: str = "192.0.2.9",
    program: str = "Thunderbird 128.0",
    arrived: int = UNTIL - 1,
) -> Attempt:
    return Attempt(
        login=ANNA,
        secret="a secret",
        protocol=protocol,
        address=address,
        program=program,
        tls=True,
        session="",
        authzid="",
        arrived=arrived,
    )


# fmt: off
TABLE = [
    # window                                attempt                                opens
    (WINDOW,                                ask(),                                 True),
    (WINDOW,                                ask(address="192.0.2.200"),            True),
    (WINDOW,                                ask(address="::ffff:192.0.2.9"),       True),
    # Another protocol, another network, later.
    (WINDOW,                                ask(protocol=Protocol.POP3),           False),
    (WINDOW,                                ask(protocol=Protocol.SUBMISSION),     False),
    (WINDOW,                                ask(protocol=Protocol.SIEVE),          False),
    (WINDOW,                                ask(address="192.0.3.9"),              False),
    (WINDOW,                                ask(address="2001:db8::1"),            False),
    (WINDOW,                                ask(arrived=UNTIL),                    False),
    (WINDOW,                                ask(arrived=UNTIL + 1),                False),
    (WINDOW._replace(ended=True),           ask(),                                 False),
    (WINDOW._replace(network="2001:db8::/64"), ask(address="2001:db8::ffff:1"),    True),
    (WINDOW._replace(network="2001:db8::/64"), ask(address="2001:db8:0:1::1"),     False),
    (WINDOW._replace(network="127.0.0.1"),  ask(address="127.0.0.1"),              True),
    (WINDOW._replace(network="127.0.0.1"),  ask(address="127.0.0.2"),              False),
    # The program narrows where both sides name one: K-9 names itself after it signed in.
    (WINDOW,                                ask(program=""),                       True),
    (WINDOW,                                ask(program="Thunderbird 140.1.0esr"), True),
    (WINDOW,                                ask(program="thunderbird"),            True),
    (WINDOW,                                ask(program="Mutt 2.2"),               False),
    (NAMELESS,                              ask(program=""),                       True),
    (NAMELESS,                              ask(program="K-9 Mail 6.8"),           True),
    # Where a server tells no address, everybody would be in that network.
    (WINDOW._replace(network="unknown"),    ask(address=""),                       False),
    (WINDOW._replace(network="unknown"),    ask(address="no address"),             False),
]
# fmt: on


@pytest.mark.parametrize(("window", "attempt", "opens"), TABLE)
def test_what_a_window_opens(window: Window, attempt: Attempt, *, opens: bool) -> None:
    assert window_for(attempt, [window]) == (window if opens else None)
    facts = Facts(account(window), None, CALM, PasswordCheck.RIGHT)
    verdict = decide(attempt, facts, GRACE)
    if opens:
        assert verdict == Allow(7, ANNA, CredentialKind.ACCOUNT_PASSWORD, None, 3, window.id)
    else:
        assert verdict == Refuse(Reason.NOT_AN_APP_PASSWORD, 7)


@pytest.mark.parametrize("policy", [NO_GRACE, ALWAYS], ids=["no grace", "always"])
def test_only_where_the_policy_knows_it(policy: Policy) -> None:
    facts = Facts(account(WINDOW), None, CALM, PasswordCheck.RIGHT)
    assert decide(ask(), facts, policy) == Refuse(Reason.NOT_AN_APP_PASSWORD, 7)


MANY = CALM._replace(pair=1000)
# fmt: off
INSIDE = [
    # counters judge                  verdict
    (None,     None,                  Missing.COUNTERS),
    (MANY,     None,                  CannotTell(Why.THROTTLED, 7)),
    (CALM,     None,                  Missing.PASSWORD),
    (CALM,     PasswordCheck.WRONG,   Refuse(Reason.WRONG_PASSWORD, 7)),
    (CALM,     PasswordCheck.OUTAGE,  CannotTell(Why.OUTAGE, 7)),
    (CALM,     PasswordCheck.BUSY,    CannotTell(Why.BUSY, 7)),
    (CALM,     PasswordCheck.EXPIRED, Refuse(Reason.PASSWORD_EXPIRED, 7)),
]
# fmt: on


@pytest.mark.parametrize(("counters", "judge", "verdict"), INSIDE)
def test_a_window_spares_nothing_else(
    counters: Counters | None, judge: PasswordCheck | None, verdict: object
) -> None:
    assert decide(ask(), Facts(account(WINDOW), None, counters, judge), GRACE) == verdict


def test_a_disabled_account_stays_out() -> None:
    off = account(WINDOW)._replace(enabled=False)
    facts = Facts(off, None, CALM, PasswordCheck.RIGHT)
    assert decide(ask(), facts, GRACE) == Refuse(Reason.ACCOUNT_DISABLED, 7)


def test_an_app_password_is_an_app_password_inside_a_window_too() -> None:
    revoked = AppPasswordRecord(9, frozenset({"imap"}), revoked=True)
    facts = Facts(account(WINDOW), revoked, CALM, PasswordCheck.RIGHT)
    assert decide(ask(), facts, GRACE) == Refuse(Reason.APP_PASSWORD_REVOKED, 7, 9)


def test_the_first_window_that_matches_is_named() -> None:
    other = WINDOW._replace(id=6, protocol="pop3")
    facts = Facts(account(other, WINDOW), None, CALM, PasswordCheck.RIGHT)
    verdict = decide(ask(), facts, GRACE)
    assert isinstance(verdict, Allow)
    assert verdict.window_id == 5


DIRECTORY = GRACE._replace(directory=True)
HERE = Facts(account(WINDOW), None, CALM, None, Presence.HERE, ANNA, ANNA)


def test_with_a_directory_it_judges_inside_a_window_alone() -> None:
    assert decide(ask(), HERE, DIRECTORY) is Missing.PASSWORD
    right = HERE._replace(password=PasswordCheck.RIGHT)
    verdict = decide(ask(), right, DIRECTORY)
    assert verdict == Allow(7, ANNA, CredentialKind.ACCOUNT_PASSWORD, None, 3, 5)
    no = Refuse(Reason.NOT_AN_APP_PASSWORD, 7)
    assert decide(ask(protocol=Protocol.POP3), right, DIRECTORY) == no
    assert decide(ask(), right, DIRECTORY._replace(grace=False)) == no
    gone = right._replace(presence=Presence.GONE)
    assert decide(ask(), gone, DIRECTORY) == Refuse(Reason.GONE_FROM_DIRECTORY, 7)


WINDOWS = st.lists(
    st.builds(
        Window,
        id=st.integers(1, 9),
        protocol=st.sampled_from(Protocol),
        network=st.sampled_from(["192.0.2.0/24", "198.51.100.0/24", "unknown"]),
        program=st.sampled_from(["", "Thunderbird 128.0", "Mutt 2.2"]),
        until=st.integers(0, 10),
        ended=st.booleans(),
    ),
    max_size=4,
)
ATTEMPTS = st.builds(
    ask,
    protocol=st.sampled_from(Protocol),
    address=st.sampled_from(["192.0.2.1", "198.51.100.1", "203.0.113.1", ""]),
    program=st.sampled_from(["", "Thunderbird 140.0", "Mutt 2.2", "Outlook"]),
    arrived=st.integers(0, 10),
)
NETWORKS = {
    "192.0.2.1": "192.0.2.0/24",
    "198.51.100.1": "198.51.100.0/24",
    "203.0.113.1": "203.0.113.0/24",
}
POLICIES = st.builds(
    Policy,
    account_password=st.sampled_from(AccountPasswordMode),
    limits=st.just(Limits()),
    directory=st.booleans(),
    enforced=st.just(Enforced()),
    grace=st.booleans(),
)


@given(ATTEMPTS, WINDOWS, POLICIES, st.sampled_from(PasswordCheck))
def test_no_account_password_without_a_window_that_says_so(
    attempt: Attempt, windows: list[Window], policy: Policy, check: PasswordCheck
) -> None:
    facts = Facts(account(*windows), None, CALM, check, Presence.HERE, ANNA, ANNA)
    verdict = decide(attempt, facts, policy)
    fitting = [
        window.id
        for window in windows
        if window.protocol is attempt.protocol
        and window.network == NETWORKS.get(attempt.address)
        and attempt.arrived < window.until
        and not window.ended
    ]
    if isinstance(verdict, Allow):
        assert policy.grace
        assert policy.account_password is AccountPasswordMode.UNTIL_TWO_STEP
        assert check is PasswordCheck.RIGHT
        assert verdict.window_id in fitting
    if not fitting or not policy.grace:
        assert verdict == Refuse(Reason.NOT_AN_APP_PASSWORD, 7), "and is not even judged"


@given(ATTEMPTS, WINDOWS)
def test_with_two_step_off_windows_mean_nothing(attempt: Attempt, windows: list[Window]) -> None:
    plain = account(*windows)._replace(two_step=False)
    verdict = decide(attempt, Facts(plain, None, CALM, PasswordCheck.RIGHT), GRACE)
    assert verdict == Allow(7, ANNA, CredentialKind.ACCOUNT_PASSWORD, None, 3, None)


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("Thunderbird 128.0", "thunderbird"),
        ("Mac OS X Mail 16.0 (3774.300.61.1.2)", "mac os x mail"),
        ("iPhone Mail 20B82", "iphone mail"),
        ("K-9 Mail 6.8", "k-9 mail"),
        ("Mutt (2.2.9)", "mutt"),
        ("Evolution v3", "evolution"),
        ("Outlook", "outlook"),
        ("163.com", "163.com"),
        ("", ""),
    ],
)
def test_a_name_without_its_version(program: str, name: str) -> None:
    assert without_version(program) == name
