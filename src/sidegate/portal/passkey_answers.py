"""Passkeys between a page and its browser: what is asked, and whether the answer counts.

A challenge is kept in the browser's session, or on the sign-in page in a cookie
(`sign_in_challenges`), good once and for five minutes. Several may be open at a time: a person
has more than one tab.
"""

from __future__ import annotations

from typing import Literal

from django.http import Http404, HttpResponse, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sidegate.accounts import passkeys
from sidegate.accounts.errors import NotAvailable
from sidegate.accounts.passkeys import PasskeyRight
from sidegate.accounts.second_steps import NewPasskey
from sidegate.factors import passkey
from sidegate.factors.passkey import Refusal
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import sign_in_challenges
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.models import Account

Purpose = Literal["sign-in", "second-step", "confirm", "add"]

USED, MADE = "passkey", "new-passkey"
"""The fields in which a form sends what the browser answers."""

_PREFIX = "passkey-"
_MOST = 4

_TOO_LATE = _("That took too long. Try again.")
_WORDS: dict[Refusal, Promise] = {
    Refusal.INVALID: _("This passkey does not work here. Try again, or use another way."),
    Refusal.NOT_VERIFIED: _(
        "Your passkey did not ask for a PIN, fingerprint or face, which is needed here. "
        "Use another way."
    ),
    Refusal.COUNTER_BACK: _(
        "This passkey was refused: there may be a copy of it. Use another way, then remove "
        "this passkey from your second steps."
    ),
}


def options_to_use(
    request: PortalRequest, purpose: Purpose, account: Account | None, *, verified: bool
) -> HttpResponse:
    """What a browser is asked, as JSON; see `passkeys.request_options`."""
    challenge = _draw(request, purpose)
    try:
        options = passkeys.request_options(
            context(), account=account, challenge=challenge, verified=verified
        )
    except NotAvailable as problem:
        raise Http404 from problem
    return JsonResponse(options)


def options_to_make(request: PortalRequest) -> HttpResponse:
    """What a browser is asked to make for whoever is signed in, as JSON."""
    challenge = _draw(request, "add")
    try:
        options = passkeys.creation_options(context(), account=request.account, challenge=challenge)
    except NotAvailable as problem:
        raise Http404 from problem
    return JsonResponse(options)


def judged(
    request: PortalRequest, purpose: Purpose, account: Account | None, *, verified: bool
) -> PasskeyRight | str:
    """Judge the answer that a form sent; what to say to the person where it does not count."""
    answer = request.POST.get(USED, "")
    said = passkey.read(answer)
    challenge = _take(request, purpose, said.challenge if said else None)
    if challenge is None:
        return str(_TOO_LATE)
    found = passkeys.use(
        context(),
        account=account,
        challenge=challenge,
        answer=answer,
        verified=verified,
        origin=origin_of(request),
    )
    if isinstance(found, Refusal):
        return str(_WORDS[found])
    # A cookie can be sent again, unlike a session's value, which `_take` has taken out.
    if purpose == "sign-in" and not passkeys.first_use(context(), challenge=challenge):
        return str(_TOO_LATE)
    return found


def made(request: PortalRequest, *, name: str) -> NewPasskey | str:
    """The new passkey that a form sent; what to say where it does not count."""
    answer = request.POST.get(MADE, "")
    challenge = _take(request, "add", passkey.read_new(answer))
    if challenge is None:
        return str(_TOO_LATE)
    found = passkeys.made(context(), challenge=challenge, answer=answer, name=name)
    return str(_WORDS[found]) if isinstance(found, Refusal) else found


def _draw(request: PortalRequest, purpose: Purpose) -> bytes:
    """A new challenge, in place of the oldest where there are many."""
    challenge = context().random(passkey.CHALLENGE_BYTES)
    if purpose == "sign-in":
        sign_in_challenges.draw(request, challenge)
        return challenge
    session = request.session
    open_ones = [key for key, _value in session.items() if key.startswith(_PREFIX)]
    open_ones.sort(key=lambda key: session[key]["at"])
    for key in open_ones[: max(0, len(open_ones) - _MOST + 1)]:
        del session[key]
    session[_PREFIX + challenge.hex()] = {"purpose": purpose, "at": context().now()}
    return challenge


def _take(request: PortalRequest, purpose: Purpose, challenge: bytes | None) -> bytes | None:
    """The challenge that an answer names, once; `None` where it is none of this browser's."""
    if not challenge:
        return None
    at = _drawn_at(request, purpose, challenge)
    return challenge if at is not None and context().now() - at <= passkey.LIFETIME else None


def _drawn_at(request: PortalRequest, purpose: Purpose, challenge: bytes) -> int | None:
    if purpose == "sign-in":
        return sign_in_challenges.take(request, challenge)
    kept = request.session.take(_PREFIX + challenge.hex())
    return int(kept["at"]) if kept and kept["purpose"] == purpose else None
