"""Wrong codes of second steps, counted for an account across all kinds.

Failures from elsewhere never count against a network that the account signed in from
within 30 days, so nobody who learns the password can lock the owner out from afar; each
such network has the same limit of its own.
"""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from sidegate.accounts.account_lock import locked
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.errors import TooManyTries
from sidegate.decisions.code_tries import retry_at
from sidegate.decisions.throttle import DAY, FAMILIAR_FOR, network_of
from sidegate.events.catalogue import Kind
from sidegate.storage import sends
from sidegate.storage.mail_models import FamiliarNetwork
from sidegate.storage.second_step_models import CodeTry


def take(ctx: Context, *, account_id: int, origin: Origin) -> CodeTry:
    """Take one try before a code is judged; `give_back` it where the code was right.

    Taken first, under the account's lock, so that browsers at once get no more of them.
    Raises `TooManyTries`, which is an event once a day.
    """
    try:
        return _take(ctx, account_id=account_id, origin=origin)
    except TooManyTries:
        kind = Kind.CODE_THROTTLED
        with transaction.atomic():
            if sends.first_told(f"{kind}:{account_id}", now=ctx.now()):
                note(ctx, kind=kind, account_id=account_id, origin=origin)
        raise


def _take(ctx: Context, *, account_id: int, origin: Origin) -> CodeTry:
    now, network = ctx.now(), network_of(origin.address)
    with transaction.atomic():
        locked(account_id)
        CodeTry.objects.filter(account=account_id, at__lte=now - DAY).delete()
        familiar = FamiliarNetwork.objects.filter(account=account_id, at__gt=now - FAMILIAR_FOR)
        tries = CodeTry.objects.filter(account=account_id)
        if familiar.filter(network=network).exists():
            tries = tries.filter(network=network)
        else:
            tries = tries.exclude(network__in=familiar.values("network"))
        again = retry_at([*tries.values_list("at", flat=True)], now=now)
        if again is not None:
            raise TooManyTries(
                _("Too many wrong codes were typed for this account."), retry_at=again
            )
        return CodeTry.objects.create(account_id=account_id, network=network, at=now)


def give_back(taken: CodeTry) -> None:
    """The code was right: it counts as no wrong one."""
    taken.delete()
