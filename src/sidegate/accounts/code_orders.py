"""A code that is to be sent: what the job carries, how it stands, and calling it off."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Literal

from sidegate import texts
from sidegate.accounts.context import Context, Origin
from sidegate.accounts.queue import add_job
from sidegate.storage import jobs, sends
from sidegate.storage.models import Job
from sidegate.wire import sms

Channel = Literal["sms", "voice"]

KIND = "code"
NOTICE = "phone-notice"
"""A text message that carries no code (`phone_notices`): no event tells of it."""
SENT = "sent"
DELIVERED = "delivered"
FAILED = "failed"
UNSURE = "unsure"
"""Handed over, and nobody knows whether it was taken over."""

NOT_SENT = frozenset({FAILED, jobs.EXPIRED})
"""Another code may be asked for at once."""


class Fault(StrEnum):
    """Why a code did not surely arrive: the reason of its event."""

    NOT_SURE = "code-not-sure"
    NOT_REACHABLE = "number-not-reachable"
    TOO_LATE = "gateways-away"
    NOT_DELIVERED = "not-delivered"


@dataclass(frozen=True, slots=True)
class CodeOrder:
    """What has to be sent where, and for whom."""

    number: str
    channel: Channel
    code: str = field(repr=False)
    text: str = field(repr=False)
    language: str
    by: Literal["owner", "operator"]
    address: str
    program: str
    avoid: str = ""
    """A gateway that left it open whether the last code went out."""

    @property
    def origin(self) -> Origin:
        """Who asked for it."""
        return Origin(by=self.by, address=self.address, program=self.program)

    def to_bytes(self) -> bytes:
        """What is sealed."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, payload: bytes) -> CodeOrder:
        """What was sealed."""
        return cls(**json.loads(payload))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a send stands."""

    state: str
    why: str = ""
    at: int = 0
    """When it ended; milliseconds since the epoch."""
    has_receipts: bool = False
    """More may be heard of it."""


def order(
    ctx: Context,
    *,
    subject: str,
    account_id: int | None,
    number: str,
    channel: Channel,
    code: str,
    language: str,
    expires_at: int,
    origin: Origin,
    kind: str = KIND,
) -> int:
    """Have a code sent, once the caller's transaction is committed; returns the job's id.

    What was ordered before for the same subject, and is not being sent, no longer is.
    """
    avoid = ""
    if subject:
        avoid = _left_open_by(subject)
        jobs.cancel(subject=subject, now=ctx.now())
    service = ctx.config.server.name
    if channel == "sms":
        host = ctx.config.portal_host
        text = sms.fitted(texts.code_message(language, name=service, code=code, host=host))
    else:
        text = texts.spoken_code(language, name=service, code=code)
    ordered = CodeOrder(
        number=number,
        channel=channel,
        code=code,
        text=text,
        language=language,
        by=origin.by,
        address=origin.address,
        program=origin.program,
        avoid=avoid,
    )
    return add_job(
        ctx,
        kind=kind,
        account_id=account_id,
        payload=ordered.to_bytes(),
        expires_at=expires_at,
        subject=subject,
    )


def standing(subject: str) -> Standing | None:
    """How the newest send for a subject stands; `None` where there was none."""
    job = _newest(subject)
    if job is None:
        return None
    return Standing(job.state, job.why, job.finished_at or 0, bool(job.reference))


def used(subject: str) -> None:
    """The code that was sent last for a subject was the right one."""
    job = _newest(subject)
    if job is not None:
        sends.mark(job=job.pk, outcome=sends.USED)


def _newest(subject: str) -> Job | None:
    return Job.objects.filter(subject=subject).order_by("-id").first()


def _left_open_by(subject: str) -> str:
    last = _newest(subject)
    return last.by if last is not None and last.state == UNSURE else ""
