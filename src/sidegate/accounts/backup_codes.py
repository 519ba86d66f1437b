"""Backup codes: made as a draft, turned on once they are kept, used once each."""

from __future__ import annotations

import json

from django.db import transaction

from sidegate import texts
from sidegate.accounts import code_tries
from sidegate.accounts.account_lock import locked_enabled
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.errors import NotAvailable
from sidegate.accounts.notices import tell_of_change
from sidegate.accounts.phone_notices import tell_phones
from sidegate.accounts.second_steps import NO_TWO_STEP, StepKind
from sidegate.events.catalogue import Kind
from sidegate.factors import backup_code
from sidegate.storage.models import Account
from sidegate.storage.sealed import seal, unseal
from sidegate.storage.second_step_models import BackupCode

_STEP = StepKind.BACKUP_CODES.value


def draft(ctx: Context, *, account: Account) -> bytes:
    """New codes that open nothing yet, sealed for the account."""
    codes = [backup_code.generate(random=ctx.random) for _ in range(backup_code.COUNT)]
    secret = json.dumps(codes).encode()
    return seal(keys=ctx.keys, random=ctx.random, secret=secret, bound_to=_place(account))


def drafted(ctx: Context, *, account: Account, sealed: bytes) -> list[str]:
    """The codes of a draft. Raises `CannotUnseal`."""
    secret = unseal(keys=ctx.keys, sealed=sealed, bound_to=_place(account))
    return [str(code) for code in json.loads(secret)]


def turn_on(ctx: Context, *, account: Account, codes: list[str], origin: Origin) -> None:
    """Let these codes count, and no earlier ones. Raises `NotAvailable` with 2-step off."""
    now = ctx.now()
    with transaction.atomic():
        current = locked_enabled(account)
        if not current.two_step:
            raise NotAvailable(NO_TWO_STEP)
        current.backup_codes.all().delete()
        for code in codes:
            digest = backup_code.digest(key=ctx.keys.current, account_id=account.pk, code=code)
            BackupCode.objects.create(account=current, digest=digest, made_at=now)
        kind = Kind.BACKUP_CODES_MADE
        note(ctx, kind=kind, account_id=account.pk, origin=origin, step=_STEP)
        tell_of_change(ctx, account=current, kind=kind, origin=origin, step=_STEP)
        tell_phones(ctx, account=current, text=texts.ways_in_changed, origin=origin)


def present(ctx: Context, *, account: Account, code: str, origin: Origin) -> bool:
    """Present a code; a right one is used up by it (rule 8). Raises `TooManyTries`."""
    taken = code_tries.take(ctx, account_id=account.pk, origin=origin)
    typed = backup_code.normalise(code) or ""
    digests = [
        backup_code.digest(key=key, account_id=account.pk, code=typed)
        for key in ctx.keys.keys.values()
    ]
    with transaction.atomic():
        unused = BackupCode.objects.filter(account=account, digest__in=digests, used_at=None)
        used = unused.update(used_at=ctx.now())
        kind = Kind.BACKUP_CODE_USED if used else Kind.CODE_WRONG
        note(ctx, kind=kind, account_id=account.pk, origin=origin, step=_STEP)
        if used:
            code_tries.give_back(taken)
            tell_of_change(ctx, account=account, kind=kind, origin=origin, step=_STEP)
    return bool(used)


def _place(account: Account) -> bytes:
    return f"backup-codes:{account.pk}".encode()
