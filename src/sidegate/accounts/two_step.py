"""2-Step Verification: turned on and off."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from sidegate import texts
from sidegate.accounts import (
    app_passwords,
    grace,
    phone_notices,
    recovery_rows,
    second_steps,
    web_sessions,
)
from sidegate.accounts.account_lock import locked
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.mail_programs import MailProgram
from sidegate.accounts.notices import tell_of_change
from sidegate.accounts.second_steps import NewPhone, NewStep
from sidegate.events.catalogue import Kind
from sidegate.storage.models import Account


def turn_on(
    ctx: Context,
    *,
    account: Account,
    number: str,
    channel: str,
    origin: Origin,
    exceptions: Sequence[MailProgram] = (),
) -> bool:
    """Turn it on with a number that was just verified; see `turn_on_with`."""
    new = NewPhone(number=number, channel=channel)
    return turn_on_with(ctx, account=account, new=new, origin=origin, exceptions=exceptions)


def turn_on_with(
    ctx: Context,
    *,
    account: Account,
    new: NewStep,
    origin: Origin,
    exceptions: Sequence[MailProgram] = (),
    keep_session: str = "",
) -> bool:
    """Turn it on with a second step that was just proved; False where it was on already.

    The same where the account was disabled meanwhile.

    From the commit on, the account password opens no mail protocol but for the
    exceptions, and the mail sessions that came in with it are ended. Signs every other
    browser out: all web sessions but the one whose key digest is `keep_session`.
    """
    with transaction.atomic():
        now = ctx.now()
        off = Account.objects.filter(pk=account.pk, enabled=True, two_step_since=None)
        changed = off.update(two_step_since=now)
        if not changed:
            return False
        new.save(account, now=now)
        # They gave no second step: none of them may come back once it is off again.
        web_sessions.end_others(ctx, account=account, keep=keep_session, origin=origin)
        note(ctx, kind=Kind.TWO_STEP_ON, account_id=account.pk, origin=origin, **new.facts())
        grace.give(ctx, account=account, programs=exceptions, origin=origin)
        tell_of_change(ctx, account=account, kind=Kind.TWO_STEP_ON, origin=origin)
    account.refresh_from_db()
    return True


def turn_off(ctx: Context, *, account: Account, origin: Origin, keep_session: str = "") -> int:
    """Turn it off; its second steps and the app passwords go with it.

    Every browser is signed out but the one whose session's key digest is `keep_session`.
    Returns how many app passwords were revoked.
    """
    with transaction.atomic():
        locked(account)
        grace.end_all(ctx, account=account, origin=origin)
        changed = (
            Account.objects.filter(pk=account.pk)
            .exclude(two_step_since=None)
            .update(two_step_since=None)
        )
        revoked = app_passwords.revoke_all(ctx, account=account, origin=origin) if changed else 0
        if changed:
            text = texts.two_step_turned_off
            phone_notices.tell_phones(ctx, account=account, text=text, origin=origin)
            second_steps.remove_all(account)
            web_sessions.end_others(ctx, account=account, keep=keep_session, origin=origin)
            recovery_rows.end(ctx, account=account)
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
