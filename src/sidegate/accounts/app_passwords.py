"""App passwords: made, listed, revoked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from sidegate.accounts.account_lock import locked, locked_enabled
from sidegate.accounts.app_password_choices import (
    USUAL,
    Choices,
    checked,
    name_in,
    scopes_written,
)
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.errors import NotAvailable, TooManyAppPasswords
from sidegate.accounts.notices import tell_of_change
from sidegate.decisions.mail import AccountPasswordMode
from sidegate.decisions.networks import written
from sidegate.decisions.throttle import network_of, tells_who_asks
from sidegate.decisions.words import MAIL_SCOPES
from sidegate.events.catalogue import Kind
from sidegate.factors import app_password
from sidegate.factors.app_password import grouped
from sidegate.storage import counters
from sidegate.storage.models import Account, AppPassword

__all__ = [
    "APPS",
    "DEVICES",
    "Made",
    "State",
    "active",
    "grouped",
    "make",
    "name",
    "revoke",
    "revoke_all",
    "state",
    "why_not",
]

MOST = 50
"""App passwords an account may hold."""

APPS: dict[str, Promise] = {
    "mail": pgettext_lazy("app", "Mail"),
    "other": pgettext_lazy("app", "Other"),
}
DEVICES: dict[str, Promise] = {
    "windows": pgettext_lazy("device", "Windows Computer"),
    "mac": pgettext_lazy("device", "Mac"),
    "iphone": pgettext_lazy("device", "iPhone"),
    "ipad": pgettext_lazy("device", "iPad"),
    "android": pgettext_lazy("device", "Android"),
    "printer": pgettext_lazy("device", "Scanner or printer"),
    "backup": pgettext_lazy("device", "Backup program"),
    "other": pgettext_lazy("device", "Other"),
}


class State(StrEnum):
    """What an app password is good for now."""

    ACTIVE = "active"
    PAUSED = "paused"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Made:
    """A new app password: the one time that its secret is known."""

    id: int
    secret: str
    name: str = ""
    scopes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Made(id={self.id})"


def name(row: AppPassword) -> str:
    """What people call it: as its owner named it, or by app and device or program."""
    if row.label:
        return row.label
    if row.made_for:
        return f"{APPS[row.app]} · {row.made_for}"
    return f"{APPS[row.app]} · {DEVICES[row.device]}"


def state(row: AppPassword, *, now: int) -> State:
    """Whether it opens anything, and why it does not."""
    if row.revoked_at is not None:
        return State.REVOKED
    if row.expires_at is not None and row.expires_at <= now:
        return State.EXPIRED
    return State.ACTIVE if row.paused_at is None else State.PAUSED


def why_not(ctx: Context, account: Account) -> Promise | None:
    """Why the account can have no app passwords now; `None` where it can."""
    always = AccountPasswordMode.ALWAYS_APP_PASSWORD
    if account.two_step or ctx.config.policy.account_password_for_mail == always:
        return None
    return _("Turn on 2-Step Verification first: app passwords exist only while it is on.")


def active(account: Account) -> list[AppPassword]:
    """The app passwords that are not revoked, newest first."""
    return list(account.app_passwords.filter(revoked_at=None).order_by("-created_at", "-id"))


def make(
    ctx: Context,
    *,
    account: Account,
    app: str,
    device: str,
    choices: Choices = USUAL,
    label: str = "",
    made_for: str = "",
    origin: Origin,
) -> Made:
    """Make an app password. Raises `NotAvailable`, `TooManyAppPasswords`, `BadChoice`.

    `app` and `device` are keys of `APPS` and `DEVICES`; `label` is its owner's name for it,
    `made_for` what a program that is in use calls itself.
    """
    if app not in APPS or device not in DEVICES or not choices.scopes <= {*MAIL_SCOPES}:
        raise ValueError("an app, device or scope that is not in the list")
    chosen = checked(ctx, choices, account=account, device=device)
    secret = app_password.generate(length=ctx.config.app_passwords.length, random=ctx.random)
    digest = app_password.digest(key=ctx.keys.current, account_id=account.pk, letters=secret)
    with transaction.atomic():
        _check_room(ctx, account, origin)
        row = AppPassword.objects.create(
            account=account,
            digest=digest,
            key_id=ctx.keys.newest,
            app=app,
            device=device,
            scopes=scopes_written(chosen.scopes),
            created_at=ctx.now(),
            made_for=made_for[:200],
            label=name_in(label),
            expires_at=chosen.expires_at,
            networks=written(chosen.networks),
            sender=chosen.sender,
            daily_most=chosen.daily_most,
        )
        network = network_of(origin.address)
        if origin.by == "owner" and tells_who_asks(network):  # its first use from here is no news
            counters.mark(account_id=account.pk, network=network, now=ctx.now())
        note(
            ctx,
            kind=Kind.APP_PASSWORD_MADE,
            account_id=account.pk,
            origin=origin,
            app_password_id=row.pk,
        )
        tell_of_change(
            ctx,
            account=account,
            kind=Kind.APP_PASSWORD_MADE,
            origin=origin,
            app=app,
            device=device,
        )
    return Made(id=row.pk, secret=secret, name=name(row), scopes=tuple(row.scopes.split(",")))


def revoke(ctx: Context, *, account: Account, app_password_id: int, origin: Origin) -> bool:
    """Revoke one; False where there is none such, or it was revoked before."""
    with transaction.atomic():
        changed = AppPassword.objects.filter(
            pk=app_password_id, account=account, revoked_at=None
        ).update(revoked_at=ctx.now())
        if changed:
            note(
                ctx,
                kind=Kind.APP_PASSWORD_REVOKED,
                account_id=account.pk,
                origin=origin,
                app_password_id=app_password_id,
            )
    return bool(changed)


def revoke_all(ctx: Context, *, account: Account, origin: Origin) -> int:
    """Revoke all that are active; returns how many."""
    with transaction.atomic():
        # In the order in which "last used" is written, so that neither waits for the other.
        active_ones = account.app_passwords.filter(revoked_at=None).order_by("pk")
        ids = list(active_ones.values_list("pk", flat=True))
        return sum(
            revoke(ctx, account=account, app_password_id=row_id, origin=origin) for row_id in ids
        )


def _check_room(ctx: Context, account: Account, origin: Origin) -> None:
    # Locked, so that neither the count nor 2-step changes under us (SQLite: by the transaction).
    current = locked_enabled(account) if origin.by == "owner" else locked(account)
    reason = why_not(ctx, current)
    if reason is not None:
        raise NotAvailable(reason)
    if current.app_passwords.filter(revoked_at=None).count() >= MOST:
        text = _("You have %(count)s app passwords, the most allowed. Revoke one first.")
        raise TooManyAppPasswords(text % {"count": MOST})
