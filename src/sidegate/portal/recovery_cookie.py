"""The cookie by which the browser that began a recovery is known again."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from sidegate.accounts import recovery
from sidegate.pages import cookies
from sidegate.pages.context import context
from sidegate.storage.models import Account

_COOKIE = "recovery"


def give(answer: HttpResponse, token: str) -> HttpResponse:
    """Know this browser again."""
    cookies.give(answer, _COOKIE, token, lifetime=recovery.COOKIE_LIFETIME)
    return answer


def take_away(answer: HttpResponse) -> HttpResponse:
    """It is of no use any more."""
    cookies.take_away(answer, _COOKIE)
    return answer


def token_of(request: HttpRequest) -> str:
    """What the cookie holds; empty for none."""
    return cookies.value_of(request, _COOKIE)


def began_here(request: HttpRequest, account: Account) -> bool:
    """Whether this browser began the account's recovery that is under way."""
    token = token_of(request)
    return bool(token) and recovery.began_here(context(), account=account, token=token)
