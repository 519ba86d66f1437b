"""Sends the codes that were ordered, by the gateways in their order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from django.db import transaction

from sidegate.accounts.code_orders import (
    DELIVERED,
    FAILED,
    KIND,
    NOTICE,
    SENT,
    UNSURE,
    CodeOrder,
    Fault,
)
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.job_runner import Again, Pauses
from sidegate.accounts.queue import payload_of
from sidegate.decisions.ports import Unavailable
from sidegate.events.catalogue import Kind
from sidegate.factors import phone_number
from sidegate.senders.gateway import (
    Delivery,
    Gateway,
    MaybeSent,
    Message,
    NotNow,
    NotReachable,
)
from sidegate.storage import jobs, sends
from sidegate.storage.background import Background
from sidegate.storage.jobs import Ended, Taken
from sidegate.storage.sealed import CannotUnseal

log = logging.getLogger(__name__)

RECEIPT_PAUSES = (0.5, 2.0, 10.0, 30.0)
"""Seconds between looks for the message that a receipt is for: it may come before our mark."""

_REASONS = {
    UNSURE: Fault.NOT_SURE,
    FAILED: Fault.NOT_REACHABLE,
    jobs.EXPIRED: Fault.TOO_LATE,
}
_WHY_FAILED = {"failed": Fault.NOT_DELIVERED.value}
_GATEWAY = Origin(by="owner")
"""A receipt: nobody did anything."""

GatewaysFor = Callable[[Callable[[str, str, Delivery], None]], Mapping[str, Gateway]]
"""Makes the gateways, given where to tell of deliveries."""


class CodeSending:
    """Does the jobs of one kind; lives on one event loop."""

    pauses = Pauses(first=2000, most=30_000)

    def __init__(
        self, ctx: Context, *, gateways: GatewaysFor, background: Background, kind: str = KIND
    ) -> None:
        self.kind = kind
        self._ctx = ctx
        self._background = background
        self._gateways = gateways(self.receipt)
        self._receipts: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Close the gateways; receipts that are still looked up are let go."""
        for task in self._receipts:
            task.cancel()
        for gateway in self._gateways.values():
            await gateway.close()

    async def work(self, job: Taken) -> Ended | Again:
        """Try the gateways until one takes it over; never a second one that may have it."""
        try:
            ordered = CodeOrder.from_bytes(payload_of(self._ctx, job))
        except CannotUnseal:
            log.warning("code %d cannot be read: is a key missing from the keys folder?", job.id)
            return Ended(jobs.EXPIRED, "sealed")
        message = Message(
            id=f"{job.expires_at:x}-{job.id}",  # the same at each try
            number=ordered.number,
            channel=ordered.channel,
            code=ordered.code,
            text=ordered.text,
            language=ordered.language,
        )
        why = "away"
        for gateway in self._in_order(ordered):
            try:
                return await self._by(gateway, message)
            except NotNow as trouble:
                why = trouble.why
                self._troubled(gateway, why)
        return Again(why)

    def ended(self, job: Taken, ended: Ended) -> None:
        """Record what became of it."""
        if ended.state not in (SENT, UNSURE):
            sends.mark(job=job.id, outcome=sends.FAILED)
        if ended.state == jobs.CANCELLED or job.kind == NOTICE:
            return
        try:
            ordered = CodeOrder.from_bytes(payload_of(self._ctx, job))
        except CannotUnseal:
            return
        note(
            self._ctx,
            kind=Kind.CODE_SENT if ended.state in (SENT, UNSURE) else Kind.CODE_NOT_SENT,
            account_id=job.account_id,
            origin=ordered.origin,
            reason=_REASONS.get(ended.state, ""),
            channel=ordered.channel,
            number=phone_number.masked(ordered.number),
            gateway=ended.by,
        )

    def receipt(self, name: str, reference: str, delivery: Delivery) -> None:
        """Hear from a gateway what became of a message; on the event loop."""
        task = asyncio.ensure_future(self._received(name, reference, delivery))
        self._receipts.add(task)
        task.add_done_callback(self._receipts.discard)

    async def _by(self, gateway: Gateway, message: Message) -> Ended:
        """Hand it to one gateway. Raises `NotNow`: then it surely was not sent."""
        try:
            async with asyncio.timeout(gateway.patience):
                sent = await gateway.send(message)
        except NotNow:
            raise
        except NotReachable as trouble:
            return Ended(FAILED, trouble.why, gateway.name)
        except MaybeSent as trouble:
            return self._open(gateway, trouble.why)
        except TimeoutError:
            return self._open(gateway, "timeout")
        except asyncio.CancelledError:
            return self._open(gateway, "stopped")
        except Exception as problem:  # noqa: BLE001 - how far an unknown fault let it come, who knows
            # Its text is left out: it may hold the message.
            return self._open(gateway, type(problem).__name__[:32])
        self._ctx.gateway_troubles.works(gateway.name)
        # A gateway that answers with what it was given would have the code stored.
        reference = "" if message.code and message.code in sent.reference else sent.reference[:200]
        return Ended(SENT, by=gateway.name, reference=reference)

    def _in_order(self, ordered: CodeOrder) -> Sequence[Gateway]:
        """As configured, but those that did not work just now last."""
        codes = self._ctx.config.codes
        names = codes.sms if ordered.channel == "sms" else codes.voice
        avoided = {ordered.avoid, *self._ctx.gateway_troubles.avoided(now=self._ctx.now())}
        return [self._gateways[name] for name in sorted(names, key=avoided.__contains__)]

    def _open(self, gateway: Gateway, why: str) -> Ended:
        self._troubled(gateway, why)
        return Ended(UNSURE, why, gateway.name)

    def _troubled(self, gateway: Gateway, why: str) -> None:
        log.warning("gateway %s did not send a code: %s", gateway.name, why)
        self._ctx.gateway_troubles.failed(gateway.name, why, now=self._ctx.now())

    async def _received(self, name: str, reference: str, delivery: Delivery) -> None:
        for pause in RECEIPT_PAUSES:
            try:
                if await self._background.run(lambda: self._mark(name, reference, delivery)):
                    return
            except Unavailable:
                pass
            await asyncio.sleep(pause)
        log.debug("gateway %s: a receipt for a message that is not known", name)

    def _mark(self, name: str, reference: str, delivery: Delivery) -> bool:
        """Write what became of a message; False where no such one was sent."""
        state, why = FAILED, _WHY_FAILED.get(delivery, delivery)
        if delivery == "delivered":
            state, why = DELIVERED, ""
        with transaction.atomic():
            job = jobs.heard_of(by=name, reference=reference, was=SENT, state=state, why=why)
            if job is None:
                return False
            if state == FAILED and job.kind != NOTICE:
                sends.mark(job=job.pk, outcome=sends.FAILED)
                note(
                    self._ctx,
                    kind=Kind.CODE_NOT_SENT,
                    account_id=job.account_id,
                    origin=_GATEWAY,
                    reason=Fault.NOT_DELIVERED,
                    gateway=name,
                )
        return True
