"""Grace windows: given when 2-step is turned on, ended by their owner and by what ends them all."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, QuerySet

from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.mail_programs import MailProgram, in_order
from sidegate.decisions.throttle import DAY, UNKNOWN_NETWORK
from sidegate.events.catalogue import Kind
from sidegate.storage.mail_models import GraceWindow
from sidegate.storage.models import Account


class Grace(NamedTuple):
    """One mail program that may go on with the account password for now."""

    account: str
    """The account's address."""
    ids: tuple[int, ...]
    """Its windows: one for each protocol and network."""
    name: str
    """What the program calls itself; empty where it does not."""
    address: str
    """Where it had signed in from last."""
    protocols: tuple[str, ...]
    until: int

    @property
    def key(self) -> str:
        """Names it in a form."""
        return str(self.ids[0])

    def days_left(self, now: int) -> int:
        """Days, a begun one counted whole."""
        return max(0, -(-(self.until - now) // DAY))


def give(
    ctx: Context, *, account: Account, programs: Sequence[MailProgram], origin: Origin
) -> None:
    """Let these go on until `[policy] grace_days` from now; inside the caller's transaction."""
    now, days = ctx.now(), ctx.config.policy.grace_days
    if not days:
        return
    until = now + days * DAY
    for program in programs:
        if not program.may_go_on:
            continue
        GraceWindow.objects.bulk_create(
            GraceWindow(
                account=account,
                protocol=use.protocol,
                network=use.network,
                program=use.program,
                name=program.name,
                address=program.last_address,
                given_at=now,
                until=until,
            )
            for use in program.uses
            if use.network != UNKNOWN_NETWORK
        )
        note(
            ctx,
            kind=Kind.GRACE_GIVEN,
            account_id=account.pk,
            origin=origin,
            name=program.name or program.last_address,
            days=days,
        )


def open_for(ctx: Context, account: Account) -> list[Grace]:
    """The account's programs that may go on now; none with 2-step off."""
    return _grouped(_open(ctx).filter(account=account))


def open_windows(ctx: Context) -> list[Grace]:
    """Those of every account, by address."""
    return _grouped(_open(ctx))


def end(ctx: Context, *, account: Account, key: str, origin: Origin) -> Grace | None:
    """End one program's; `None` where there is none such any more.

    From the commit on the account password does not open it, and its open sessions end.
    """
    with transaction.atomic():
        found = next((one for one in open_for(ctx, account) if one.key == key), None)
        return found if found and _end(ctx, account, found, origin) else None


def end_all(ctx: Context, *, account: Account, origin: Origin) -> None:
    """End every one of the account; inside the caller's transaction."""
    for one in open_for(ctx, account):
        _end(ctx, account, one, origin)


def tidy_up(*, now: int, allowed: bool) -> None:
    """Drop what is over for a day; end all where the operator allows none any more."""
    if not allowed:
        GraceWindow.objects.filter(ended_at=None).update(ended_at=now)
    GraceWindow.objects.filter(until__lt=now - DAY).delete()


def _end(ctx: Context, account: Account, grace: Grace, origin: Origin) -> bool:
    changed = GraceWindow.objects.filter(pk__in=grace.ids, ended_at=None).update(ended_at=ctx.now())
    if changed:
        note(
            ctx,
            kind=Kind.GRACE_ENDED,
            account_id=account.pk,
            origin=origin,
            name=grace.name or grace.address,
        )
    return bool(changed)


def _open(ctx: Context) -> QuerySet[GraceWindow]:
    if not ctx.config.policy.grace_days:
        return GraceWindow.objects.none()
    return GraceWindow.objects.filter(
        ended_at=None, until__gt=ctx.now(), account__two_step_since__isnull=False
    )


def _grouped(rows: QuerySet[GraceWindow]) -> list[Grace]:
    named = rows.annotate(whose=F("account__address")).order_by("whose", "name", "address", "id")
    return [
        _grace(list(windows))
        for _, windows in groupby(named, key=lambda row: (row.whose, row.name, row.address))
    ]


def _grace(windows: Sequence[GraceWindow]) -> Grace:
    first = windows[0]
    return Grace(
        account=first.account.address,
        ids=tuple(window.pk for window in windows),
        name=first.name,
        address=first.address,
        protocols=in_order(window.protocol for window in windows),
        until=max(window.until for window in windows),
    )
