"""Waiting recoveries as they are stored: found, ended, forgotten."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from django.db.models import QuerySet

from sidegate.accounts import recovery_notices
from sidegate.accounts.context import Context
from sidegate.decisions import recovery as rules
from sidegate.decisions.recovery import Stage
from sidegate.storage.models import Account
from sidegate.storage.recovery_models import Recovery


class Outcome(StrEnum):
    """How one ended."""

    STOPPED = "stopped"
    FINISHED = "finished"
    OVER = "over"
    """Nobody finished it in time, or what it was for is gone: a new password, 2-step off."""


class Open(NamedTuple):
    """One that is under way."""

    rule: rules.Recovery
    stage: Stage
    program: str
    address: str
    """What it was begun with, and from where."""


def unended() -> QuerySet[Recovery]:
    """Those that nobody ended; their time may be over all the same."""
    return Recovery.objects.filter(ended_at=None)


def under_way(ctx: Context, *, account: Account) -> Open | None:
    """The account's, while it waits or can be finished."""
    row = unended().filter(account=account).first()
    if row is None:
        return None
    stage = rules.stage(rule_of(row), now=ctx.now())
    return None if stage is Stage.OVER else Open(rule_of(row), stage, row.program, row.address)


def retry_at(ctx: Context, *, account: Account) -> int | None:
    """From when on another can begin; `None` for at once."""
    past = [rule_of(row) for row in Recovery.objects.filter(account=account)]
    return rules.retry_at(past, password_version=account.password_version, now=ctx.now())


def end(ctx: Context, *, account: Account, outcome: Outcome = Outcome.OVER) -> bool:
    """End the account's, inside the caller's transaction; False where there is none.

    By default it has nothing to recover any more.
    """
    row = unended().filter(account=account).first()
    if row is None:
        return False
    ended = unended().filter(pk=row.pk).update(ended_at=ctx.now(), outcome=outcome)
    recovery_notices.call_off(ctx, row_id=row.pk)
    return bool(ended)


def forget_old(*, now: int) -> None:
    """Drop those that no rule asks for any more."""
    Recovery.objects.filter(ended_at__lte=now - rules.PAUSE).delete()
    unended().filter(began_at__lte=now - rules.WAIT - rules.OPEN_FOR).delete()


def rule_of(row: Recovery) -> rules.Recovery:
    """What the rules know of it."""
    stopped = row.outcome == Outcome.STOPPED
    return rules.Recovery(row.began_at, row.password_version, row.ended_at, stopped)
