"""Putting a job in the queue, from within the transaction that makes it needed."""

from __future__ import annotations

from django.db import transaction

from sidegate.accounts.context import Context
from sidegate.storage import jobs
from sidegate.storage.jobs import Taken
from sidegate.storage.sealed import seal, unseal


def add_job(
    ctx: Context,
    *,
    kind: str,
    account_id: int | None,
    payload: bytes,
    expires_at: int,
    subject: str = "",
    due_at: int | None = None,
) -> int:
    """Add a job whose payload is sealed; it is taken up once the transaction is committed.

    It is due at once, or at `due_at`, and given up at `expires_at`, in milliseconds since
    the epoch. Returns its id.
    """

    def sealed(bound_to: bytes) -> bytes:
        return seal(keys=ctx.keys, random=ctx.random, secret=payload, bound_to=bound_to)

    now = ctx.now()
    job_id = jobs.add(
        kind=kind,
        account_id=account_id,
        subject=subject,
        now=now,
        due_at=now if due_at is None else due_at,
        expires_at=expires_at,
        seal=sealed,
    )
    transaction.on_commit(ctx.bell.ring)
    return job_id


def payload_of(ctx: Context, job: Taken) -> bytes:
    """What was sealed. Raises `CannotUnseal`."""
    bound_to = jobs.bound_to(job_id=job.id, kind=job.kind, account_id=job.account_id)
    return unseal(keys=ctx.keys, sealed=job.payload, bound_to=bound_to)
