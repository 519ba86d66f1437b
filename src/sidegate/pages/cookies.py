"""Cookies of our own beside the session's: named by its prefix, sent as it is."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse


def value_of(request: HttpRequest, name: str) -> str:
    """What a browser brought; empty for none."""
    return request.COOKIES.get(_full(name), "")


def give(answer: HttpResponse, name: str, value: str, *, lifetime: int) -> None:
    """Leave a cookie in a browser for `lifetime` milliseconds."""
    answer.set_cookie(
        _full(name),
        value,
        max_age=lifetime // 1000,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def take_away(answer: HttpResponse, name: str) -> None:
    """Take it from the browser."""
    answer.delete_cookie(_full(name), samesite="Lax")


def _full(name: str) -> str:
    # With the session's prefix: `__Host-` where there is https.
    return f"{settings.SESSION_COOKIE_NAME}-{name}"
