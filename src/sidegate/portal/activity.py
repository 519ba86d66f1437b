"""Every sign-in and every change."""

from __future__ import annotations

from itertools import groupby
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render

from sidegate.accounts import activity, people_time
from sidegate.pages.context import context
from sidegate.portal.activity_form import ActivityForm
from sidegate.portal.activity_words import Told, told
from sidegate.portal.visitors import PortalRequest

_PAGE = 50
_MOST_DIGITS = 18


def page(request: PortalRequest) -> HttpResponse:
    """The newest events first, in days."""
    wanted = request.GET.get("before", "")
    known = wanted.isascii() and wanted.isdecimal() and len(wanted) <= _MOST_DIGITS
    before = int(wanted) if known else None
    form = ActivityForm(request.GET, account=request.account)
    narrowed = form.wanted()
    events = activity.recent(request.account, limit=_PAGE + 1, before_id=before, wanted=narrowed)
    older = events[_PAGE - 1].pk if len(events) > _PAGE else None
    shown = {
        "days": _days([told(event) for event in events[:_PAGE]]),
        "older": older,
        "newest": before is None,
        "form": form,
        "narrowed": narrowed != activity.EVERYTHING,
        "query": urlencode(
            {name: request.GET[name] for name in form.fields if request.GET.get(name)}
        ),
    }
    return render(request, "portal/activity.html", shown)


def _days(events: list[Told]) -> list[tuple[str, list[Told]]]:
    now = people_time.moment(context().now())

    def words(event: Told) -> str:
        return people_time.day_words(people_time.moment(event.at), now=now)

    return [(day, list(group)) for day, group in groupby(events, key=words)]
