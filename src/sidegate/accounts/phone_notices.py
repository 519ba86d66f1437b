"""Text messages to phones that tell of a change; never a code, never a call.

They cost money and wake people up, so they tell of the gravest alone: what lets somebody in
who was kept out before, or keeps the owner out. A thief who reads the mailbox deletes what is
told there, so they hold a link that locks; not those about phones, which reach a phone that
its owner has just given up. They go by the gateways of codes, count for the installation's
limits and its price, and take no code from whoever signs in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

from sidegate.accounts import code_limits, languages, lock_links
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


class Linked(Protocol):
    """What is told beside a link: of `texts`."""

    __name__: str

    def __call__(self, language: str, *, name: str, link: str) -> str:
        """Say it, for the service of that name."""


def tell_phones(
    ctx: Context, *, account: Account, text: Linked, origin: Origin, link: str = ""
) -> None:
    """Tell every phone of the account but new ones; within the change's transaction.

    Without another `link` it is one that locks.
    """

    def said(language: str) -> str:
        opens = link or lock_links.new_link(ctx, account=account)
        return text(language, name=ctx.config.server.name, link=opens)

    since = ctx.now() - NEW_FOR
    told = [phone for phone in phones(account) if phone.added_at <= since]
    tell(ctx, account=account, told=told, about=text.__name__, text=said, origin=origin)


def tell(
    ctx: Context,
    *,
    account: Account,
    told: Collection[Phone],
    about: str,
    text: Callable[[str], str],
    origin: Origin,
) -> None:
    """Tell these phones, as far as the limits allow; within the change's transaction.

    `text` says it in a language. What waits `about` the same gives way to it.
    """
    if "sms" not in ctx.config.channels:
        return
    language = languages.of_messages(ctx, account)
    said = ""
    for phone in told:
        send = code_limits.notice_allowed(ctx, account=account, number=phone.number, origin=origin)
        if send is None:
            continue
        said = said or sms.fitted(text(language))
        subject = f"phone:{phone.pk}:{about}"
        jobs.cancel(subject=subject, now=ctx.now())
        order = _order(phone, said, language=language, origin=origin)
        job = add_job(
            ctx,
            kind=NOTICE,
            account_id=account.pk,
            payload=order.to_bytes(),
            expires_at=ctx.now() + DAY,
            subject=subject,
        )
        sends.add(send, job=job, now=ctx.now(), outcome=sends.TOLD)


def _order(phone: Phone, said: str, *, language: str, origin: Origin) -> CodeOrder:
    return CodeOrder(
        number=phone.number,
        channel="sms",
        code="",
        text=said,
        language=language,
        by=origin.by,
        address=origin.address,
        program=origin.program,
    )
