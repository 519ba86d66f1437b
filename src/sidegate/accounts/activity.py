"""What happened to an account, for its owner and the operator."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.db.models import QuerySet

from sidegate.events.catalogue import Kind
from sidegate.storage.models import Account, Event

REFUSED = (
    Kind.MAIL_REFUSED,
    Kind.MAIL_PASSWORD_RIGHT,
    Kind.WEB_REFUSED,
    Kind.CODE_WRONG,
    Kind.CODE_THROTTLED,
    Kind.OPERATOR_REFUSED,
)
_MAIL = tuple(kind for kind in Kind if kind.startswith("mail-"))
_PAGES = tuple(kind for kind in Kind if kind.startswith(("web-", "code-")))
GROUPS: dict[str, tuple[Kind, ...]] = {
    "mail": _MAIL,
    "pages": _PAGES,
    "changes": tuple(kind for kind in Kind if kind not in {*_MAIL, *_PAGES}),
    "refused": REFUSED,
}
"""Kinds of events that belong together."""


class Wanted(NamedTuple):
    """What a list of events is narrowed to; an empty value narrows nothing."""

    show: str = ""
    """One of `GROUPS`."""
    protocol: str = ""
    app_password: int | None = None
    program: str = ""
    """Part of what the program or browser is called."""
    since: int | None = None
    until: int | None = None
    """Milliseconds since the epoch: from `since` on, before `until`."""

    def narrowed(self, events: QuerySet[Event]) -> QuerySet[Event]:
        """Those of the events that are wanted."""
        if self.show:
            events = events.filter(kind__in=GROUPS[self.show])
        if self.protocol:
            events = events.filter(protocol=self.protocol)
        if self.app_password is not None:
            events = events.filter(app_password=self.app_password)
        if self.program:
            events = events.filter(program__icontains=self.program)
        if self.since is not None:
            events = events.filter(at__gte=self.since)
        return events if self.until is None else events.filter(at__lt=self.until)


EVERYTHING = Wanted()


def recent(
    account: Account,
    *,
    limit: int,
    before_id: int | None = None,
    without: Collection[Kind] = (),
    wanted: Wanted = EVERYTHING,
) -> list[Event]:
    """The newest wanted events of an account, at most `limit`, those before an id."""
    events = wanted.narrowed(Event.objects.filter(account=account)).select_related("app_password")
    if without:
        events = events.exclude(kind__in=without)
    if before_id is not None:
        events = events.filter(pk__lt=before_id)
    return list(events.order_by("-pk")[:limit])


def since(*, account: Account | None, at: int, after_id: int = 0) -> QuerySet[Event]:
    """Events from a time on and after an id, oldest first; of one account or of all."""
    events = Event.objects.filter(at__gte=at, pk__gt=after_id).select_related("account")
    return (events.filter(account=account) if account else events).order_by("pk")
