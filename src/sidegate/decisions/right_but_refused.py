"""Whether a refused password is looked at once more, after the reply, to tell its owner.

With 2-step on, the account password is not judged for mail. A program that goes on with it
is not mended by a refusal that nobody reads, so its owner is told; nobody else may learn it.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from sidegate.decisions.mail import Facts
from sidegate.decisions.throttle import DAY
from sidegate.decisions.words import Attempt, Reason, Refuse, Verdict
from sidegate.factors import app_password

CHECKS_AN_HOUR = 3
"""Secrets of one account that are judged within 60 minutes, on all replicas together."""

MESSAGE_EVERY = DAY
"""Milliseconds between two messages to one owner."""


class Looked(NamedTuple):
    """What was done before, for this account."""

    checks: int
    """Secrets judged within the last hour."""
    before: bool
    """This secret was judged within the last 24 hours."""
    right: bool
    """And was right."""


class Step(Enum):
    """What to do with a refused password."""

    JUDGE = "judge"
    FORGIVE = "forgive"
    """It is known to be right: it counts as no attack from this network either."""
    NOTHING = "nothing"


def may_matter(
    attempt: Attempt, facts: Facts, verdict: Verdict, *, directory: bool, ask_directory: bool
) -> bool:
    """Whether a refused secret may be an owner's own account password.

    Only from a network from which she signed in lately: whoever guesses elsewhere gets no
    judge, and no hash, by it. A directory may count what it is asked: its operator decides.
    """
    return (
        isinstance(verdict, Refuse)
        and verdict.reason is Reason.NOT_AN_APP_PASSWORD
        and facts.account is not None
        and facts.account.enabled
        and facts.account.two_step
        and facts.counters is not None
        and facts.counters.familiar
        and app_password.normalise(attempt.secret) is None
        and bool(attempt.secret)
        and (ask_directory or not directory)
    )


def next_step(looked: Looked) -> Step:
    """Each secret is judged once, and few of them an hour."""
    if looked.right:
        return Step.FORGIVE
    if looked.before or looked.checks >= CHECKS_AN_HOUR:
        return Step.NOTHING
    return Step.JUDGE


def message_is_due(*, last_at: int | None, now: int) -> bool:
    """Whether she may be written to again."""
    return last_at is None or now - last_at >= MESSAGE_EVERY
