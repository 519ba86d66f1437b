"""Who sees the operator's pages: accounts made operator, with 2-step on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from sidegate.accounts import people
from sidegate.accounts.context import Origin
from sidegate.pages.browsers import browser_name
from sidegate.pages.context import context
from sidegate.storage.models import Account


class OperatorRequest(HttpRequest):
    """A request as these views get it, past the middleware."""

    account: Account
    """Whose session it is."""


View = Callable[[OperatorRequest], HttpResponse]


def for_operators(view: View) -> View:
    """To everybody else it is a page that does not exist."""

    @wraps(view)
    def guarded(request: OperatorRequest) -> HttpResponse:
        if not request.account.is_operator:
            people.operator_refused(context(), account=request.account, origin=_origin(request))
            raise Http404
        if not request.account.two_step:
            return render(request, "console/two_step_first.html", status=403)
        return view(request)

    return guarded


def _origin(request: HttpRequest) -> Origin:
    return Origin(
        by="owner",
        address=str(request.META.get("REMOTE_ADDR", "")),
        program=browser_name(request.headers.get("User-Agent", "")),
    )
