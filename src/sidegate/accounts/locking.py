"""Locking an account by the link of a notice: "This wasn't me".

A locked account is a disabled one: nothing opens it, neither mail nor portal, until its
operator enables it again. Nobody can unlock it by the mailbox, which may be a thief's by now.
"""

from __future__ import annotations

from django.db import transaction

from sidegate.accounts import app_passwords, grace, password_reset_rows, recovery_rows
from sidegate.accounts.account_lock import locked
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.lock_links import find
from sidegate.accounts.recovery_rows import Outcome
from sidegate.events.catalogue import Kind
from sidegate.storage.models import Account, LockLink, WebSession
from sidegate.storage.second_step_models import KnownBrowser, TrustedBrowser


def lock(ctx: Context, *, token: str, origin: Origin) -> bool:
    """Lock the account of a link, once; False where the link locks nothing any more.

    Its browsers are signed out and known no longer, and app passwords made since what the link
    told of are revoked; no mail program goes on with the account password. Its other links are
    used up with it, and those that set a password.
    """
    now = ctx.now()
    with transaction.atomic():
        link = find(ctx, token=token)
        if link is None:
            return False
        account = locked(link.account)
        if not LockLink.objects.filter(pk=link.pk, used_at=None).update(used_at=now):
            return False
        LockLink.objects.filter(account=account, used_at=None).update(used_at=now)
        Account.objects.filter(pk=account.pk).update(enabled=False, locked_at=now)
        made_since = account.app_passwords.filter(created_at__gte=link.since, revoked_at=None)
        for row_id in made_since.order_by("pk").values_list("pk", flat=True):
            app_passwords.revoke(ctx, account=account, app_password_id=row_id, origin=origin)
        grace.end_all(ctx, account=account, origin=origin)
        recovery_rows.end(ctx, account=account, outcome=Outcome.STOPPED)
        password_reset_rows.end(ctx, account=account)
        WebSession.objects.filter(account=account).delete()
        TrustedBrowser.objects.filter(account=account).delete()
        KnownBrowser.objects.filter(account=account).delete()
        note(ctx, kind=Kind.ACCOUNT_LOCKED, account_id=account.pk, origin=origin)
    return True
