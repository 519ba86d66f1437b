"""Phones of an account beyond its first: verified, put in another's place, preferred."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from sidegate.accounts import second_steps
from sidegate.accounts.code_orders import Channel
from sidegate.accounts.context import Context, Origin
from sidegate.accounts.errors import BadNumber
from sidegate.accounts.phone_numbers import phones
from sidegate.accounts.second_steps import NewPhone, SecondStep
from sidegate.storage.models import Account

MOST = 5
"""Phones of one account."""


def check_new(account: Account, *, number: str, replaces: SecondStep | None) -> None:
    """Raise `BadNumber` where the number is one of the account's, or it has enough."""
    known = phones(account)
    if any(phone.number == number for phone in known):
        raise BadNumber(_("This number is already one of yours."))
    if len(known) >= MOST and replaces is None:
        raise BadNumber(
            _("You have as many phones as are allowed. Change or remove one of them instead.")
        )


def add(
    ctx: Context,
    *,
    account: Account,
    new: NewPhone,
    replaces: SecondStep | None,
    origin: Origin,
    keep_session: str = "",
) -> None:
    """Add a number that was just verified, or put it in the place of another one.

    Raises `BadNumber`, `NotAvailable`; `keep_session`: see `second_steps.change_number`.
    """
    try:
        with transaction.atomic():
            check_new(account, number=new.number, replaces=replaces)
            if replaces is None:
                second_steps.add(ctx, account=account, new=new, origin=origin)
            else:
                second_steps.change_number(
                    ctx,
                    account=account,
                    new=new,
                    replaces=replaces,
                    origin=origin,
                    keep_session=keep_session,
                )
    except IntegrityError:  # another browser added it meanwhile
        raise BadNumber(_("This number is already one of yours.")) from None


def prefer(ctx: Context, *, account: Account, step: SecondStep, origin: Origin) -> None:
    """Let codes go to this phone first."""
    with transaction.atomic():
        if account.phones.filter(pk=step.id).update(preferred_at=ctx.now()):
            second_steps.note_change(ctx, account, step, origin=origin)


def set_channel(
    ctx: Context, *, account: Account, step: SecondStep, channel: Channel, origin: Origin
) -> None:
    """Let codes reach this phone by text message or by call."""
    with transaction.atomic():
        if account.phones.filter(pk=step.id).exclude(channel=channel).update(channel=channel):
            second_steps.note_change(ctx, account, step, origin=origin)
