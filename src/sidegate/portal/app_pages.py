"""Adding an authenticator app: QR code and key, then a first code."""

from __future__ import annotations

import base64

import segno
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from sidegate.accounts import authenticators
from sidegate.pages.context import context
from sidegate.portal import adding, gate
from sidegate.portal.forms import AppCodeForm
from sidegate.portal.grants import Area, inside
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.sealed import CannotUnseal

_DRAFT = "authenticator_draft"


@inside(Area.TURN_ON, Area.STEPS)
def add(request: PortalRequest) -> HttpResponse:
    """Show what the app needs; go on once it has shown a right code."""
    if (asked := gate.ask(request, adding.area(request))) is not None:
        return asked
    form = AppCodeForm(request.POST or None)
    sealed = _draft(request)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        new = authenticators.prove(context(), account=request.account, sealed=sealed, code=code)
        if new is not None:
            del request.session[_DRAFT]
            return adding.proved_now(request, new, said=_("The authenticator app was added."))
        form.add_error("code", _("This is not the code that the app shows now. Type the next one."))
    key, uri = authenticators.shown(context(), account=request.account, sealed=sealed)
    shown = {"form": form, "key": key, "qr": _qr(uri), "back": adding.back(request)}
    return render(request, "portal/authenticator_add.html", shown)


def _draft(request: PortalRequest) -> bytes:
    """The secret that this session sets up; a new one where there is none."""
    if stored := request.session.get(_DRAFT):
        sealed = base64.b64decode(stored)
        try:
            authenticators.shown(context(), account=request.account, sealed=sealed)
        except CannotUnseal:
            messages.info(request, _("Please scan the code again: it is a new one."))
        else:
            return sealed
    sealed = authenticators.new_secret(context(), account=request.account)
    request.session[_DRAFT] = base64.b64encode(sealed).decode()
    return sealed


def _qr(uri: str) -> SafeString:
    # Only attributes that the Content-Security-Policy lets be; nothing of the address is in it.
    return SafeString(segno.make_qr(uri, error="m").svg_inline(omitsize=True))
