"""Browsers that an account was signed in with, so that a new one can be told of.

A browser holds a random token in a cookie of its own, we a keyed digest of it for each
account: two accounts of one browser cannot be tied together by what is stored. The token
opens nothing and spares nobody a question; where it is gone, its owner gets one message more.
"""

from __future__ import annotations

from django.db import transaction

from sidegate.accounts import lock_links, tokens
from sidegate.accounts.context import Context
from sidegate.decisions.throttle import DAY
from sidegate.storage.models import Account
from sidegate.storage.second_step_models import KnownBrowser

KEPT_FOR = 400 * DAY
"""Milliseconds after its last sign-in for which a browser is known: what a cookie lives."""
MOST = 50
"""Browsers of one account that are known: those that were signed in last."""

_PURPOSE = b"known-browser"


def sign_in(ctx: Context, *, account: Account, token: str) -> bool:
    """Note that the browser of a token is signed in; whether it is new to the account."""
    now = ctx.now()
    known = KnownBrowser.objects.filter(account=account, seen_at__gt=now - KEPT_FOR)
    with transaction.atomic():
        digests = tokens.digests(ctx, purpose=_PURPOSE, token=token, account=account)
        if known.filter(digest__in=digests).update(seen_at=now):
            return False
        KnownBrowser.objects.update_or_create(
            digest=tokens.digest(ctx, purpose=_PURPOSE, token=token, account=account),
            defaults={"account": account, "seen_at": now, "first_at": now},
        )
        newest = known.order_by("-seen_at", "-id").values_list("pk", flat=True)[:MOST]
        KnownBrowser.objects.filter(account=account).exclude(pk__in=list(newest)).delete()
    return True


def is_hers(ctx: Context, *, account: Account, token: str) -> bool:
    """Whether the browser of a token may be taken for its owner's, before it is signed in.

    It is the account's first, or was signed in first longer ago than the link in the message
    about it locks.
    """
    rows = KnownBrowser.objects.filter(account=account)
    if not account.seen_language and not rows.exists():
        return True
    now = ctx.now()
    settled = rows.filter(seen_at__gt=now - KEPT_FOR, first_at__lte=now - lock_links.LIFETIME)
    digests = tokens.digests(ctx, purpose=_PURPOSE, token=token, account=account)
    return settled.filter(digest__in=digests).exists()


def forget_old(*, now: int) -> None:
    """Drop those that did not come back."""
    KnownBrowser.objects.filter(seen_at__lte=now - KEPT_FOR).delete()
