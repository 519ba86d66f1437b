"""Browsers that are not asked for the second step of a sign-in: "Don't ask again".

A browser holds a random token in a cookie, we a keyed digest of it, bound to the account
and to its password of that day. It stands for the second step of a sign-in alone: the
password is asked for each time, and so is a second step by whatever asks for one again.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from sidegate.accounts import tokens
from sidegate.accounts.account_lock import locked, unchanged
from sidegate.accounts.context import Context, Origin, note
from sidegate.decisions.throttle import DAY
from sidegate.events.catalogue import Kind, tidy
from sidegate.storage.models import Account
from sidegate.storage.second_step_models import TrustedBrowser

LIFETIME = 30 * DAY
"""Milliseconds for which a browser is not asked."""

_PURPOSE = b"trusted-browser"


def trust(ctx: Context, *, account: Account, origin: Origin) -> str | None:
    """Trust the browser that has just given a second step; returns its cookie's token.

    `account` is as it was then: `None` where it was disabled, its password or 2-step changed, or
    a second step taken off since. What ends trust would have come before there was any.
    """
    now = ctx.now()
    token = tokens.new(ctx)
    with transaction.atomic():
        if not unchanged(account, locked(account)):
            return None
        TrustedBrowser.objects.filter(expires_at__lte=now).delete()
        TrustedBrowser.objects.create(
            account=account,
            digest=tokens.digest(ctx, purpose=_PURPOSE, token=token, account=account),
            password_version=account.password_version,
            program=tidy(origin.program),
            address=tidy(origin.address)[:45],
            made_at=now,
            expires_at=now + LIFETIME,
        )
        note(ctx, kind=Kind.BROWSER_TRUSTED, account_id=account.pk, origin=origin)
    return token


def find(ctx: Context, *, account: Account, token: str) -> TrustedBrowser | None:
    """The trusted browser of a token, for a sign-in of this account now; marks its use."""
    digests = tokens.digests(ctx, purpose=_PURPOSE, token=token, account=account)
    browser = _alive(ctx, account).filter(digest__in=digests).first()
    if browser is not None:
        TrustedBrowser.objects.filter(pk=browser.pk).update(last_used_at=ctx.now())
    return browser


def of(ctx: Context, account: Account) -> list[TrustedBrowser]:
    """The browsers that are not asked, newest first."""
    return list(_alive(ctx, account).order_by("-made_at", "-id"))


def revoke(ctx: Context, *, account: Account, browser_id: int, origin: Origin) -> bool:
    """Ask a browser again from its next sign-in on; False where it was not trusted."""
    with transaction.atomic():
        gone, _ = TrustedBrowser.objects.filter(account=account, pk=browser_id).delete()
        if gone:
            note(ctx, kind=Kind.BROWSER_UNTRUSTED, account_id=account.pk, origin=origin)
    return bool(gone)


def _alive(ctx: Context, account: Account) -> QuerySet[TrustedBrowser]:
    return TrustedBrowser.objects.filter(
        account=account,
        password_version=account.password_version,
        made_at__gte=account.two_step_since or 0,
        expires_at__gt=ctx.now(),
    )
