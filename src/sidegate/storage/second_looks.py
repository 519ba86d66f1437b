"""Refused secrets that are looked at once more: beside their rows in the counters."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import QuerySet

from sidegate.decisions.right_but_refused import Looked
from sidegate.decisions.throttle import HOUR
from sidegate.storage.mail_models import WrongSecret


class Row(NamedTuple):
    """What a refused secret is counted under; see `storage/counters`."""

    login: bytes
    network: str
    secret: bytes


def looked(row: Row, *, now: int) -> Looked:
    """What was done for this account before; under the account's lock it holds."""
    of_login = WrongSecret.objects.filter(login_digest=row.login)
    checked = of_login.exclude(checked_at=None)
    this = list(checked.filter(secret_digest=row.secret).values_list("right_at", flat=True))
    return Looked(
        checks=checked.filter(checked_at__gt=now - HOUR).count(),
        before=bool(this),
        right=any(right_at is not None for right_at in this),
    )


def claim(row: Row, *, now: int) -> bool:
    """Say that it is being judged; False where it is not counted any more."""
    return bool(_rows(row).filter(checked_at=None).update(checked_at=now))


def release(row: Row) -> None:
    """Say that it could not be judged: the next try may be."""
    _rows(row).filter(right_at=None).update(checked_at=None)


def forgive(row: Row, *, now: int) -> None:
    """Count it no longer from this network, where it was the right one all the time."""
    _rows(row).filter(right_at=None).update(right_at=now)


def _rows(row: Row) -> QuerySet[WrongSecret]:
    return WrongSecret.objects.filter(
        login_digest=row.login, network=row.network, secret_digest=row.secret
    )
