"""Backup codes: made, kept by their owner, made anew."""

from __future__ import annotations

import base64

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _

from sidegate.accounts import backup_codes, second_steps
from sidegate.accounts.second_steps import StepKind
from sidegate.factors import backup_code
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import gate
from sidegate.portal.forms import BackupCodeForm
from sidegate.portal.grants import Area, inside
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.sealed import CannotUnseal

_DRAFT = "backup_codes_draft"
_DOWNLOADED = "downloaded"
_SEALED = "sealed"


@inside(Area.STEPS)
def overview(request: PortalRequest) -> HttpResponse:
    """How many are left, and making new ones; those just made, until they are kept."""
    if not request.account.two_step:
        return redirect("two-step")
    if (asked := gate.ask(request, Area.STEPS)) is not None:
        return asked
    if request.method == "POST" and "make" in request.POST:
        sealed = backup_codes.draft(context(), account=request.account)
        request.session[_DRAFT] = {_SEALED: base64.b64encode(sealed).decode()}
        return redirect("backup-codes")
    if (codes := _drafted(request)) is not None:
        return _keep(request, codes)
    steps = second_steps.of(request.account)
    step = next((one for one in steps if one.kind is StepKind.BACKUP_CODES), None)
    return render(request, "portal/backup_codes.html", {"step": step})


def _keep(request: PortalRequest, codes: list[str]) -> HttpResponse:
    """Show them, and turn them on once one was typed back or their file was taken."""
    form, problem = BackupCodeForm(None), None
    if "saved" in request.POST:
        if request.session[_DRAFT].get(_DOWNLOADED):
            return _turn_on(request, codes)
        problem = _("The file was not downloaded yet. Download it, or type one of the codes.")
    elif request.method == "POST":
        form = BackupCodeForm(request.POST)
        if form.is_valid():
            if form.cleaned_data["code"] in codes:
                return _turn_on(request, codes)
            form.add_error("code", _("This is none of the new codes. Check what you typed."))
    shown = {
        "form": form,
        "problem": problem,
        "codes": "\n".join(backup_code.grouped(code) for code in codes),
        "whose": _whose(request),
    }
    return render(request, "portal/backup_codes_new.html", shown)


def _turn_on(request: PortalRequest, codes: list[str]) -> HttpResponse:
    account, origin = request.account, origin_of(request)
    backup_codes.turn_on(context(), account=account, codes=codes, origin=origin)
    del request.session[_DRAFT]
    messages.success(request, _("The backup codes count from now on. Earlier ones do not."))
    return redirect("two-step")


@inside(Area.STEPS)
def file(request: PortalRequest) -> HttpResponse:
    """The new codes as a text file."""
    if (asked := gate.ask(request, Area.STEPS)) is not None:
        return asked
    if (codes := _drafted(request)) is None:
        return redirect("backup-codes")
    request.session[_DRAFT] = {**request.session[_DRAFT], _DOWNLOADED: True}
    name = context().config.server.name
    text = "\n".join([_whose(request), "", *map(backup_code.grouped, codes), ""])
    answer = HttpResponse(text, content_type="text/plain; charset=utf-8")
    filename = get_valid_filename(f"{name}-{request.account.address}-backup-codes.txt")
    answer.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


def _whose(request: PortalRequest) -> str:
    """What stands above them in a file and on paper."""
    words = _("Backup codes of %(address)s for %(name)s. Each can be used once.")
    return words % {"address": request.account.address, "name": context().config.server.name}


def _drafted(request: PortalRequest) -> list[str] | None:
    draft = request.session.get(_DRAFT)
    if not draft:
        return None
    sealed = base64.b64decode(draft[_SEALED])
    try:
        return backup_codes.drafted(context(), account=request.account, sealed=sealed)
    except CannotUnseal:
        del request.session[_DRAFT]
        return None
