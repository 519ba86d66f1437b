"""Who sees the operator's pages: accounts made operator, with 2-step on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from sidegate.accounts import people
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
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
            people.operator_refused(context(), account=request.account, origin=origin_of(request))
            raise Http404
        if not request.account.two_step:
            return render(request, "console/two_step_first.html", status=403)
        return view(request)

    return guarded
