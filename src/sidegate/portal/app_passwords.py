"""App passwords: made, shown once, listed, revoked."""

from __future__ import annotations

import secrets

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from sidegate.accounts import app_passwords
from sidegate.accounts.app_password_choices import holds_senders
from sidegate.accounts.errors import AccountError
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import gate, kept_forms, open_connections, setup_facts
from sidegate.portal.app_password_forms import AppPasswordForm
from sidegate.portal.app_password_rows import row_of
from sidegate.portal.grants import Area, inside
from sidegate.portal.visitors import PortalRequest
from sidegate.portal.waiting import preselected
from sidegate.storage.models import AppPassword

_ONCE = "generate_once"


@inside(Area.APP_PASSWORDS)
def overview(request: PortalRequest) -> HttpResponse:
    """The form that makes one, and the list; or why there can be none."""
    reason = app_passwords.why_not(context(), request.account)
    if reason is not None:
        return render(request, "portal/app_passwords_off.html", {"reason": reason})
    keep = AppPasswordForm.base_fields
    if (asked := gate.ask(request, Area.APP_PASSWORDS, keep=keep)) is not None:
        return asked
    if request.method == "POST":
        return _generate(request)
    form = AppPasswordForm(None, account=request.account, initial=preselected(request.GET))
    kept_forms.fill_in(request, form)
    return _list(request, form)


@require_POST
@inside(Area.APP_PASSWORDS)
def revoke(request: PortalRequest) -> HttpResponse:
    """Revoke one."""
    if (back := gate.lead_back(request, Area.APP_PASSWORDS, "app-passwords")) is not None:
        return back
    row = _named(request)
    with open_connections.ended_after(request):
        revoked = row is not None and app_passwords.revoke(
            context(), account=request.account, app_password_id=row.pk, origin=origin_of(request)
        )
        if row is not None and revoked:
            said = _("Revoked: %(name)s. It opens nothing any more.")
            messages.success(request, said % {"name": app_passwords.name(row)})
        else:
            messages.error(request, _("That app password is not in the list any more."))
    return redirect("app-passwords")


def _named(request: PortalRequest) -> AppPassword | None:
    wanted = request.POST.get("id", "")
    return next(
        (row for row in app_passwords.active(request.account) if str(row.pk) == wanted), None
    )


def _generate(request: PortalRequest) -> HttpResponse:
    form = AppPasswordForm(request.POST, account=request.account)
    if not form.is_valid():
        return _list(request, form)
    # Taken out of the session first: a page that is reloaded makes no second one.
    once = request.session.take(_ONCE)
    if once is None or not secrets.compare_digest(once, request.POST.get("once", "")):
        said = _("This form was used before, so nothing was made. Select and generate anew.")
        messages.error(request, said)
        return redirect("app-passwords")
    app, device = form.cleaned_data["app"], form.cleaned_data["device"]
    try:
        made = app_passwords.make(
            context(),
            account=request.account,
            app=app,
            device=device,
            choices=form.choices,
            label=form.label,
            origin=origin_of(request),
        )
    except AccountError as problem:
        messages.error(request, str(problem.text))
        return redirect("app-passwords")
    shown = {
        "password": app_passwords.grouped(made.secret),
        "name": made.name,
        "facts": setup_facts.facts(scopes=made.scopes, address=request.account.address),
        "steps": setup_facts.steps(device=device),
        "heading": setup_facts.heading(device=device),
    }
    return render(request, "portal/app_password_made.html", shown)


def _list(request: PortalRequest, form: AppPasswordForm) -> HttpResponse:
    once = request.session.setdefault(_ONCE, secrets.token_urlsafe(12))
    rows = [row_of(row) for row in app_passwords.active(request.account)]
    shown = {
        "form": form,
        "once": once,
        "rows": rows,
        "holds_senders": holds_senders(context()),
        "still_open": open_connections.still_open(request.account),
    }
    return render(request, "portal/app_passwords.html", shown)
