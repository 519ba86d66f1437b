"""Your devices: the browsers that are signed in."""

from __future__ import annotations

from typing import NamedTuple

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from sidegate.accounts import web_sessions
from sidegate.decisions.throttle import network_of
from sidegate.pages.browsers import in_words
from sidegate.pages.context import context
from sidegate.pages.origins import address_of, origin_of
from sidegate.pages.sessions import key_digest
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.models import WebSession

_IN_THE_HAND = ("iPhone", "iPad", "Android")


class Device(NamedTuple):
    """A browser that is signed in, as it is shown."""

    row: WebSession
    name: str
    icon: str
    here: bool
    """Whether it is the one that asks."""
    place: str
    """Its address, and whether that lies in the network of the one that asks."""


def devices(request: PortalRequest) -> list[Device]:
    """The account's, this browser first."""
    this, here = this_browser(request), network_of(address_of(request))
    rows = web_sessions.of(context(), account=request.account)
    shown = [_device(row, here=row.pk == this, network=here) for row in rows]
    return sorted(shown, key=lambda device: not device.here)


def this_browser(request: PortalRequest) -> str:
    """The key digest of the session that asks."""
    return key_digest(request.session.session_key or "")


def page(request: PortalRequest) -> HttpResponse:
    """All of them."""
    return render(request, "portal/devices.html", {"devices": devices(request)})


@require_POST
def sign_out(request: PortalRequest) -> HttpResponse:
    """Sign one of them out."""
    ended = web_sessions.end(
        context(),
        account=request.account,
        handle=request.POST.get("device", ""),
        origin=origin_of(request),
    )
    if ended is None:
        messages.success(request, _("That browser was signed out already."))
    else:
        said = _("%(browser)s was signed out.") % {"browser": _name(ended)}
        messages.success(request, said)
    return redirect("devices")


@require_POST
def sign_out_others(request: PortalRequest) -> HttpResponse:
    """Sign all of them out but the one that asks."""
    count = web_sessions.end_others(
        context(), account=request.account, keep=this_browser(request), origin=origin_of(request)
    )
    if count:
        said = ngettext(
            "%(count)s browser was signed out. Only this one is still signed in.",
            "%(count)s browsers were signed out. Only this one is still signed in.",
            count,
        )
        messages.success(request, said % {"count": count})
    else:
        messages.success(request, _("No other browser was signed in."))
    return redirect("devices")


def _device(row: WebSession, *, here: bool, network: str) -> Device:
    place = row.address
    if place and not here and network_of(place) == network:
        place = _("%(address)s, the network that you are on now") % {"address": place}
    hand = any(row.program.endswith(system) for system in _IN_THE_HAND)
    icon = "device-phone-mobile" if hand else "computer-desktop"
    return Device(row=row, name=_name(row), icon=icon, here=here, place=place)


def _name(row: WebSession) -> str:
    return in_words(row.program) or _("A browser")
