"""The browsers that are signed in to an account, and their being signed out from elsewhere."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from sidegate.accounts.context import Context, Origin, note
from sidegate.events.catalogue import Kind
from sidegate.storage.models import Account, WebSession


def of(ctx: Context, *, account: Account) -> list[WebSession]:
    """Those that are signed in, the one that was seen last first."""
    return list(_alive(ctx, account).order_by("-seen_at", "-created_at"))


def end(ctx: Context, *, account: Account, handle: str, origin: Origin) -> WebSession | None:
    """Sign one browser out: the one that was; `None` where it was not signed in any more."""
    with transaction.atomic():
        browsers = _alive(ctx, account).filter(handle=handle)
        browser = browsers.select_for_update().first()
        if browser is None or not browsers.delete()[0]:
            return None
        kind = Kind.WEB_SESSION_ENDED
        note(ctx, kind=kind, account_id=account.pk, origin=origin, name=browser.program)
    return browser


def end_others(ctx: Context, *, account: Account, keep: str, origin: Origin) -> int:
    """Sign every browser out but the one whose key digest is `keep`; how many that were."""
    others = WebSession.objects.filter(account=account).exclude(pk=keep)
    return _end(ctx, others, account=account, kind=Kind.WEB_SESSION_ENDED, origin=origin)


def end_all(ctx: Context, *, account: Account, origin: Origin) -> int:
    """Sign every browser out, for the operator; how many that were."""
    browsers = WebSession.objects.filter(account=account)
    return _end(ctx, browsers, account=account, kind=Kind.WEB_ALL_ENDED, origin=origin)


def _end(
    ctx: Context, browsers: QuerySet[WebSession], *, account: Account, kind: Kind, origin: Origin
) -> int:
    with transaction.atomic():
        browsers.filter(expires_at__lte=ctx.now()).delete()  # nobody was signed in by these
        ended, _of_each = browsers.delete()
        if ended:
            note(ctx, kind=kind, account_id=account.pk, origin=origin, browsers=ended)
    return ended


def _alive(ctx: Context, account: Account) -> QuerySet[WebSession]:
    return WebSession.objects.filter(account=account, expires_at__gt=ctx.now())
