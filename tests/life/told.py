"""Who is told of a change: in which mailbox, how long after it, in which language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from life.held import HOUR, MINUTE
from life.house import ADDRESS
from sidegate.accounts.context import Context
from sidegate.accounts.notices import Notice, unpacked
from sidegate.accounts.queue import payload_of
from sidegate.accounts.recovery_words import RIPE
from sidegate.events.catalogue import Kind
from sidegate.storage.jobs import Taken
from sidegate.storage.models import Job

AGAIN = 10 * MINUTE
_ELSEWHERE_TOO = {
    Kind.TWO_STEP_ON, Kind.TWO_STEP_OFF, Kind.SECOND_STEP_ADDED, Kind.SECOND_STEP_REMOVED,
    Kind.PHONE_CHANGED, Kind.BACKUP_CODES_MADE, Kind.PASSWORD_CHANGED, Kind.RECOVERY_BEGAN,
    Kind.RECOVERY_STOPPED, Kind.RECOVERY_FINISHED,
    Kind.RECOVERY_ADDRESS_SET, Kind.RECOVERY_ADDRESS_REMOVED,
}  # fmt: skip
"""What may shut her out is told to her recovery address, too; a change of it to the former one."""
_HERE = {Kind.BACKUP_CODE_USED, Kind.PASSKEY_COPIED, Kind.APP_PASSWORD_MADE}
_NOW_AND_THEN = {
    Kind.APP_PASSWORD_CHANGED, Kind.PERSONAL_CHANGED, Kind.RECOVERY_ADDRESS_ASKED,
}  # fmt: skip
"""What says itself whom to tell."""
_TOLD = _ELSEWHERE_TOO | _HERE | _NOW_AND_THEN
_MOST_AN_HOUR = 5


class Change(NamedTuple):
    """One that was made: it leaves its event, and is told."""

    kind: Kind
    to: tuple[str, ...]
    """The mailboxes that are told of it."""


def mailboxes(kind: Kind, elsewhere: str) -> tuple[str, ...]:
    """Those that are told of a change, where that is the recovery address; empty for none."""
    if kind in _ELSEWHERE_TOO and elsewhere:
        return (ADDRESS, elsewhere)
    return (ADDRESS,) if kind in _ELSEWHERE_TOO | _HERE else ()


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


def wanted_about(changes: Iterable[Change]) -> Counter[Message]:
    """Each change in each mailbox at once, and again later; a recovery also when it is ripe.

    A code is sent once.
    """
    wanted: Counter[Message] = Counter()
    for kind, mailboxes_told in changes:
        for to in mailboxes_told:
            again = [] if kind is Kind.RECOVERY_ADDRESS_ASKED else [Message(kind, to, AGAIN)]
            wanted.update([Message(kind, to, 0), *again])
            wanted.update([Message(RIPE, to, 48 * HOUR)] if kind is Kind.RECOVERY_BEGAN else [])
    return wanted


class Told:
    """What was told in the course of one history."""

    def __init__(self) -> None:
        self._at: dict[tuple[str, str], list[int]] = {}

    def look(
        self, changes: list[Change], notices: list[tuple[Job, Notice]], *, waits: bool
    ) -> None:
        """Whether these changes, and nothing else, were told; not a recovery that is over."""
        about = {*_TOLD, RIPE} - (set() if waits else {Kind.RECOVERY_BEGAN, RIPE})
        told: Counter[Message] = Counter()
        for job, notice in notices:
            if notice.kind in about:
                told[Message(notice.kind, notice.to, job.due_at - notice.at)] += 1
                assert notice.again is (job.due_at == notice.at + AGAIN)
                if not notice.again:
                    self._at.setdefault((notice.kind, notice.to), []).append(notice.at)
        wanted = wanted_about(change for change in changes if change.kind in about)
        for message in {*told, *wanted}:
            few = told[message] < wanted[message] and self._many(message)
            assert few or told[message] == wanted[message], (
                f"{message} is on its way {told[message]} times, not {wanted[message]}"
            )

    def _many(self, message: Message) -> bool:
        """Of one kind five an hour are told in one mailbox."""
        at = self._at.get((message.kind, message.to), [])[-_MOST_AN_HOUR:]
        return len(at) == _MOST_AN_HOUR and at[-1] - at[0] < HOUR
