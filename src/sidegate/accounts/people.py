"""Accounts: added, found, disabled, enabled; their passwords changed."""

from __future__ import annotations

from functools import partial

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from sidegate import texts
from sidegate.accounts import (
    app_passwords,
    first_password,
    grace,
    new_passwords,
    password_reset_rows,
    recovery_rows,
)
from sidegate.accounts.account_lock import locked
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.errors import AddressTaken, BadAddress, KeptElsewhere
from sidegate.accounts.notices import tell_of_change
from sidegate.accounts.phone_notices import tell_phones
from sidegate.decisions.names import canonical, canonical_name
from sidegate.events.catalogue import Kind
from sidegate.storage import sends
from sidegate.storage.models import Account, WebSession
from sidegate.storage.second_step_models import TrustedBrowser


def find(login: str) -> Account | None:
    """The account that a login names, by its canonical address."""
    address = canonical_name(login)
    return Account.objects.filter(address=address).first() if address else None


def add(ctx: Context, *, address: str, name: str, password: str, origin: Origin) -> Account:
    """Add an account.

    Raises `BadAddress`, `AddressTaken`, `WeakPassword`, `KeptElsewhere`, `Unavailable`.
    """
    canonical_address = _new_address(address)
    hashed = hash_new(ctx, password=password, address=canonical_address, name=name)
    now = ctx.now()
    try:
        with transaction.atomic():
            account = Account.objects.create(
                address=canonical_address,
                name=name.strip()[:200],
                password_hash=hashed,
                password_changed_at=now,
                password_given=origin.by == "operator",
                created_at=now,
            )
            note(ctx, kind=Kind.ACCOUNT_ADDED, account_id=account.pk, origin=origin)
    except IntegrityError:
        raise AddressTaken(_("There is already an account with this address.")) from None
    return account


def ensure(ctx: Context, *, name: str, origin: Origin) -> Account:
    """The account of somebody whom the operator's directory knows; made at her first sign-in.

    `name` is the canonical one. It has no password here: that is the directory's.
    """
    now = ctx.now()
    with transaction.atomic():
        account, made = Account.objects.get_or_create(
            address=name,
            defaults={"password_hash": "", "password_changed_at": now, "created_at": now},
        )
        if made:
            note(ctx, kind=Kind.ACCOUNT_ADDED, account_id=account.pk, origin=origin)
    return account


def set_enabled(ctx: Context, *, account: Account, enabled: bool, origin: Origin) -> bool:
    """Enable or disable an account; False where it was so already.

    A disabled account is refused everywhere at the next decision, its browsers are signed out,
    and links that set its password are over. Enabling unlocks one that its owner locked
    (`locking`).
    """
    with transaction.atomic():
        changed = Account.objects.filter(pk=account.pk, enabled=not enabled).update(
            enabled=enabled, locked_at=None
        )
        if changed:
            kind = Kind.ACCOUNT_ENABLED if enabled else Kind.ACCOUNT_DISABLED
            note(ctx, kind=kind, account_id=account.pk, origin=origin)
        if not enabled:
            recovery_rows.end(ctx, account=account)
            password_reset_rows.end(ctx, account=account)
            WebSession.objects.filter(account=account).delete()
            TrustedBrowser.objects.filter(account=account).delete()
    return bool(changed)


def set_operator(ctx: Context, *, account: Account, operator: bool, origin: Origin) -> bool:
    """Make an account operator, or no longer; False where it was so already."""
    with transaction.atomic():
        others = Account.objects.filter(pk=account.pk, is_operator=not operator)
        changed = others.update(is_operator=operator)
        if changed:
            kind = Kind.OPERATOR_ON if operator else Kind.OPERATOR_OFF
            note(ctx, kind=kind, account_id=account.pk, origin=origin)
    return bool(changed)


def operator_refused(ctx: Context, *, account: Account, origin: Origin) -> None:
    """Record that `/operator` was asked for by an account that is not operator; once a day."""
    kind = Kind.OPERATOR_REFUSED
    with transaction.atomic():
        if sends.first_told(f"{kind}:{account.pk}", now=ctx.now()):
            note(ctx, kind=kind, account_id=account.pk, origin=origin)


def change_password(
    ctx: Context,
    *,
    account: Account,
    password: str,
    keep_app_passwords: bool,
    origin: Origin,
    keep_session: str = "",
) -> None:
    """Change the account password; app passwords go with it unless kept.

    Signs every other browser out: all web sessions but the one whose key digest is
    `keep_session`. Raises `WeakPassword`, `KeptElsewhere`, `Unavailable`.
    """
    hashed = hash_new(ctx, password=password, address=account.address, name=account.name)
    write_password(
        ctx,
        account=account,
        hashed=hashed,
        keep_app_passwords=keep_app_passwords,
        origin=origin,
        keep_session=keep_session,
    )


def hash_new(ctx: Context, *, password: str, address: str, name: str) -> str:
    """Make the hash of a new account password, for `write_password`.

    Never inside a transaction: it takes 46 MiB and a look into a long list, and on SQLite
    everybody else's writing would wait. Raises `WeakPassword`, `KeptElsewhere`, `Unavailable`.
    """
    _password_is_ours(ctx)
    new_passwords.check(ctx, password=password, address=address, name=name)
    return ctx.judge.hash(password)


def write_password(
    ctx: Context,
    *,
    account: Account,
    hashed: str,
    keep_app_passwords: bool,
    origin: Origin,
    keep_session: str = "",
) -> None:
    """Write what `hash_new` made, and end what the old one opened; see `change_password`."""
    with transaction.atomic():
        current = locked(account)
        _replace_hash(ctx, current, hashed, given=origin.by == "operator")
        kept = "yes" if keep_app_passwords else "no"
        kind = Kind.PASSWORD_CHANGED
        note(ctx, kind=kind, account_id=current.pk, origin=origin, app_passwords_kept=kept)
        grace.end_all(ctx, account=current, origin=origin)
        recovery_rows.end(ctx, account=current)
        tell_of_change(ctx, account=current, kind=kind, origin=origin)
        tell_phones(ctx, account=current, text=texts.password_changed, origin=origin)
        if not keep_app_passwords:
            app_passwords.revoke_all(ctx, account=current, origin=origin)
        WebSession.objects.filter(account=current).exclude(pk=keep_session).delete()
        TrustedBrowser.objects.filter(account=current).delete()


def _replace_hash(ctx: Context, account: Account, hashed: str, *, given: bool) -> None:
    account.password_hash = hashed
    account.password_version += 1
    account.password_changed_at = ctx.now()
    account.password_given = given
    changed = ["password_hash", "password_version", "password_changed_at", "password_given"]
    account.save(update_fields=changed)
    transaction.on_commit(partial(first_password.forget, ctx.config.data))


def _password_is_ours(ctx: Context) -> None:
    if ctx.directory is not None:
        raise KeptElsewhere(
            _(
                "Accounts and their passwords are kept by the mail server that was there before. "
                "Add them and change them there; who signs in for the first time appears here."
            )
        )


def _new_address(address: str) -> str:
    canonical_address = canonical(address)
    try:
        validate_email(canonical_address)
    except ValidationError:
        text = _("This is not an email address. Write it like anna@example.test.")
        raise BadAddress(text) from None
    if canonical_address is None or "+" in address.rpartition("@")[0]:
        text = _(
            "An account's address has no + part: mail to such an address reaches the account "
            "anyway."
        )
        raise BadAddress(text)
    return canonical_address
