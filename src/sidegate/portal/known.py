"""The cookie by which a browser is known to have been signed in before."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse

from sidegate.accounts import known_browsers, tokens
from sidegate.pages import cookies
from sidegate.pages.context import context

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
_COOKIE = "known"
_KEEP = "known_browser_token"


def token_of(request: HttpRequest) -> str:
    """What this browser is known by: its cookie's, or a new one."""
    token = cookies.value_of(request, _COOKIE)
    return token if _TOKEN.fullmatch(token) else tokens.new(context())


def remember(request: HttpRequest, token: str) -> None:
    """Have the cookie left in it, now that its sign-in is committed."""
    setattr(request, _KEEP, token)


def keep(request: HttpRequest, answer: HttpResponse) -> None:
    """Leave the cookie in a browser that was signed in just now."""
    token = getattr(request, _KEEP, None)
    if token is not None:
        cookies.give(answer, _COOKIE, token, lifetime=known_browsers.KEPT_FOR)
