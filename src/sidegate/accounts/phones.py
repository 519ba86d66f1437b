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
from sidegate.storage.models import Account, Phone

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
    ctx: Context, *, account: Account, new: NewPhone, replaces: SecondStep | None, origin: Origin
) -> None:
    """Add a number that was just verified, in the place of another one where that is given.

    Raises `BadNumber`, `NotAvailable`.
    """
    try:
        with transaction.atomic():
            check_new(account, number=new.number, replaces=replaces)
            second_steps.add(ctx, account=account, new=new, origin=origin)
            if replaces is not None:
                _take_place(account, new, replaces)
                second_steps.remove(ctx, account=account, key=replaces.key, origin=origin)
    except IntegrityError:  # another browser added it meanwhile
        raise BadNumber(_("This number is already one of yours.")) from None


def prefer(ctx: Context, *, account: Account, step: SecondStep) -> None:
    """Let codes go to this phone first."""
    account.phones.filter(pk=step.id).update(preferred_at=ctx.now())


def set_channel(account: Account, *, step: SecondStep, channel: Channel) -> None:
    """Let codes reach this phone by text message or by call."""
    account.phones.filter(pk=step.id).update(channel=channel)


def _take_place(account: Account, new: NewPhone, replaces: SecondStep) -> None:
    old = Phone.objects.filter(account=account, pk=replaces.id).first()
    if old is not None:
        account.phones.filter(number=new.number).update(
            name=old.name, preferred_at=old.preferred_at, added_at=old.added_at
        )
