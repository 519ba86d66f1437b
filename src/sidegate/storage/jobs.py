"""Jobs: what has to be done after a change was committed, and survives a crash.

A job waits until somebody takes it, for `LEASE` milliseconds at a time; who dies with
it, loses it to the next one. Whoever ends it wipes its payload. Every step is a
conditional UPDATE, so it does not matter how many replicas there are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from django.db.models import F, QuerySet

from sidegate.storage.models import Job

WAITING = "waiting"
CANCELLED = "cancelled"
EXPIRED = "expired"

LEASE = 10_000
"""Milliseconds for which a job stays with whoever took it, unless it is renewed.

The clocks of replicas must be nearer to each other than this.
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A job in the hands of this process."""

    id: int
    kind: str
    account_id: int | None
    subject: str
    expires_at: int
    tries: int
    """How often it was taken, this time included: tells this taking from another."""
    payload: bytes = field(repr=False)
    """Sealed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended; its payload goes."""

    state: str
    """A word of the job's kind, such as "sent" or "failed"."""
    why: str = ""
    by: str = ""
    """Who did it, such as the name of a gateway."""
    reference: str = ""
    """What that one calls it."""


def add(
    *,
    kind: str,
    account_id: int | None,
    subject: str,
    now: int,
    due_at: int,
    expires_at: int,
    seal: Callable[[bytes], bytes],
) -> int:
    """Write a job, due from a time on, inside the caller's transaction; returns its id.

    `seal` makes the payload, given what it has to be bound to.
    """
    job = Job.objects.create(
        kind=kind,
        account_id=account_id,
        subject=subject,
        state=WAITING,
        made_at=now,
        due_at=due_at,
        expires_at=expires_at,
    )
    payload = seal(bound_to(job_id=job.pk, kind=kind, account_id=account_id))
    Job.objects.filter(pk=job.pk).update(payload=payload)
    return job.pk


def bound_to(*, job_id: int, kind: str, account_id: int | None) -> bytes:
    """Where a job's payload opens, and nowhere else."""
    return f"job:{job_id}:{kind}:{account_id or ''}".encode()


def take(*, kinds: Collection[str], most: int, now: int, patience: int = 0) -> list[Taken]:
    """Take jobs that are due, the longest due first; expired ones too, to be ended.

    One that somebody else took is free `patience` milliseconds after the lease was over.
    """
    lapsed_by = now - patience
    due = Job.objects.filter(
        state=WAITING, kind__in=kinds, due_at__lte=now, taken_until__lte=lapsed_by
    ).order_by("due_at", "id")[:most]
    return [_taken(job) for job in due if _take(job, now, lapsed_by)]


def _take(job: Job, now: int, lapsed_by: int) -> bool:
    free = Job.objects.filter(
        pk=job.pk,
        state=WAITING,
        tries=job.tries,
        taken_until__lte=lapsed_by,
        payload__isnull=False,
    )
    return bool(free.update(taken_until=now + LEASE, tries=F("tries") + 1))


def _taken(job: Job) -> Taken:
    return Taken(
        id=job.pk,
        kind=job.kind,
        account_id=job.account_id,
        subject=job.subject,
        expires_at=job.expires_at,
        tries=job.tries + 1,
        payload=bytes(job.payload or b""),
    )


def renew(job: Taken, *, now: int) -> bool:
    """Keep it for another `LEASE`; False where it is no longer ours."""
    return bool(_ours(job).update(taken_until=now + LEASE))


def put_back(job: Taken, *, due_at: int, why: str) -> bool:
    """Let it be taken again from `due_at` on; False where it is no longer ours."""
    return bool(_ours(job).update(taken_until=0, due_at=due_at, why=why))


def end(job: Taken, ended: Ended, *, now: int) -> bool:
    """End it and wipe its payload; False where it had ended before.

    Even where another took it meanwhile: what was done is done.
    """
    return bool(_end(job.id, ended, now))


def added_since(*, subject: str, since: int) -> int:
    """How many were added for a subject after a time, ended ones too."""
    return Job.objects.filter(subject=subject, made_at__gt=since).count()


def cancel(*, subject: str, now: int) -> int:
    """End all that still wait for a subject and nobody has taken; returns how many."""
    untaken = Job.objects.filter(subject=subject, state=WAITING, taken_until__lte=now)
    return untaken.update(state=CANCELLED, finished_at=now, payload=None)


def heard_of(*, by: str, reference: str, was: str, state: str, why: str) -> Job | None:
    """Change the state of one that has ended as `was`; `None` where there is none."""
    ended = Job.objects.filter(by=by, reference=reference, state=was).order_by("-id").first()
    if ended is None or not Job.objects.filter(pk=ended.pk, state=was).update(state=state, why=why):
        return None
    return ended


def forget_old(*, before: int) -> None:
    """Drop what could last be done before then."""
    Job.objects.filter(expires_at__lt=before).delete()


def _ours(job: Taken) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.id, state=WAITING, tries=job.tries)


def _end(job_id: int, ended: Ended, now: int) -> int:
    return Job.objects.filter(pk=job_id, state=WAITING).update(
        state=ended.state,
        why=ended.why,
        by=ended.by,
        reference=ended.reference,
        finished_at=now,
        taken_until=0,
        payload=None,
    )
