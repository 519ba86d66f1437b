"""`sidegate codes test`: one code, sent as a person's would be, and followed."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

from django.db import transaction

from sidegate.accounts import code_orders
from sidegate.accounts.code_orders import DELIVERED, SENT, UNSURE, Channel
from sidegate.accounts.context import Context, Origin
from sidegate.accounts.errors import BadNumber
from sidegate.accounts.job_runner import JobRunner
from sidegate.accounts.phone_numbers import normal_number
from sidegate.cli.errors import DONE, NOT_DONE, USAGE, Failure
from sidegate.cli.output import say
from sidegate.decisions.ports import Unavailable
from sidegate.factors import one_time_code
from sidegate.storage.background import Background
from sidegate.storage.jobs import WAITING
from sidegate.storage.models import Job
from sidegate.wire.times import rfc3339

T = TypeVar("T")

_KIND = "code-test"
"""Its own kind: a running Sidegate leaves it to this process, which shows what happens."""
_LOOK_SECONDS = 0.2
_RECEIPT_SECONDS = 60.0
"""How long a receipt is waited for, where the gateway gave a reference for it."""

_WORDS = {
    WAITING: "waiting",
    SENT: "sent: the gateway has taken it over",
    DELIVERED: "delivered",
    UNSURE: "not sure: handed over, and the gateway did not say whether it took it",
    code_orders.FAILED: "failed: not reachable",
    "expired": "given up: no gateway took it while the code was good",
}


class _Seen(NamedTuple):
    state: str
    why: str
    gateway: str
    reference: str
    tries: int


def test(ctx: Context, arguments: Namespace) -> int:
    """Send one code and follow it; the status is 0 where it was sent."""
    channel: Channel = "voice" if arguments.call else "sms"
    if channel not in ctx.config.channels:
        raise Failure(f"[codes] {channel} names no gateway", status=USAGE)
    try:
        number = normal_number(arguments.number, region=None)
    except BadNumber as bad:
        raise Failure(str(bad.text), status=USAGE) from None
    return asyncio.run(_Test(ctx, as_json=arguments.json).run(number, channel))


class _Test:
    def __init__(self, ctx: Context, *, as_json: bool) -> None:
        self._ctx = ctx
        self._as_json = as_json
        self._background = Background()
        self._seen: _Seen | None = None
        self._ended_at = 0.0

    async def run(self, number: str, channel: Channel) -> int:
        """Send and follow until nothing more is to be heard, or interrupted."""
        ctx, sending_room = self._ctx, import_module("sidegate.serve.sending")
        sending: Any = sending_room.code_sending(ctx, self._background, kind=_KIND)
        runner = JobRunner(
            handlers={_KIND: sending}, background=self._background, bell=ctx.bell, now=ctx.now
        )
        runner.start()
        try:
            job_id = await self._asked(lambda: _order(ctx, number, channel))
            await self._follow(job_id)
        finally:
            await runner.stop()
            await sending.close()
            await asyncio.to_thread(self._background.close)
        return DONE if self._seen and self._seen.state in (SENT, DELIVERED) else NOT_DONE

    async def _follow(self, job_id: int) -> None:
        waited = 0.0
        while True:
            seen = await self._asked(lambda: _look(job_id))
            if seen != self._seen:
                self._seen, waited = seen, 0.0
                self._tell(seen)
            more = seen.state == WAITING or (
                seen.state == SENT and seen.reference and waited < _RECEIPT_SECONDS
            )
            if not more:
                return
            await asyncio.sleep(_LOOK_SECONDS)
            waited += _LOOK_SECONDS

    async def _asked(self, work: Callable[[], T]) -> T:
        try:
            return await self._background.run(work)
        except Unavailable:
            raise Failure("the database is away") from None

    def _tell(self, seen: _Seen) -> None:
        at = rfc3339(self._ctx.now())
        if self._as_json:
            say(json.dumps({"at": at, **seen._asdict()}))
            return
        facts = [f"why={seen.why}" if seen.why else ""]
        facts += [f"gateway={seen.gateway}" if seen.gateway else ""]
        facts += [f"reference={seen.reference}" if seen.reference else ""]
        rest = "  ".join(fact for fact in facts if fact)
        say(f"{at}  {_WORDS.get(seen.state, seen.state)}  {rest}".rstrip())


def _order(ctx: Context, number: str, channel: Channel) -> int:
    with transaction.atomic():
        return code_orders.order(
            ctx,
            subject="",
            account_id=None,
            number=number,
            channel=channel,
            code=one_time_code.generate(random=ctx.random),
            language="en",
            expires_at=ctx.now() + one_time_code.LIFETIME,
            origin=Origin(by="operator", program="sidegate codes test"),
            kind=_KIND,
        )


def _look(job_id: int) -> _Seen:
    job = Job.objects.get(pk=job_id)
    return _Seen(job.state, job.why, job.by, job.reference, job.tries)
