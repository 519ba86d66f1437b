"""The link in a notice by which an owner locks her account: made, and found again."""

from __future__ import annotations

from django.urls import reverse

from sidegate.accounts import tokens
from sidegate.accounts.context import Context
from sidegate.decisions.throttle import DAY
from sidegate.storage.models import Account, LockLink

LIFETIME = 7 * DAY
"""Milliseconds for which a link locks."""

_PURPOSE = b"lock-link"


def new_link(ctx: Context, *, account: Account) -> str:
    """Make a link about what happens just now; only its keyed digest is kept."""
    now = ctx.now()
    token = tokens.new(ctx)
    digest = tokens.digest(ctx, purpose=_PURPOSE, token=token)
    LockLink.objects.create(account=account, digest=digest, since=now, expires_at=now + LIFETIME)
    return ctx.config.server.url + reverse("lock", args=[token])


def find(ctx: Context, *, token: str) -> LockLink | None:
    """The link of a token while it still locks."""
    digests = tokens.digests(ctx, purpose=_PURPOSE, token=token)
    usable = LockLink.objects.filter(used_at=None, expires_at__gt=ctx.now())
    return usable.select_related("account").filter(digest__in=digests).first()
