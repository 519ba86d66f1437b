"""Points in time as a person says them."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.dateformat import format as formatted
from django.utils.translation import gettext, pgettext, pgettext_lazy

# Translators: in the form that stands in a date which tells when something happened.
_MONTHS = (
    pgettext_lazy("month in a date", "January"),
    pgettext_lazy("month in a date", "February"),
    pgettext_lazy("month in a date", "March"),
    pgettext_lazy("month in a date", "April"),
    pgettext_lazy("month in a date", "May"),
    pgettext_lazy("month in a date", "June"),
    pgettext_lazy("month in a date", "July"),
    pgettext_lazy("month in a date", "August"),
    pgettext_lazy("month in a date", "September"),
    pgettext_lazy("month in a date", "October"),
    pgettext_lazy("month in a date", "November"),
    pgettext_lazy("month in a date", "December"),
)


_ZONE: ContextVar[ZoneInfo | None] = ContextVar("time zone", default=None)


def use_zone(name: str) -> None:
    """Say times in that zone, for this request; "" is the time zone of this machine."""
    _ZONE.set(ZoneInfo(name) if name else None)


def moment(milliseconds: int) -> datetime:
    """The point in time, in the person's time zone."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(_ZONE.get())


def moment_there(milliseconds: int, *, zone: str) -> datetime:
    """The point in time in a zone, as `use_zone` names it."""
    there = ZoneInfo(zone) if zone else None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(there)


def start_of(day: date) -> int:
    """When that day begins in the person's time zone, in milliseconds since the epoch."""
    midnight = datetime.combine(day, time())
    zone = _ZONE.get()
    begins = midnight.replace(tzinfo=zone) if zone else midnight.astimezone()
    return int(begins.timestamp() * 1000)


def day_words(at: datetime, *, now: datetime) -> str:
    """Say "today", "yesterday" or "3 May 2026"."""
    if at.date() == now.date():
        return gettext("today")
    if at.date() == now.date() - timedelta(days=1):
        return gettext("yesterday")
    return date_words(at)


def date_words(at: datetime) -> str:
    """Say "3 May 2026"."""
    return pgettext("date", "%(day)s %(month)s %(year)s") % {
        "day": at.day,
        "month": _MONTHS[at.month - 1],
        "year": at.year,
    }


def moment_words(at: datetime, *, now: datetime) -> str:
    """Say "today, 14:05" or "3 May 2026, 14:05"."""
    return _moment(day_words(at, now=now), at)


def written_words(at: datetime) -> str:
    """Say "3 May 2026, 14:05 (UTC+03:00)": true whenever and wherever it is read."""
    return f"{_moment(date_words(at), at)} ({_offset(at)})"


def _moment(day: str, at: datetime) -> str:
    return gettext("%(day)s, %(time)s") % {"day": day, "time": clock_words(at)}


def clock_words(at: datetime, *, seconds: bool = False) -> str:
    """Say "14:05", or "14:05:09"."""
    if seconds:
        return formatted(at, pgettext("time format", "H:i:s"))
    # Translators: a time of day as Django's date filter writes it, such as "14:05".
    return formatted(at, pgettext("time format", "H:i"))


def exact_words(at: datetime) -> str:
    """Say "2026-05-03 14:05:09 UTC+03:00"."""
    return f"{at:%Y-%m-%d %H:%M:%S} {_offset(at)}"


def _offset(at: datetime) -> str:
    offset = at.strftime("%z")
    return f"UTC{offset[:3]}:{offset[3:5]}"
