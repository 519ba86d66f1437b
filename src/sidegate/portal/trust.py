"""The cookie of "Don't ask again on this browser", and ending its trust."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from sidegate.accounts import trusted_browsers
from sidegate.pages import cookies
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.models import Account

FIELD = "trust"
"""The box that a person ticks."""

_COOKIE = "trust"


def remember(request: PortalRequest, account: Account, answer: HttpResponse) -> HttpResponse:
    """Trust this browser where that was asked for."""
    if FIELD not in request.POST:
        return answer
    token = trusted_browsers.trust(context(), account=account, origin=origin_of(request))
    if token is not None:
        cookies.give(answer, _COOKIE, token, lifetime=trusted_browsers.LIFETIME)
    return answer


def second_step_at(request: PortalRequest, account: Account) -> int | None:
    """When this browser gave the account's second step, where it is not asked again."""
    token = cookies.value_of(request, _COOKIE)
    if not token:
        return None
    browser = trusted_browsers.find(context(), account=account, token=token)
    return browser.made_at if browser else None


@require_POST
def revoke(request: PortalRequest) -> HttpResponse:
    """Ask a browser for a second step again."""
    number = request.POST.get("id", "")
    if number.isdecimal() and number.isascii():
        trusted_browsers.revoke(
            context(), account=request.account, browser_id=int(number), origin=origin_of(request)
        )
    return redirect("two-step")
