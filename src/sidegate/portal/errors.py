"""Pages for what went wrong: what it was, and what to do now.

None of them asks the database, which may be what went wrong: no session, no messages.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sidegate.storage.outages import Writes

_WRITES = "writes"
_RETRY_SECONDS = "60"
_LOOK_FIRST = _("If you were changing something, look first whether it was done.")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400."""
    del exception
    return _page(
        request,
        status=400,
        title=_("We could not understand this request"),
        text=_("Go back to the page you came from, reload it, and try again."),
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403."""
    del exception
    return _page(
        request,
        status=403,
        title=_("This page is not for you"),
        text=_("You are signed in, but not allowed to see this page."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 where a form did not come from a page of ours."""
    del reason
    return _page(
        request,
        status=403,
        title=_("This form is no longer valid"),
        text=_(
            "Nothing was changed. You may have signed in or out in another tab, or your browser "
            "may refuse cookies, which this page needs. Open the page again and fill it in anew."
        ),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404."""
    del exception
    return _page(
        request,
        status=404,
        title=_("There is no such page"),
        text=_("The address may be mistyped, or the page may have moved."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500."""
    return _page(
        request,
        status=500,
        title=_("Something went wrong on our side"),
        text=_(
            "It was not your fault. Try again; if it keeps happening, tell whoever runs your mail "
            "server."
        ),
        more=_LOOK_FIRST if _may_be_done(request) else None,
    )


def unavailable(request: HttpRequest) -> HttpResponse:
    """503."""
    more = _LOOK_FIRST if _may_be_done(request) else None
    text = _("Nothing was changed. Please try again in a few minutes.")
    if more is not None:
        text = _("Please try again in a few minutes.")
    title = _("We cannot answer just now")
    response = _page(request, status=503, title=title, text=text, more=more)
    response.headers["Retry-After"] = _RETRY_SECONDS
    return response


def note_writes(request: HttpRequest) -> AbstractContextManager[None]:
    """Around a view: whether it wrote anything is told by the page of what goes wrong then."""
    writes = Writes()
    setattr(request, _WRITES, writes)
    return connection.execute_wrapper(writes)


def _may_be_done(request: HttpRequest) -> bool:
    writes: Writes | None = getattr(request, _WRITES, None)
    return writes is not None and writes.begun


def _page(
    request: HttpRequest,
    *,
    status: int,
    title: Promise,
    text: Promise,
    more: Promise | None = None,
) -> HttpResponse:
    shown = {
        "title": title,
        "text": text,
        "more": more,
        "way_out_text": _("Go to the start page"),
    }
    return render(request, "portal/error.html", shown, status=status)
