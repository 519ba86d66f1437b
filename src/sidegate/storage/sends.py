"""Codes and notices to phones, counted by whom, where to and from where, for a day.

Beside them stands what is told once a day, of codes that are stopped and of whatever else.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Q, QuerySet

from sidegate.decisions.sends import LEAST_JUDGED, Conversion, Limit, Scope
from sidegate.decisions.throttle import DAY
from sidegate.storage.models import CodeSend, SendSubject

SENT = "sent"
USED = "used"
FAILED = "failed"
"""It surely did not go out: what a gateway could not do says nothing about a prefix."""

TOLD = "told"
"""A notice, not a code: it takes no code from its number, account or network."""

_LOCK = "all"
_OF_CODES = frozenset({Scope.NUMBER, Scope.ACCOUNT, Scope.NETWORK})
_TOLD_OF = "told:"
_STOP = "stop:"
_COLUMNS = {
    Scope.NUMBER: "number",
    Scope.ACCOUNT: "account",
    Scope.NETWORK: "network",
    Scope.PREFIX: "prefix",
}


@dataclass(frozen=True, slots=True)
class Send:
    """What one code counts under."""

    account: int
    number: str
    """A keyed digest."""
    network: str
    prefix: str
    price: int
    """In millionths."""


def lock(*, now: int) -> None:
    """Let nobody else count until the transaction is over, on any replica."""
    # ON CONFLICT writes the row in either case, and a written row is a lock.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO send_subject (subject, touched_at) VALUES (%s, %s)"
            " ON CONFLICT (subject) DO UPDATE SET touched_at = excluded.touched_at",
            [_LOCK, now],
        )


def nth_newest(send: Send, limits: Collection[Limit], *, now: int) -> dict[Limit, int]:
    """When each limit's `most`-th newest code was sent, where there were so many."""
    found = {}
    for limit in limits:
        at = _nth(_of(send, limit.scope, since=now - limit.within), limit.most)
        if at is not None:
            found[limit] = at
    return found


def told(number: str, *, since: int) -> int:
    """How many notices went to a number after a time."""
    return CodeSend.objects.filter(number=number, at__gt=since, outcome=TOLD).count()


def spent(*, now: int) -> list[tuple[int, int]]:
    """Time and price of each code of the last day that cost something."""
    return list(CodeSend.objects.filter(at__gt=now - DAY, price__gt=0).values_list("at", "price"))


def conversion(prefix: str, *, settled_by: int, now: int) -> Conversion:
    """What came of a prefix's codes of the last day, sent before `settled_by` or used."""
    judged = _judged(settled_by, now).filter(prefix=prefix)
    return Conversion(judged.count(), judged.filter(outcome=USED).count())


def conversions(*, settled_by: int, now: int) -> dict[str, Conversion]:
    """The same for every prefix."""
    counted = (
        _judged(settled_by, now)
        .values("prefix")
        .annotate(sent=Count("id"), used=Count("id", filter=Q(outcome=USED)))
        .order_by("prefix")
    )
    return {row["prefix"]: Conversion(row["sent"], row["used"]) for row in counted}


def judged_again_at(prefix: str, *, settled_by: int, now: int) -> int:
    """When so few of a prefix's codes will be within a day that they say nothing."""
    at = _nth(_judged(settled_by, now).filter(prefix=prefix), LEAST_JUDGED)
    return (at or now) + DAY


def within_a_day(*, now: int) -> int:
    """How many messages were sent in all."""
    return CodeSend.objects.filter(at__gt=now - DAY).count()


def add(send: Send, *, job: int, now: int, outcome: str = SENT) -> None:
    """Count one, whose job it is."""
    CodeSend.objects.create(
        account_id=send.account,
        number=send.number,
        network=send.network,
        prefix=send.prefix,
        at=now,
        price=send.price,
        job=job,
        outcome=outcome,
    )


def mark(*, job: int, outcome: str) -> None:
    """Note what came of a job's code."""
    CodeSend.objects.filter(job=job).exclude(outcome__in=(USED, TOLD)).update(outcome=outcome)


def first_told(what: str, *, now: int) -> bool:
    """Whether something has not been told within a day; it has been, from now on."""
    subject = _TOLD_OF + what
    before = SendSubject.objects.filter(subject=subject)
    if before.filter(touched_at__lte=now - DAY).update(touched_at=now):
        return True
    _row, made = SendSubject.objects.get_or_create(subject=subject, defaults={"touched_at": now})
    return made


def stop_first_told(stop: str, *, now: int) -> bool:
    """As `first_told`, of codes that were stopped."""
    return first_told(_STOP + stop, now=now)


def stops_told(*, now: int) -> dict[str, int]:
    """What stops were told of within the last day, and when; the last one first."""
    begins = _TOLD_OF + _STOP
    rows = SendSubject.objects.filter(subject__startswith=begins, touched_at__gt=now - DAY)
    found = rows.order_by("-touched_at").values_list("subject", "touched_at")
    return {subject.removeprefix(begins): at for subject, at in found}


def forget_old(*, now: int) -> None:
    """Drop what no limit looks at any more."""
    CodeSend.objects.filter(at__lte=now - DAY).delete()
    # But for the lock's row: who holds it may wait for one of the others.
    SendSubject.objects.filter(touched_at__lte=now - DAY).exclude(subject=_LOCK).delete()


def _of(send: Send, scope: Scope, *, since: int) -> QuerySet[CodeSend]:
    recent = CodeSend.objects.filter(at__gt=since)
    if scope in _OF_CODES:
        recent = recent.exclude(outcome=TOLD)
    if scope is Scope.ALL:
        return recent
    return recent.filter(**{_COLUMNS[scope]: getattr(send, scope.value)})


def _judged(settled_by: int, now: int) -> QuerySet[CodeSend]:
    settled = Q(at__lte=settled_by, outcome=SENT) | Q(outcome=USED)
    return CodeSend.objects.filter(settled, at__gt=now - DAY)


def _nth(sends: QuerySet[CodeSend], nth: int) -> int | None:
    return sends.order_by("-at").values_list("at", flat=True)[nth - 1 : nth].first()
