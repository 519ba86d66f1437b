"""Telling of a waiting recovery: by mail at once, ten minutes later and when it is ripe; by SMS."""

from __future__ import annotations

from dataclasses import replace

from sidegate import texts
from sidegate.accounts import notices, phone_notices
from sidegate.accounts.context import Context, Origin
from sidegate.accounts.recovery_words import RIPE
from sidegate.decisions.recovery import Recovery
from sidegate.events.catalogue import Kind
from sidegate.storage import jobs
from sidegate.storage.models import Account


def tell_all(
    ctx: Context, *, account: Account, row_id: int, recovery: Recovery, link: str, origin: Origin
) -> None:
    """Tell every mailbox and phone of an account; inside the transaction that begins it.

    No limit of notices by mail holds here: another recovery begins only days later.
    """
    for to in dict.fromkeys((account.address, account.recovery_address)):
        if to:
            _tell_mailbox(ctx, account, row_id, recovery, to=to, link=link, origin=origin)
    text = texts.recovery_began
    phone_notices.tell_phones(ctx, account=account, text=text, origin=origin, link=link)


def call_off(ctx: Context, *, row_id: int) -> None:
    """Send nothing more about it: it is over."""
    jobs.cancel(subject=_subject(row_id), now=ctx.now())


def _tell_mailbox(
    ctx: Context,
    account: Account,
    row_id: int,
    recovery: Recovery,
    *,
    to: str,
    link: str,
    origin: Origin,
) -> None:
    first = notices.about_recovery(
        ctx,
        account=account,
        kind=Kind.RECOVERY_BEGAN,
        to=to,
        origin=origin,
        link=link,
        ripe_at=recovery.ripe_at,
        until=recovery.until,
    )
    subject = _subject(row_id)
    for notice, due_at in (
        (first, first.at),
        (replace(first, again=True), first.at + notices.AGAIN_AFTER),
        (replace(first, kind=RIPE), recovery.ripe_at),
    ):
        own = replace(notice, message_id=notices.message_id(ctx))
        notices.send(ctx, account=account, notice=own, subject=subject, due_at=due_at)


def _subject(row_id: int) -> str:
    return f"recovery:{row_id}"
