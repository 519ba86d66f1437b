"""How strong a new password is, told while it is typed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from sidegate.accounts.password_strength import strength_of
from sidegate.pages.context import context
from sidegate.portal import grants
from sidegate.portal.grants import Area, inside
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.models import Account


def answer(request: HttpRequest, account: Account) -> HttpResponse:
    """A part of a page about the password typed for this account; 204 for "ask again".

    Whoever calls it has made sure that this browser may set that account's password.
    """
    found = strength_of(
        context(),
        password=request.POST.get("new_password", ""),
        address=account.address,
        name=account.name,
    )
    if found is None:
        return HttpResponse(status=204)
    return render(request, "portal/strength.html", {"strength": found})


@inside(Area.PASSWORD)
@require_POST
def of_own(request: PortalRequest) -> HttpResponse:
    """For the page that changes the password of whoever is signed in."""
    if not grants.is_open(request, Area.PASSWORD):
        return HttpResponse(status=403)
    return answer(request, request.account)
