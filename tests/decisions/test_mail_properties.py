"""The rules that always hold, for whatever is asked and known."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

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
from sidegate.decisions.networks import holds, parse
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
    Verdict,
    Why,
)

LOGINS = st.sampled_from(["anna@example.test", "Anna@Example.Test", "berta@example.test", "x", ""])
ATTEMPTS = st.builds(
    Attempt,
    login=LOGINS,
    secret=st.text(max_size=5),
    protocol=st.sampled_from(Protocol),
    address=st.sampled_from(["192.0.2.1", "198.51.100.7", "2001:db8::1", ""]),
    program=st.just(""),
    tls=st.booleans(),
    session=st.just(""),
    authzid=LOGINS,
    arrived=st.integers(0, 2**40),
    service=st.just(""),
)
ACCOUNTS = st.builds(
    AccountRecord,
    id=st.integers(1, 5),
    address=st.just("anna@example.test"),
    enabled=st.booleans(),
    two_step=st.booleans(),
    password_hash=st.just("$hash"),
    password_version=st.integers(1, 3),
    windows=st.just(()),
)
APP_PASSWORDS = st.builds(
    AppPasswordRecord,
    id=st.integers(1, 5),
    scopes=st.frozensets(st.sampled_from(["imap", "pop3", "submission", "sieve"])),
    revoked=st.booleans(),
    paused=st.booleans(),
    expires_at=st.none() | st.integers(0, 2**40),
    networks=st.sampled_from([(), parse("192.0.2.0/24"), parse("2001:db8::/32 198.51.100.7")]),
)
COUNTERS = st.builds(
    Counters,
    pair=st.integers(0, 60),
    login=st.integers(0, 200),
    network=st.integers(0, 400),
    familiar=st.booleans(),
)
POLICIES = st.builds(
    Policy,
    account_password=st.sampled_from(AccountPasswordMode),
    limits=st.just(Limits()),
    directory=st.just(False),  # noqa: FBT003 - hypothesis takes values so
    enforced=st.just(Enforced()),
    grace=st.booleans(),
)
FACTS = st.builds(
    Facts,
    account=st.none() | ACCOUNTS,
    app_password=st.none() | APP_PASSWORDS,
    counters=st.none() | COUNTERS,
    password=st.none() | st.sampled_from(PasswordCheck),
    presence=st.none(),
    name=st.just(""),
    answered=st.just(""),
    followed=st.just(0),
    master=st.just(""),
)
CALM = Counters(pair=0, login=0, network=0, familiar=False)


@dataclasses.dataclass
class World:
    """Gives the facts that a decision asks for, and notes which it was."""

    counters: Counters
    password: PasswordCheck
    asked: list[Missing] = dataclasses.field(default_factory=list)

    def settle(self, attempt: Attempt, facts: Facts, policy: Policy) -> Verdict:
        while isinstance(verdict := decide(attempt, facts, policy), Missing):
            assert verdict not in self.asked, "the same fact asked for twice"
            self.asked.append(verdict)
            if verdict is Missing.COUNTERS:
                facts = facts._replace(counters=self.counters)
            else:
                facts = facts._replace(password=self.password)
        return verdict


@given(ATTEMPTS, FACTS, POLICIES)
def test_with_two_step_on_no_account_password_opens_anything(
    attempt: Attempt, facts: Facts, policy: Policy
) -> None:
    verdict = decide(attempt, facts, policy)
    by_password = isinstance(verdict, Allow) and (
        verdict.credential is CredentialKind.ACCOUNT_PASSWORD
    )
    if by_password:
        assert facts.account is not None
        assert not facts.account.two_step
        assert policy.account_password is AccountPasswordMode.UNTIL_TWO_STEP
        assert facts.password is PasswordCheck.RIGHT
    if facts.account is not None and facts.account.two_step:
        assert verdict is not Missing.PASSWORD, "a secret is not judged for nothing"


@given(ATTEMPTS, FACTS, POLICIES)
def test_nothing_is_allowed_but_what_should_be(
    attempt: Attempt, facts: Facts, policy: Policy
) -> None:
    verdict = decide(attempt, facts, policy)
    if not isinstance(verdict, Allow):
        return
    account = facts.account
    assert account is not None
    assert account.enabled
    assert (verdict.account_id, verdict.account) == (account.id, account.address)
    if verdict.credential is CredentialKind.APP_PASSWORD:
        record = facts.app_password
        assert record is not None
        assert not record.revoked
        assert not record.paused
        assert record.expires_at is None or attempt.arrived < record.expires_at
        assert not record.networks or holds(record.networks, attempt.address)
        assert attempt.protocol in record.scopes
        assert verdict.app_password_id == record.id
    else:
        assert facts.app_password is None
        assert verdict.password_version == account.password_version


@given(ATTEMPTS, FACTS, POLICIES)
def test_a_right_app_password_always_gets_in(
    attempt: Attempt, facts: Facts, policy: Policy
) -> None:
    if facts.account is None or facts.app_password is None:
        return
    account = facts.account._replace(enabled=True, two_step=True)
    record = AppPasswordRecord(4, frozenset({attempt.protocol.value}), revoked=False)
    facts = facts._replace(account=account, app_password=record)
    verdict = decide(attempt._replace(authzid=""), facts, policy)
    assert verdict == Allow(account.id, account.address, CredentialKind.APP_PASSWORD, 4)


@given(ATTEMPTS, FACTS, POLICIES, st.sampled_from([PasswordCheck.BUSY, PasswordCheck.OUTAGE]))
def test_what_could_not_be_judged_is_never_a_wrong_password(
    attempt: Attempt, facts: Facts, policy: Policy, check: PasswordCheck
) -> None:
    facts = facts._replace(password=check)
    verdict = decide(attempt, facts, policy)
    if isinstance(verdict, Refuse):
        # Refused for something that needs no judge.
        assert decide(attempt, facts._replace(password=None), policy) == verdict
        assert verdict.reason is not Reason.WRONG_PASSWORD
    if isinstance(verdict, CannotTell) and verdict.why is not Why.THROTTLED:
        assert verdict.why.value == check.value


@given(ATTEMPTS, ACCOUNTS, COUNTERS, POLICIES)
def test_unknown_and_known_ask_for_the_same_facts_in_the_same_order(
    attempt: Attempt, account: AccountRecord, counters: Counters, policy: Policy
) -> None:
    known_one, unknown_one = (
        World(counters._replace(familiar=False), PasswordCheck.WRONG) for _ in range(2)
    )
    # The one difference that the design states: 2-step spares the hash.
    account = account._replace(two_step=False)
    known = known_one.settle(attempt, Facts(account, None), policy)
    unknown = unknown_one.settle(attempt, Facts(None, None), policy)
    assert known_one.asked == unknown_one.asked
    assert type(known) is type(unknown)
    if isinstance(known, CannotTell) and isinstance(unknown, CannotTell):
        assert known.why is unknown.why


@given(ATTEMPTS, FACTS, POLICIES, COUNTERS, st.sampled_from(PasswordCheck))
def test_every_attempt_ends_in_a_verdict(
    attempt: Attempt, facts: Facts, policy: Policy, counters: Counters, check: PasswordCheck
) -> None:
    facts = facts._replace(counters=None, password=None)
    verdict = World(counters, check).settle(attempt, facts, policy)
    assert isinstance(verdict, (Allow, Refuse, CannotTell))
    known = facts.account.id if facts.account else None
    assert verdict.account_id == known


@given(ATTEMPTS, FACTS, POLICIES)
def test_disabled_is_said_behind_a_right_secret_alone(
    attempt: Attempt, facts: Facts, policy: Policy
) -> None:
    verdict = decide(attempt, facts, policy)
    if isinstance(verdict, Refuse) and verdict.reason is Reason.ACCOUNT_DISABLED:
        right = {PasswordCheck.RIGHT, PasswordCheck.DISABLED}
        assert facts.app_password is not None or facts.password in right


@given(ATTEMPTS, FACTS, POLICIES)
def test_always_app_password_means_always(attempt: Attempt, facts: Facts, policy: Policy) -> None:
    policy = policy._replace(account_password=AccountPasswordMode.ALWAYS_APP_PASSWORD)
    verdict = World(CALM, PasswordCheck.RIGHT).settle(
        attempt, facts._replace(counters=None, password=None), policy
    )
    if isinstance(verdict, Allow):
        assert verdict.credential is CredentialKind.APP_PASSWORD
