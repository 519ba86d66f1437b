"""The cookie by which a browser is known to have been signed in before."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse

from sidegate.accounts import known_browsers, tokens
from sidegate.pages import cookies
from sidegate.pages.context import context
from sidegate.storage.models import Account

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
_COOKIE = "known"
_KEEP = "known_browser_token"


def is_new(request: HttpRequest, account: Account) -> bool:
    """Note the sign-in of this browser; whether it is new to the account."""
    token = cookies.value_of(request, _COOKIE)
    if not _TOKEN.fullmatch(token):
        token = tokens.new(context())
    setattr(request, _KEEP, token)
    return known_browsers.sign_in(context(), account=account, token=token)


def keep(request: HttpRequest, answer: HttpResponse) -> None:
    """Leave the cookie in a browser that was signed in just now."""
    token = getattr(request, _KEEP, None)
    if token is not None:
        cookies.give(answer, _COOKIE, token, lifetime=known_browsers.KEPT_FOR)
