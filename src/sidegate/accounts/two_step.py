"""2-Step Verification: turned on and off."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from sidegate.accounts import app_passwords, grace
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.mail_programs import MailProgram
from sidegate.accounts.notices import tell_of_change
from sidegate.events.catalogue import Kind
from sidegate.factors import phone_number
from sidegate.storage.models import Account, Phone


def phones(account: Account) -> list[Phone]:
    """The phones that codes go to, the preferred one first."""
    return list(account.phones.order_by("added_at", "id"))


def turn_on(
    ctx: Context,
    *,
    account: Account,
    number: str,
    channel: str,
    origin: Origin,
    exceptions: Sequence[MailProgram] = (),
) -> bool:
    """Turn it on with a number that was just verified; False where it was on already.

    From the commit on, the account password opens no mail protocol but for the
    exceptions, and the mail sessions that came in with it are ended.
    """
    with transaction.atomic():
        now = ctx.now()
        changed = Account.objects.filter(pk=account.pk, two_step_since=None).update(
            two_step_since=now
        )
        if not changed:
            return False
        account.phones.all().delete()
        Phone.objects.create(account=account, number=number, channel=channel, added_at=now)
        note(
            ctx,
            kind=Kind.TWO_STEP_ON,
            account_id=account.pk,
            origin=origin,
            channel=channel,
            number=phone_number.masked(number),
        )
        grace.give(ctx, account=account, programs=exceptions, origin=origin)
        tell_of_change(ctx, account=account, kind=Kind.TWO_STEP_ON, origin=origin)
    account.refresh_from_db()
    return True


def turn_off(ctx: Context, *, account: Account, origin: Origin) -> int:
    """Turn it off and revoke the app passwords; returns how many were revoked."""
    with transaction.atomic():
        grace.end_all(ctx, account=account, origin=origin)
        changed = (
            Account.objects.filter(pk=account.pk)
            .exclude(two_step_since=None)
            .update(two_step_since=None)
        )
        revoked = app_passwords.revoke_all(ctx, account=account, origin=origin) if changed else 0
        if changed:
            account.phones.all().delete()
            note(
                ctx,
                kind=Kind.TWO_STEP_OFF,
                account_id=account.pk,
                origin=origin,
                count=revoked,
            )
            tell_of_change(ctx, account=account, kind=Kind.TWO_STEP_OFF, origin=origin)
    account.refresh_from_db()
    return revoked
