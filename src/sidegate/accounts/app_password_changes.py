"""App passwords that are there already: renamed, paused, resumed, limited or let do more."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from sidegate.accounts.account_lock import locked
from sidegate.accounts.app_password_choices import (
    PROFILES,
    Choices,
    checked,
    choices_of,
    lets_do_more,
    name_in,
    scopes_written,
)
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.notices import tell_of_change
from sidegate.decisions.networks import written
from sidegate.events.catalogue import Kind
from sidegate.storage.models import Account, AppPassword


def rename(
    ctx: Context, *, account: Account, app_password_id: int, name: str, origin: Origin
) -> bool:
    """Give it a name of its own, or with an empty one the usual name. Raises `BadChoice`."""
    rows = _kept(account, app_password_id)
    return _change(ctx, account, rows, Kind.APP_PASSWORD_CHANGED, origin, label=name_in(name))


def change(
    ctx: Context,
    *,
    account: Account,
    row: AppPassword,
    label: str,
    choices: Choices,
    origin: Origin,
) -> bool:
    """Give it another name, scopes, end, networks, sender. Raises `BadChoice`.

    No scopes at all leave it those that it has; so does a device that needs less than everything.
    """
    chosen = checked(ctx, choices, account=account, device=row.device)
    changes: dict[str, object] = {
        "label": name_in(label),
        "expires_at": chosen.expires_at,
        "networks": written(chosen.networks),
        "sender": chosen.sender,
        "daily_most": chosen.daily_most,
    }
    if choices.scopes and row.device not in PROFILES:
        changes["scopes"] = scopes_written(choices.scopes)
    rows = _kept(account, row.pk)
    return _change(ctx, account, rows, Kind.APP_PASSWORD_CHANGED, origin, **changes)


def pause(ctx: Context, *, account: Account, app_password_id: int, origin: Origin) -> bool:
    """Let it open nothing until it is resumed; False where it is paused or gone."""
    rows = _kept(account, app_password_id).filter(paused_at=None)
    return _change(ctx, account, rows, Kind.APP_PASSWORD_PAUSED, origin, paused_at=ctx.now())


def resume(ctx: Context, *, account: Account, app_password_id: int, origin: Origin) -> bool:
    """Let it open mail again; False where it is not paused, or gone."""
    rows = _kept(account, app_password_id).exclude(paused_at=None)
    return _change(ctx, account, rows, Kind.APP_PASSWORD_RESUMED, origin, paused_at=None)


def _kept(account: Account, app_password_id: int) -> QuerySet[AppPassword]:
    """It, if it is the account's and not revoked."""
    return account.app_passwords.filter(pk=app_password_id, revoked_at=None)


def _change(
    ctx: Context,
    account: Account,
    rows: QuerySet[AppPassword],
    kind: Kind,
    origin: Origin,
    **changes: object,
) -> bool:
    """Change the one row and tell of it; False where there is none.

    The same where its owner's account was disabled: what a thief has under way must not come
    after the link that undoes his other changes.
    """
    with transaction.atomic():
        current = locked(account)
        row = rows.select_for_update().first()
        if row is None or (origin.by == "owner" and not current.enabled):
            return False
        before = choices_of(row)
        for name, value in changes.items():
            setattr(row, name, value)
        row.save(update_fields=[*changes])
        after = choices_of(row)
        facts = {"scopes": row.scopes} if after.scopes != before.scopes else {}
        if kind is Kind.APP_PASSWORD_RESUMED or lets_do_more(before, after):
            facts["more"] = "yes"
        number = row.pk
        note(ctx, kind=kind, account_id=account.pk, origin=origin, app_password_id=number, **facts)
        if not after.scopes <= before.scopes:
            _tell_of_more(ctx, row, kind, origin)
    return True


def _tell_of_more(ctx: Context, row: AppPassword, kind: Kind, origin: Origin) -> None:
    """That it opens more than it did is told as a new one is."""
    tell_of_change(
        ctx,
        account=row.account,
        kind=kind,
        origin=origin,
        app=row.app,
        device=row.device,
        label=row.label,
    )
