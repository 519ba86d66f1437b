"""Locking an account by the link of a notice: "This wasn't me".

A locked account is a disabled one: nothing opens it, neither mail nor portal, until its
operator enables it again. Nobody can unlock it by the mailbox, which may be a thief's by now.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from sidegate.accounts import grace, password_reset_rows, recovery_rows, undoing
from sidegate.accounts.account_lock import locked
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.lock_links import find
from sidegate.accounts.recovery_rows import Outcome
from sidegate.accounts.undoing import Changes
from sidegate.events.catalogue import Kind
from sidegate.storage.models import Account, LockLink, RecoveryChange, WebSession
from sidegate.storage.second_step_models import KnownBrowser, TrustedBrowser


def lock(ctx: Context, *, token: str, origin: Origin) -> Changes | None:
    """Lock the account of a link, once; `None` where the link locks nothing any more.

    What came at the time that the link tells of, or later, is undone, and returned. Browsers
    are signed out and known no longer; no mail program goes on with the account password. Its
    other links are used up with it, and those that set a password.
    """
    now = ctx.now()
    with transaction.atomic():
        link = find(ctx, token=token)
        if link is None:
            return None
        account = locked(link.account)
        if not LockLink.objects.filter(pk=link.pk, used_at=None).update(used_at=now):
            return None
        LockLink.objects.filter(account=account, used_at=None).update(used_at=now)
        Account.objects.filter(pk=account.pk).update(enabled=False, locked_at=now)
        grace.end_all(ctx, account=account, origin=origin)  # they go by 2-step: before it is undone
        found = undoing.changes(account, since=link.since)
        undoing.undo(ctx, account=account, found=found, origin=origin)
        recovery_rows.end(ctx, account=account, outcome=Outcome.STOPPED)
        password_reset_rows.end(ctx, account=account)
        for table in (WebSession, TrustedBrowser, KnownBrowser, RecoveryChange):
            table._default_manager.filter(account=account).delete()  # noqa: SLF001 - Django's name for it
        lost = ",".join(dict.fromkeys(item.what for item in found.lost))
        facts: dict[str, Any] = {"lost": lost} if lost else {}
        note(ctx, kind=Kind.ACCOUNT_LOCKED, account_id=account.pk, origin=origin, **facts)
    return found
