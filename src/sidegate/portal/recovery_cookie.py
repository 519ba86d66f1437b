"""The cookie by which the browser that began a recovery is known again."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from sidegate.accounts import recovery
from sidegate.pages.context import context
from sidegate.storage.models import Account


def give(answer: HttpResponse, token: str) -> HttpResponse:
    """Know this browser again."""
    answer.set_cookie(
        _name(),
        token,
        max_age=recovery.COOKIE_LIFETIME // 1000,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer


def take_away(answer: HttpResponse) -> HttpResponse:
    """It is of no use any more."""
    answer.delete_cookie(_name(), samesite="Lax")
    return answer


def token_of(request: HttpRequest) -> str:
    """What the cookie holds; empty for none."""
    return request.COOKIES.get(_name(), "")


def began_here(request: HttpRequest, account: Account) -> bool:
    """Whether this browser began the account's recovery that is under way."""
    token = token_of(request)
    return bool(token) and recovery.began_here(context(), account=account, token=token)


def _name() -> str:
    # Beside the session's, with the same prefix.
    return f"{settings.SESSION_COOKIE_NAME}-recovery"
