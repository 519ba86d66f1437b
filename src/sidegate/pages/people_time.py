"""Points in time as a person says them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.dateformat import format as formatted
from django.utils.translation import gettext, pgettext


def moment(milliseconds: int) -> datetime:
    """The point in time, in the time zone of this machine."""
    return datetime.fromtimestamp(milliseconds / 1000).astimezone()


def day_words(at: datetime, *, now: datetime) -> str:
    """Say "today", "yesterday" or "3 May 2026"."""
    if at.date() == now.date():
        return gettext("today")
    if at.date() == now.date() - timedelta(days=1):
        return gettext("yesterday")
    # Translators: a date as Django's date filter writes it, such as "3 May 2026".
    return formatted(at, pgettext("date format", "j F Y"))


def moment_words(at: datetime, *, now: datetime) -> str:
    """Say "today, 14:05" or "3 May 2026, 14:05"."""
    return gettext("%(day)s, %(time)s") % {
        "day": day_words(at, now=now),
        "time": clock_words(at),
    }


def clock_words(at: datetime, *, seconds: bool = False) -> str:
    """Say "14:05", or "14:05:09"."""
    if seconds:
        return formatted(at, pgettext("time format", "H:i:s"))
    # Translators: a time of day as Django's date filter writes it, such as "14:05".
    return formatted(at, pgettext("time format", "H:i"))


def exact_words(at: datetime) -> str:
    """Say "2026-05-03 14:05:09 UTC+03:00"."""
    offset = at.strftime("%z")
    return at.strftime("%Y-%m-%d %H:%M:%S") + f" UTC{offset[:3]}:{offset[3:]}"
