"""Links that set a password as they are stored: used by a browser, consumed, ended, forgotten."""

from __future__ import annotations

from django.db.models import QuerySet

from sidegate.accounts import notices
from sidegate.accounts.context import Context
from sidegate.decisions.throttle import HOUR
from sidegate.events.catalogue import Kind
from sidegate.storage.models import Account
from sidegate.storage.recovery_models import PasswordReset

_KEPT_FOR = HOUR
"""Milliseconds after its time for which a link is kept: its browser may just be at it."""


def holds(*, account: Account, reset_id: int) -> bool:
    """Whether the browser that used a link up may still go on by it."""
    return _used(account, reset_id).exists()


def consume(*, account: Account, reset_id: int) -> bool:
    """Set a password by a link that was used up, once (rule 8); False where it does not hold."""
    gone, _of_each = _used(account, reset_id).delete()
    return bool(gone)


def end(ctx: Context, *, account: Account) -> None:
    """End the account's, used ones too, inside the caller's transaction; send none that waits."""
    PasswordReset.objects.filter(account=account).delete()
    notices.call_off(ctx, account=account, kind=Kind.PASSWORD_RESET_ASKED)


def forget_old(*, now: int) -> None:
    """Drop those that nobody can be at any more."""
    PasswordReset.objects.filter(expires_at__lt=now - _KEPT_FOR).delete()


def _used(account: Account, reset_id: int) -> QuerySet[PasswordReset]:
    return PasswordReset.objects.filter(
        pk=reset_id,
        account=account,
        password_version=account.password_version,
        used_at__isnull=False,
    )
