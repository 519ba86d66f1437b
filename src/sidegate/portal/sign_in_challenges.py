"""Challenges of passkeys on the sign-in page: in a cookie, as nobody has proved anything yet.

Whoever asks, and however often, no row is written. The cookie is signed, so that a browser
answers none but what was drawn for it; that a right answer counts once is kept in the database.
"""

from __future__ import annotations

from django.core import signing
from django.http import HttpRequest, HttpResponse

from sidegate.factors.passkey import LIFETIME
from sidegate.pages import cookies
from sidegate.pages.context import context

_MOST = 4
_COOKIE = "passkey"
_SALT = "sidegate.passkey-sign-in"
_CHANGED = "sign_in_challenges"
_Open = list[tuple[str, int]]
"""Challenges in hexadecimal, and when they were drawn; the oldest first."""


def draw(request: HttpRequest, challenge: bytes) -> None:
    """Keep a challenge in this browser, in place of the oldest where there are many."""
    kept = _open_ones(request)[-_MOST + 1 :]
    setattr(request, _CHANGED, [*kept, (challenge.hex(), context().now())])


def take(request: HttpRequest, challenge: bytes) -> int | None:
    """When a challenge of this browser was drawn; `None` where it is none of them."""
    kept = dict(_open_ones(request))
    at = kept.pop(challenge.hex(), None)
    setattr(request, _CHANGED, list(kept.items()))
    return at


def keep(request: HttpRequest, answer: HttpResponse) -> None:
    """Write the cookie where it changed."""
    changed: _Open | None = getattr(request, _CHANGED, None)
    if changed is not None:
        cookies.give(answer, _COOKIE, signing.dumps(changed, salt=_SALT), lifetime=LIFETIME)


def _open_ones(request: HttpRequest) -> _Open:
    try:
        kept = signing.loads(cookies.value_of(request, _COOKIE), salt=_SALT)
    except signing.BadSignature:
        return []
    return [(str(challenge), int(at)) for challenge, at in kept]
