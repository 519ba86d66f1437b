"""The waiting recovery: when somebody without any second step gets 2-step turned off.

It begins with a first proof (the account password, or a link to the recovery address), waits
48 hours, in which everybody concerned is told and may stop it, and can be finished for 7 days,
with a first proof again. NIST SP 800-63B-4, 4.2, wants the owner told of every recovery; the
wait is ours: it is what stands in the place of the second step.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from sidegate.decisions.throttle import DAY, HOUR

WAIT = 48 * HOUR
"""Milliseconds between its beginning and the first moment at which it can be finished."""
OPEN_FOR = 7 * DAY
"""The same for which it can be finished then."""
PAUSE = 7 * DAY
"""The same after one was stopped, in which the same password begins no other."""


class Stage(StrEnum):
    """How far one is."""

    WAITING = "waiting"
    RIPE = "ripe"
    """It can be finished."""
    OVER = "over"


class Recovery(NamedTuple):
    """One of an account; times in milliseconds since the epoch."""

    began_at: int
    password_version: int
    """Of the account password at that time: with another one it is over."""
    ended_at: int | None = None
    stopped: bool = False
    """It was ended by somebody to whom it was told."""

    @property
    def ripe_at(self) -> int:
        """From when on it can be finished."""
        return self.began_at + WAIT

    @property
    def until(self) -> int:
        """From when on it cannot be finished any more."""
        return self.ripe_at + OPEN_FOR


class Proof(NamedTuple):
    """What somebody shows who wants to finish one."""

    password_version: int
    """Of the password that she gave, or that held when she used the link."""
    same_browser: bool
    """It is the browser that began it."""
    by_mail: bool
    """The first proof was a link to the recovery address."""


def stage(recovery: Recovery, *, now: int) -> Stage:
    """How far it is now."""
    if recovery.ended_at is not None or now >= recovery.until:
        return Stage.OVER
    return Stage.RIPE if now >= recovery.ripe_at else Stage.WAITING


def may_finish(recovery: Recovery, proof: Proof, *, now: int) -> bool:
    """Whether it stands for the second step now.

    Whoever knows only the password finishes none that somebody else began.
    """
    return (
        stage(recovery, now=now) is Stage.RIPE
        and proof.password_version == recovery.password_version
        and (proof.same_browser or proof.by_mail)
    )


def retry_at(past: Sequence[Recovery], *, password_version: int, now: int) -> int | None:
    """From when on another one can begin; `None` for at once.

    One at a time. After one was stopped there is a pause, so that a thief who knows the
    password cannot begin one after the other until nobody looks any more; a new password,
    which he does not know, ends it.
    """
    waits = [one.until for one in past if stage(one, now=now) is not Stage.OVER]
    for one in past:
        same = one.stopped and one.password_version == password_version
        if same and one.ended_at is not None and one.ended_at + PAUSE > now:
            waits.append(one.ended_at + PAUSE)
    return max(waits, default=None)
