"""Authenticator apps: set up, proved by a first code, and asked for codes."""

from __future__ import annotations

from django.db import transaction

from sidegate.accounts import code_tries
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.second_steps import WORDS, NewAuthenticator, StepKind
from sidegate.events.catalogue import Kind
from sidegate.factors import one_time_code, totp
from sidegate.storage.models import Account
from sidegate.storage.sealed import CannotUnseal, seal, unseal
from sidegate.storage.second_step_models import Totp

_NEVER = -1
"""A step before all others."""


def new_secret(ctx: Context, *, account: Account) -> bytes:
    """A new secret, sealed for the account: nothing else unseals it."""
    secret = totp.generate(random=ctx.random)
    return seal(keys=ctx.keys, random=ctx.random, secret=secret, bound_to=_place(account))


def shown(ctx: Context, *, account: Account, sealed: bytes) -> tuple[str, str]:
    """The key in groups and the address for the QR code. Raises `CannotUnseal`."""
    secret = unseal(keys=ctx.keys, sealed=sealed, bound_to=_place(account))
    uri = totp.uri(secret=secret, address=account.address, issuer=ctx.config.server.name)
    return totp.key(secret), uri


def prove(ctx: Context, *, account: Account, sealed: bytes, code: str) -> NewAuthenticator | None:
    """The app as it can be added once its first code is right. Raises `CannotUnseal`."""
    step = _step(ctx, account, sealed, code=code, after=_NEVER)
    if step is None:
        return None
    return NewAuthenticator(name=_name(account), secret=sealed, step=step)


def present(ctx: Context, *, account: Account, code: str, origin: Origin) -> bool:
    """Present a code of any of the account's apps; its step is used up by it (rule 8).

    Raises `TooManyTries`.
    """
    taken = code_tries.take(ctx, account_id=account.pk, origin=origin)
    for row in account.totps.all():
        if _use(ctx, account, row, code=code):
            code_tries.give_back(taken)
            return True
    with transaction.atomic():
        step = StepKind.AUTHENTICATOR.value
        note(ctx, kind=Kind.CODE_WRONG, account_id=account.pk, origin=origin, step=step)
    return False


def _use(ctx: Context, account: Account, row: Totp, *, code: str) -> bool:
    try:
        step = _step(ctx, account, bytes(row.secret), code=code, after=row.last_step)
    except CannotUnseal:
        return False
    if step is None:
        return False
    unused = Totp.objects.filter(pk=row.pk, last_step__lt=step)
    return bool(unused.update(last_step=step, last_used_at=ctx.now()))


def _step(ctx: Context, account: Account, sealed: bytes, *, code: str, after: int) -> int | None:
    secret = unseal(keys=ctx.keys, sealed=sealed, bound_to=_place(account))
    digits = one_time_code.normalise(code) or ""
    return totp.matching_step(secret=secret, code=digits, now=ctx.now(), after=after)


def _place(account: Account) -> bytes:
    return f"totp:{account.pk}".encode()


def _name(account: Account) -> str:
    """The kind's own word; with a number where that is taken."""
    word = str(WORDS[StepKind.AUTHENTICATOR])
    taken = {*account.totps.values_list("name", flat=True)}
    names = (word if number == 1 else f"{word} {number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)
