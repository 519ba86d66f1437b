"""Text messages to phones that tell of a change; never a code, never a call.

They cost money and wake people up, so they tell of the gravest alone: what lets somebody in
without the second step, or keeps the owner out. They go by the gateways of codes, count for
the installation's limits and its price, and take no code from whoever signs in.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from django.utils.translation import get_language

from sidegate.accounts import code_limits
from sidegate.accounts.code_orders import NOTICE, CodeOrder
from sidegate.accounts.context import Context, Origin
from sidegate.accounts.phone_numbers import phones
from sidegate.accounts.queue import add_job
from sidegate.decisions.throttle import DAY
from sidegate.storage import jobs, sends
from sidegate.storage.models import Account, Phone
from sidegate.wire import sms

NEW_FOR = 600_000
"""Milliseconds for which a phone that was added is not told: it may be a thief's."""


class Text(Protocol):
    """What is told: of `texts`. It fits one SMS."""

    __name__: str

    def __call__(self, language: str, *, name: str) -> str:
        """Say it, for the service of that name."""


def tell_phones(ctx: Context, *, account: Account, text: Text, origin: Origin) -> None:
    """Tell every phone of the account but new ones; within the change's transaction."""
    since = ctx.now() - NEW_FOR
    told = [phone for phone in phones(account) if phone.added_at <= since]
    tell(ctx, account=account, told=told, text=text, origin=origin)


def tell(
    ctx: Context, *, account: Account, told: Collection[Phone], text: Text, origin: Origin
) -> None:
    """Tell these phones, as far as the limits allow; within the change's transaction."""
    if "sms" not in ctx.config.channels:
        return
    language = account.language or get_language() or "en"
    said = sms.fitted(text(language, name=ctx.config.server.name))
    for phone in told:
        send = code_limits.notice_allowed(ctx, account=account, number=phone.number, origin=origin)
        if send is None:
            continue
        subject = f"phone:{phone.pk}:{text.__name__}"
        jobs.cancel(subject=subject, now=ctx.now())  # of the same change, told once
        job = add_job(
            ctx,
            kind=NOTICE,
            account_id=account.pk,
            payload=CodeOrder(
                number=phone.number,
                channel="sms",
                code="",
                text=said,
                language=language,
                by=origin.by,
                address=origin.address,
                program=origin.program,
            ).to_bytes(),
            expires_at=ctx.now() + DAY,
            subject=subject,
        )
        sends.add(send, job=job, now=ctx.now(), outcome=sends.TOLD)
