"""Personal info: name, language, time zone, recovery address."""

from __future__ import annotations

import secrets

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from sidegate.accounts import people_time, personal, recovery_address
from sidegate.accounts.codes import CodeOver, CodeWrong
from sidegate.accounts.errors import AccountError
from sidegate.pages import time_zones
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import gate, grants, kept_forms
from sidegate.portal.forms import CodeForm
from sidegate.portal.grants import Area, inside
from sidegate.portal.personal_forms import (
    LanguageForm,
    NameForm,
    RecoveryAddressForm,
    TimeZoneForm,
    languages,
)
from sidegate.portal.visitors import PortalRequest

_BINDING = "recovery_binding"
_LONGEST_SEARCH = 60


def overview(request: PortalRequest) -> HttpResponse:
    """Rows."""
    account = request.account
    shown = {
        "chosen_language": dict(languages()).get(account.language, ""),
        "zone": account.time_zone.replace("_", " "),
        "offset": time_zones.offset(account.time_zone, now=context().now()),
        "sends_mail": context().config.sends_mail,
    }
    return render(request, "portal/personal.html", shown)


def name(request: PortalRequest) -> HttpResponse:
    """The name that pages greet her by."""
    form = NameForm(request.POST or None, initial={"name": request.account.name})
    if request.method != "POST" or not form.is_valid():
        return render(request, "portal/personal_name.html", {"form": form})
    personal.set_name(
        context(),
        account=request.account,
        name=form.cleaned_data["name"],
        origin=origin_of(request),
    )
    return _saved(request)


def language(request: PortalRequest) -> HttpResponse:
    """The language of pages and messages."""
    form = LanguageForm(request.POST or None, initial={"language": request.account.language})
    if request.method != "POST" or not form.is_valid():
        return render(request, "portal/personal_language.html", {"form": form})
    chosen = form.cleaned_data["language"]
    personal.set_language(
        context(), account=request.account, language=chosen, origin=origin_of(request)
    )
    translation.activate(chosen or translation.get_language_from_request(request))
    return _saved(request)


def time_zone(request: PortalRequest) -> HttpResponse:
    """The time zone of the pages, with a search by city or country."""
    words = request.GET.get("city", "")[:_LONGEST_SEARCH]
    found = time_zones.find(words)
    form = TimeZoneForm(
        request.POST or None,
        zones=found,
        now=context().now(),
        initial={"time_zone": request.account.time_zone},
    )
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data["time_zone"]
        personal.set_time_zone(
            context(), account=request.account, time_zone=chosen, origin=origin_of(request)
        )
        people_time.use_zone(chosen)
        return _saved(request)
    shown = {"form": form, "words": words, "count": len(found)}
    return render(request, "portal/personal_time_zone.html", shown)


@inside(Area.RECOVERY_ADDRESS)
def recovery(request: PortalRequest) -> HttpResponse:
    """The recovery address: a new one gets a code first."""
    if not context().config.sends_mail:
        return render(request, "portal/personal_recovery_off.html")
    keep = RecoveryAddressForm.base_fields
    if (asked := gate.ask(request, Area.RECOVERY_ADDRESS, keep=keep)) is not None:
        return asked
    sent = request.POST if "address" in request.POST else None
    form = RecoveryAddressForm(sent, account=request.account)
    kept_forms.fill_in(request, form)
    if not form.is_valid():
        return _recovery_page(request, form)
    binding = secrets.token_urlsafe(24)
    try:
        recovery_address.begin(
            context(),
            account=request.account,
            address=form.cleaned_data["address"],
            binding=binding,
            origin=origin_of(request),
        )
    except AccountError as problem:
        return _recovery_page(request, form, problem=str(problem.text))
    request.session[_BINDING] = binding
    lifetime = recovery_address.LIFETIME
    grants.wait_for_answer(request, Area.RECOVERY_ADDRESS, lifetime=lifetime)
    return redirect("recovery-address-code")


@inside(Area.RECOVERY_ADDRESS)
def recovery_code(request: PortalRequest) -> HttpResponse:
    """The code that was sent to it."""
    address = recovery_address.waiting(context(), account=request.account)
    if not address:
        return redirect("recovery-address")
    if (asked := gate.ask_to_answer(request, Area.RECOVERY_ADDRESS)) is not None:
        return asked
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer = recovery_address.confirm(
            context(),
            account=request.account,
            binding=request.session.get(_BINDING, ""),
            code=form.cleaned_data["code"],
            origin=origin_of(request),
        )
        if isinstance(answer, CodeOver):
            said = _("This code can no longer be used. Ask for another.")
            messages.error(request, said)
            return redirect("recovery-address")
        if not isinstance(answer, CodeWrong):
            return _recovery_is_set(request, answer)
        form.add_error("code", _("This is not the code. Check it, and type it again."))
    shown = {"form": form, "address": address}
    return render(request, "portal/personal_recovery_code.html", shown)


@require_POST
@inside(Area.RECOVERY_ADDRESS)
def recovery_remove(request: PortalRequest) -> HttpResponse:
    """Have none any more."""
    if (back := gate.lead_back(request, Area.RECOVERY_ADDRESS, "recovery-address")) is not None:
        return back
    recovery_address.remove(context(), account=request.account, origin=origin_of(request))
    grants.end(request)
    messages.success(request, _("You have no recovery address any more."))
    return redirect("personal")


def _recovery_page(
    request: PortalRequest, form: RecoveryAddressForm, *, problem: str | None = None
) -> HttpResponse:
    # The private mail server alone delivers to its own mailboxes, and no further.
    stays_here = not context().config.notices.smtp
    shown = {"form": form, "problem": problem, "stays_here": stays_here}
    return render(request, "portal/personal_recovery.html", shown)


def _recovery_is_set(request: PortalRequest, address: str) -> HttpResponse:
    request.session.pop(_BINDING, None)
    grants.end(request)
    said = _("%(address)s is your recovery address now.") % {"address": address}
    messages.success(request, said)
    return redirect("personal")


def _saved(request: PortalRequest) -> HttpResponse:
    messages.success(request, _("Saved."))
    return redirect("personal")
