"""The recovery address: another mailbox of the owner's, verified by a code sent to it."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from sidegate import texts
from sidegate.accounts import password_reset_rows
from sidegate.accounts.account_lock import locked, locked_enabled
from sidegate.accounts.codes import CodeOver, CodeWrong
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.errors import BadAddress, NotAvailable, TooManyCodes
from sidegate.accounts.notices import send_code, tell_of_change
from sidegate.accounts.phone_notices import tell_phones
from sidegate.decisions.names import canonical_name
from sidegate.decisions.throttle import HOUR
from sidegate.events.catalogue import Kind
from sidegate.factors import one_time_code
from sidegate.factors.digests import same
from sidegate.storage.former_models import FormerAddress
from sidegate.storage.models import Account, RecoveryChange

LIFETIME = 30 * 60_000
"""Milliseconds for which a code is good: a mail server may hold a first message back a while."""
_PURPOSE = "recovery-address"


def masked(address: str) -> str:
    """Enough of it for its owner to know it again."""
    local, _at, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}" if domain else ""


def checked(address: str, *, account: Account) -> str:
    """The address as it is stored. Raises `BadAddress`."""
    address = address.strip()
    try:
        validate_email(address)
    except ValidationError:
        text = _("This is not an email address. Write it like anna@example.test.")
        raise BadAddress(text) from None
    if not address.isascii():
        text = _("Use an address without special characters: our messages reach no other.")
        raise BadAddress(text)
    if canonical_name(address) == account.address:
        text = _("This is the account's own mailbox. Use one that opens without this account.")
        raise BadAddress(text)
    return address


def begin(ctx: Context, *, account: Account, address: str, binding: str, origin: Origin) -> None:
    """Send a code to it; the code counts only together with `binding`.

    Raises `BadAddress`, `NotAvailable` where no mail can be sent or the account was disabled,
    `TooManyCodes`.
    """
    if not ctx.config.sends_mail:
        raise NotAvailable(_("This service cannot send messages, so an address cannot be checked."))
    address = checked(address, account=account)
    now = ctx.now()
    code = one_time_code.generate(random=ctx.random)
    with transaction.atomic():
        # Its lock keeps two browsers from sending more than may be.
        locked_enabled(account)
        expires_at = now + LIFETIME
        if not send_code(ctx, account=account, to=address, code=code, expires_at=expires_at):
            text = _("Several codes were sent within the last hour. Try again later.")
            raise TooManyCodes(text, retry_at=now + HOUR)
        digest = _digest(ctx, account, address=address, binding=binding, code=code)
        values = {"address": address, "digest": digest, "tries": 0}
        RecoveryChange.objects.update_or_create(
            account=account, defaults={**values, "asked_at": now, "expires_at": expires_at}
        )
        kind = Kind.RECOVERY_ADDRESS_ASKED
        note(ctx, kind=kind, account_id=account.pk, origin=origin, name=masked(address))


def waiting(ctx: Context, *, account: Account) -> str:
    """The address that a code was sent to; empty where none is waited for."""
    change = RecoveryChange.objects.filter(account=account, expires_at__gt=ctx.now()).first()
    return change.address if change else ""


def confirm(
    ctx: Context, *, account: Account, binding: str, code: str, origin: Origin
) -> str | CodeWrong | CodeOver:
    """Present the code, once; the address, which is the recovery address now, where it is right.

    The try is taken first, by a conditional UPDATE, as in `codes.present`. It counts no more
    once the account was disabled.
    """
    with transaction.atomic():
        enabled = locked(account).enabled
        open_one = RecoveryChange.objects.filter(
            account=account, expires_at__gt=ctx.now(), tries__lt=one_time_code.MAX_TRIES
        )
        if not enabled or not open_one.update(tries=F("tries") + 1):
            return CodeOver("gone")
        change = RecoveryChange.objects.get(account=account)
        digits = one_time_code.normalise(code) or ""
        digest = _digest(ctx, account, address=change.address, binding=binding, code=digits)
        if not same(bytes(change.digest), digest):
            note(ctx, kind=Kind.CODE_WRONG, account_id=account.pk, origin=origin)
            left = one_time_code.MAX_TRIES - change.tries
            return CodeWrong(left) if left > 0 else CodeOver("tries")
        change.delete()
        _replace(ctx, account, change.address, kind=Kind.RECOVERY_ADDRESS_SET, origin=origin)
    return change.address


def remove(ctx: Context, *, account: Account, origin: Origin) -> None:
    """Have none any more."""
    with transaction.atomic():
        _replace(ctx, account, "", kind=Kind.RECOVERY_ADDRESS_REMOVED, origin=origin)


def _replace(ctx: Context, account: Account, new: str, *, kind: Kind, origin: Origin) -> None:
    """Write it, end links sent to the old one; tell both mailboxes, and the phones.

    A link that locks may put the old one back.
    """
    old = locked(account).recovery_address
    if old == new:
        return
    FormerAddress.objects.create(account=account, address=old, until=ctx.now())
    Account.objects.filter(pk=account.pk).update(recovery_address=new)
    account.recovery_address = new
    password_reset_rows.end(ctx, account=account)
    note(ctx, kind=kind, account_id=account.pk, origin=origin, name=masked(new or old))
    tell_of_change(ctx, account=account, kind=kind, origin=origin)
    if old:
        tell_of_change(ctx, account=account, kind=kind, origin=origin, to=old)
    tell_phones(ctx, account=account, text=texts.ways_in_changed, origin=origin)


def _digest(ctx: Context, account: Account, *, address: str, binding: str, code: str) -> bytes:
    return one_time_code.digest(
        key=ctx.keys.current,
        account_id=account.pk,
        purpose=f"{_PURPOSE} {address}",
        binding=binding,
        code=code,
    )
