"""Who is told of a change: in which mailbox, how long after it, in which language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from life.held import HOUR, MINUTE
from life.house import ADDRESS, ELSEWHERE
from sidegate.accounts.context import Context
from sidegate.accounts.notices import Notice, unpacked
from sidegate.accounts.queue import payload_of
from sidegate.accounts.recovery_words import RIPE
from sidegate.events.catalogue import Kind
from sidegate.storage.jobs import Taken
from sidegate.storage.models import Job

AGAIN = 10 * MINUTE
_HERE = (ADDRESS,)
_BOTH = (ADDRESS, ELSEWHERE)
TOLD = {
    Kind.TWO_STEP_ON: _BOTH,
    Kind.TWO_STEP_OFF: _BOTH,
    Kind.SECOND_STEP_ADDED: _BOTH,
    Kind.SECOND_STEP_REMOVED: _BOTH,
    Kind.BACKUP_CODES_MADE: _BOTH,
    Kind.PASSWORD_CHANGED: _BOTH,
    Kind.RECOVERY_STOPPED: _BOTH,
    Kind.RECOVERY_FINISHED: _BOTH,
    Kind.BACKUP_CODE_USED: _HERE,
    Kind.PASSKEY_COPIED: _HERE,
    Kind.APP_PASSWORD_MADE: _HERE,
}
"""The mailboxes that are told of a change: what may shut her out goes elsewhere, too."""
_MOST_AN_HOUR = 5


class Message(NamedTuple):
    """One that must be on its way."""

    kind: str
    to: str
    after: int
    """Milliseconds from what it tells of until it is due."""


def notices_of(ctx: Context, jobs: Iterable[Job]) -> Iterator[tuple[Job, Notice]]:
    """What waits to be sent and was not called off."""
    for job in jobs:
        if job.payload is not None:
            sealed = bytes(job.payload)
            taken = Taken(job.pk, job.kind, job.account_id, job.subject, job.expires_at, 1, sealed)
            yield job, unpacked(payload_of(ctx, taken))


def wanted_about(kinds: Iterable[Kind]) -> Counter[Message]:
    """Each change in each mailbox at once, and again later; a recovery also when it is ripe."""
    wanted: Counter[Message] = Counter()
    for kind in kinds:
        began = kind is Kind.RECOVERY_BEGAN
        for to in _BOTH if began else TOLD[kind]:
            wanted.update([Message(kind, to, 0), Message(kind, to, AGAIN)])
            wanted.update([Message(RIPE, to, 48 * HOUR)] if began else [])
    return wanted


class Told:
    """What was told in the course of one history."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, str], list[int]] = {}

    def look(self, kinds: list[Kind], notices: list[tuple[Job, Notice]], *, waits: bool) -> None:
        """Whether these changes, and nothing else, were told; not a recovery that is over."""
        about = {*TOLD, *([Kind.RECOVERY_BEGAN, RIPE] if waits else [])}
        told: Counter[Message] = Counter()
        for job, notice in notices:
            if notice.kind in about:
                told[Message(notice.kind, notice.to, job.due_at - notice.at)] += 1
                assert notice.again is (job.due_at == notice.at + AGAIN)
                if not notice.again:
                    self._at.setdefault((notice.kind, notice.to), []).append(notice.at)
        wanted = wanted_about(kind for kind in kinds if kind in about)
        for message in {*told, *wanted}:
            few = told[message] < wanted[message] and self._many(message)
            assert few or told[message] == wanted[message], (
                f"{message} is on its way {told[message]} times, not {wanted[message]}"
            )

    def _many(self, message: Message) -> bool:
        """Of one kind five an hour are told in one mailbox."""
        at = self._at.get((message.kind, message.to), [])[-_MOST_AN_HOUR:]
        return len(at) == _MOST_AN_HOUR and at[-1] - at[0] < HOUR
