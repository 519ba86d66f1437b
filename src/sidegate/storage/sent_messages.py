"""How many messages an app password sent today: consumed at once, by one conditional update."""

from __future__ import annotations

from django.db.models import Case, F, Q, Value, When

from sidegate.storage.models import AppPassword

_DAY = 24 * 3600 * 1000


def take(*, app_password_id: int, messages: int, now: int) -> bool:
    """Count messages that are about to be sent; False where they are too many today (UTC)."""
    today = now // _DAY
    room = Q(sent_day=today, sent_count__lte=F("daily_most") - messages) | (
        ~Q(sent_day=today) & Q(daily_most__gte=messages)
    )
    sent = Case(When(sent_day=today, then=F("sent_count")), default=Value(0))
    rows = AppPassword.objects.filter(room, pk=app_password_id)
    return bool(rows.update(sent_count=sent + messages, sent_day=today))


def give_back(*, app_password_id: int, messages: int, now: int) -> None:
    """Take back what was counted and could not be sent."""
    AppPassword.objects.filter(
        pk=app_password_id, sent_day=now // _DAY, sent_count__gte=messages
    ).update(sent_count=F("sent_count") - messages)
