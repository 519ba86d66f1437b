"""When a refused password is looked at once more: every row of the rule, and its properties."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.decisions.mail import AccountRecord, Facts
from sidegate.decisions.right_but_refused import (
    CHECKS_AN_HOUR,
    MESSAGE_EVERY,
    Looked,
    Step,
    may_matter,
    message_is_due,
    next_step,
)
from sidegate.decisions.throttle import Counters
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

ATTEMPT = Attempt(
    login="anna@example.test",
    secret="correct horse battery staple",
    protocol=Protocol.IMAP,
    address="192.0.2.7",
    program="",
    tls=True,
    session="",
    authzid="",
    arrived=0,
)
ANNA = AccountRecord(1, "anna@example.test", True, True, "hash", 1)  # noqa: FBT003 - a record
FAMILIAR = Counters(pair=1, login=0, network=1, familiar=True)
FACTS = Facts(ANNA, None, FAMILIAR)
REFUSED = Refuse(Reason.NOT_AN_APP_PASSWORD, 1)
OWN: dict[str, Any] = {"directory": False, "ask_directory": False}


def changed(**account: Any) -> Facts:  # noqa: ANN401 - columns of the record
    return FACTS._replace(account=ANNA._replace(**account))


@pytest.mark.parametrize(
    ("case", "attempt", "facts", "verdict", "told", "may"),
    [
        ("the one case", ATTEMPT, FACTS, REFUSED, OWN, True),
        (
            "an unfamiliar network",
            ATTEMPT,
            FACTS._replace(counters=FAMILIAR._replace(familiar=False)),
            REFUSED,
            OWN,
            False,
        ),
        ("not counted", ATTEMPT, FACTS._replace(counters=None), REFUSED, OWN, False),
        ("an app password's shape", ATTEMPT._replace(secret="a" * 16), FACTS, REFUSED, OWN, False),
        (
            "one as people type it",
            ATTEMPT._replace(secret=" ABCD abcd abcd abcd"),
            FACTS,
            REFUSED,
            OWN,
            False,
        ),
        ("no secret", ATTEMPT._replace(secret=""), FACTS, REFUSED, OWN, False),
        ("2-step off", ATTEMPT, changed(two_step=False), REFUSED, OWN, False),
        ("a disabled account", ATTEMPT, changed(enabled=False), REFUSED, OWN, False),
        ("no account", ATTEMPT, FACTS._replace(account=None), REFUSED, OWN, False),
        ("judged wrong", ATTEMPT, FACTS, Refuse(Reason.WRONG_PASSWORD, 1), OWN, False),
        ("for another's mail", ATTEMPT, FACTS, Refuse(Reason.NOT_A_MASTER, 1), OWN, False),
        ("throttled", ATTEMPT, FACTS, CannotTell(Why.THROTTLED, 1), OWN, False),
        ("an outage", ATTEMPT, FACTS, CannotTell(Why.OUTAGE, 1), OWN, False),
        (
            "let in",
            ATTEMPT,
            FACTS,
            Allow(1, "anna@example.test", CredentialKind.ACCOUNT_PASSWORD, None),
            OWN,
            False,
        ),
        (
            "a directory that was not released",
            ATTEMPT,
            FACTS,
            REFUSED,
            {"directory": True, "ask_directory": False},
            False,
        ),
        (
            "a directory that was",
            ATTEMPT,
            FACTS,
            REFUSED,
            {"directory": True, "ask_directory": True},
            True,
        ),
    ],
)
def test_the_one_case_and_all_that_lack_something(
    *, case: str, attempt: Attempt, facts: Facts, verdict: Verdict, told: dict[str, bool], may: bool
) -> None:
    assert may_matter(attempt, facts, verdict, **told) is may, case


@pytest.mark.parametrize(
    ("looked", "step"),
    [
        (Looked(checks=0, before=False, right=False), Step.JUDGE),
        (Looked(checks=2, before=False, right=False), Step.JUDGE),
        (Looked(checks=3, before=False, right=False), Step.NOTHING),
        (Looked(checks=1, before=True, right=False), Step.NOTHING),
        (Looked(checks=1, before=True, right=True), Step.FORGIVE),
        (Looked(checks=3, before=True, right=True), Step.FORGIVE),
    ],
)
def test_each_secret_once_and_three_an_hour(looked: Looked, step: Step) -> None:
    assert next_step(looked) is step


@given(st.lists(st.sampled_from("abcdef")))
def test_however_many_come_few_are_judged(tries: list[str]) -> None:
    right, judged = "c", list[str]()
    for secret in tries:
        looked = Looked(len(judged), secret in judged, secret in judged and secret == right)
        step = next_step(looked)
        if step is Step.JUDGE:
            judged.append(secret)
        assert (step is Step.FORGIVE) <= (right in judged)
    assert len(judged) == len(set(judged)) <= CHECKS_AN_HOUR


@given(
    familiar=st.booleans(),
    two_step=st.booleans(),
    reason=st.sampled_from(list(Reason)),
    secret=st.text(),
)
def test_nothing_elsewhere_is_ever_judged(
    *, familiar: bool, two_step: bool, reason: Reason, secret: str
) -> None:
    facts = changed(two_step=two_step)._replace(counters=FAMILIAR._replace(familiar=familiar))
    attempt = ATTEMPT._replace(secret=secret)
    may = may_matter(attempt, facts, Refuse(reason, 1), **OWN)
    assert may <= (familiar and two_step and reason is Reason.NOT_AN_APP_PASSWORD)


def test_one_message_a_day() -> None:
    assert message_is_due(last_at=None, now=0)
    assert not message_is_due(last_at=5, now=4 + MESSAGE_EVERY)
    assert message_is_due(last_at=5, now=5 + MESSAGE_EVERY)
