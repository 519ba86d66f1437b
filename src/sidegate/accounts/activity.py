"""What happened to an account, for its owner and the operator."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from sidegate.events.catalogue import Kind
from sidegate.storage.models import Account, Event


def recent(
    account: Account,
    *,
    limit: int,
    before_id: int | None = None,
    without: Collection[Kind] = (),
) -> list[Event]:
    """The newest events of an account, at most `limit`, those before an id."""
    events = Event.objects.filter(account=account).select_related("app_password")
    if without:
        events = events.exclude(kind__in=without)
    if before_id is not None:
        events = events.filter(pk__lt=before_id)
    return list(events.order_by("-pk")[:limit])


def since(*, account: Account | None, at: int, after_id: int = 0) -> QuerySet[Event]:
    """Events from a time on and after an id, oldest first; of one account or of all."""
    events = Event.objects.filter(at__gte=at, pk__gt=after_id).select_related("account")
    return (events.filter(account=account) if account else events).order_by("pk")
