"""Passkeys and security keys: asked for, added, used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.errors import NotAvailable
from sidegate.accounts.notices import tell_of_change
from sidegate.accounts.second_steps import LONGEST_NAME, NewPasskey, StepKind
from sidegate.decisions.words import Reason
from sidegate.events.catalogue import Kind
from sidegate.factors import passkey
from sidegate.factors.passkey import Known, Refusal, RelyingParty, Used
from sidegate.storage.models import Account
from sidegate.storage.second_step_models import Passkey, UsedChallenge

MOST = 20
"""Passkeys of one account."""


@dataclass(frozen=True, slots=True)
class PasskeyRight:
    """It was this account's passkey."""

    account: Account
    user_verified: bool


def party(ctx: Context) -> RelyingParty | None:
    """Who asks; `None` where people reach the portal by an IP address, which has no passkeys."""
    return passkey.relying_party(url=ctx.config.server.url, name=ctx.config.server.name)


def usable(ctx: Context, account: Account) -> bool:
    """Whether the account has passkeys, and this portal may ask for one."""
    return party(ctx) is not None and account.passkeys.exists()


def may_add(ctx: Context, account: Account) -> RelyingParty:
    """Who asks for another one. Raises `NotAvailable`."""
    if account.passkeys.count() >= MOST:
        text = _("You have %(count)s passkeys, the most allowed. Remove one first.")
        raise NotAvailable(text % {"count": MOST})
    return _party(ctx)


def creation_options(ctx: Context, *, account: Account, challenge: bytes) -> dict[str, Any]:
    """What a browser is asked to make. Raises `NotAvailable`."""
    return passkey.creation_options(
        party=may_add(ctx, account),
        challenge=challenge,
        user_handle=_handle(ctx, account),
        address=account.address,
        name=account.name,
        known=_known(account),
    )


def request_options(
    ctx: Context, *, account: Account | None, challenge: bytes, verified: bool
) -> dict[str, Any]:
    """What a browser is asked to use: the account's, or with `None` whichever it holds.

    Raises `NotAvailable`.
    """
    known = _known(account) if account else []
    return passkey.request_options(
        party=_party(ctx), challenge=challenge, known=known, verified=verified
    )


def made(ctx: Context, *, challenge: bytes, answer: str, name: str) -> NewPasskey | Refusal:
    """The passkey that a browser made; it is stored with what it was made for.

    Raises `NotAvailable`.
    """
    found = passkey.registered(party=_party(ctx), challenge=challenge, answer=answer)
    if isinstance(found, Refusal):
        return found
    if Passkey.objects.filter(credential_id=found.credential_id).exists():
        return Refusal.INVALID
    return NewPasskey(
        name=name[:LONGEST_NAME],
        credential_id=found.credential_id,
        public_key=found.public_key,
        sign_count=found.sign_count,
        transports=found.transports,
        user_verified=found.user_verified,
        discoverable=found.discoverable,
    )


def use(
    ctx: Context,
    *,
    account: Account | None,
    challenge: bytes,
    answer: str,
    verified: bool,
    origin: Origin,
) -> PasskeyRight | Refusal:
    """Judge a passkey as the account's; with `None` as that of whoever its answer names.

    Without an account its owner must have been verified, and the answer must name her: it is
    both factors then. Raises `NotAvailable`.
    """
    row = _row(answer, account)
    if row is None:
        _refused(ctx, account, Refusal.INVALID, origin)
        return Refusal.INVALID
    judged = passkey.used(
        party=_party(ctx),
        challenge=challenge,
        answer=answer,
        public_key=bytes(row.public_key),
        sign_count=row.sign_count,
        verified=verified or account is None,
    )
    with transaction.atomic():
        if isinstance(judged, Used):
            judged = _counted(ctx, row, judged)
        if isinstance(judged, Refusal):
            _refused(ctx, row.account, judged, origin)
            if judged is Refusal.COUNTER_BACK:
                _tell_of_copy(ctx, row, origin)
            return judged
    return PasskeyRight(row.account, judged.user_verified)


def first_use(ctx: Context, *, challenge: bytes) -> bool:
    """Use a challenge up that was rightly answered; False where it had been before (rule 8)."""
    _kept, made = UsedChallenge.objects.get_or_create(
        challenge=challenge, defaults={"used_at": ctx.now()}
    )
    return made


def forget_used(*, now: int) -> None:
    """Drop challenges that nobody can answer any more."""
    UsedChallenge.objects.filter(used_at__lt=now - 2 * passkey.LIFETIME).delete()


def _row(answer: str, account: Account | None) -> Passkey | None:
    """The passkey that an answer names, where it may be used for the account."""
    said = passkey.read(answer)
    if said is None or (said.user_handle is None and account is None):
        return None
    rows = Passkey.objects.select_related("account").filter(account__enabled=True)
    row = rows.filter(credential_id=said.credential_id).first()
    if row is None or (account is not None and row.account_id != account.pk):
        return None
    handle = bytes(row.account.passkey_handle or b"")
    return row if said.user_handle in (None, handle) else None


def _counted(ctx: Context, row: Passkey, used: Used) -> Used | Refusal:
    """Keep the counter and the time, unless another answer was counted meanwhile (rule 8)."""
    said = used.sign_count
    rows = Passkey.objects.filter(pk=row.pk)
    going_on = rows.filter(Q(sign_count__lt=said) if said else Q(sign_count=0))
    if going_on.update(sign_count=said, last_used_at=ctx.now()):
        return used
    return Refusal.COUNTER_BACK if rows.exists() else Refusal.INVALID


def _refused(ctx: Context, account: Account | None, why: Refusal, origin: Origin) -> None:
    reason = Reason.PASSKEY_COPIED if why is Refusal.COUNTER_BACK else Reason.WRONG_PASSKEY
    account_id = account.pk if account else None
    note(ctx, kind=Kind.WEB_REFUSED, account_id=account_id, origin=origin, reason=reason)


def _tell_of_copy(ctx: Context, row: Passkey, origin: Origin) -> None:
    step = StepKind.PASSKEY.value
    kind = Kind.PASSKEY_COPIED
    note(ctx, kind=kind, account_id=row.account_id, origin=origin, step=step, name=row.name)
    tell_of_change(ctx, account=row.account, kind=kind, origin=origin, step=step)


def _known(account: Account) -> list[Known]:
    rows = account.passkeys.order_by("added_at", "id")
    return [Known(bytes(row.credential_id), row.transports) for row in rows]


def _handle(ctx: Context, account: Account) -> bytes:
    """What passkeys know the account by: random, so that it tells nothing."""
    drawn = ctx.random(passkey.HANDLE_BYTES)
    Account.objects.filter(pk=account.pk, passkey_handle=None).update(passkey_handle=drawn)
    account.refresh_from_db(fields=["passkey_handle"])
    return bytes(account.passkey_handle or b"")


def _party(ctx: Context) -> RelyingParty:
    found = party(ctx)
    if found is None:
        raise NotAvailable(
            _("Passkeys need a portal that is reached by a name, not by a bare IP address.")
        )
    return found
