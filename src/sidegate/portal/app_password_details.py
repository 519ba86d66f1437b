"""One app password on a page of its own: renamed, limited, paused; and all of them revoked."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from sidegate.accounts import app_password_changes, app_passwords
from sidegate.accounts.app_password_choices import PRINTER, holds_senders
from sidegate.accounts.app_passwords import State
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import gate, kept_forms, open_connections
from sidegate.portal.app_password_forms import ChoicesForm, chosen
from sidegate.portal.app_password_rows import row_of
from sidegate.portal.grants import Area, inside
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.models import AppPassword


@inside(Area.APP_PASSWORDS)
def one(request: PortalRequest, app_password_id: int) -> HttpResponse:
    """What it is and may do; a form to change that."""
    keep = ChoicesForm.base_fields
    if (asked := gate.ask(request, Area.APP_PASSWORDS, keep=keep)) is not None:
        return asked
    row = _row(request, app_password_id)
    if row is None:
        return _gone(request)
    # The gate's own form is answered before anything of ours is sent.
    sent = request.method == "POST"
    form = ChoicesForm(
        request.POST if sent else None,
        account=request.account,
        device=row.device,
        initial=chosen(row),
    )
    kept_forms.fill_in(request, form)
    if sent and form.is_valid():
        return _save(request, row, form)
    shown = {
        "form": form,
        "entry": row_of(row),
        "paused": row.paused_at is not None,
        "is_printer": row.device == PRINTER,
        "holds_senders": holds_senders(context()),
        "still_open": open_connections.still_open(request.account),
    }
    return render(request, "portal/app_password.html", shown)


def _save(request: PortalRequest, row: AppPassword, form: ChoicesForm) -> HttpResponse:
    with open_connections.ended_after(request):
        changed = app_password_changes.change(
            context(),
            account=request.account,
            row=row,
            label=form.label,
            choices=form.choices,
            origin=origin_of(request),
        )
    if not changed:
        return _gone(request)
    messages.success(request, _("Saved."))
    return redirect("app-password", row.pk)


@require_POST
@inside(Area.APP_PASSWORDS)
def switch(request: PortalRequest, app_password_id: int) -> HttpResponse:
    """Pause it, or let it open mail again."""
    page, key = "app-password", app_password_id
    if (back := gate.lead_back(request, Area.APP_PASSWORDS, page, key)) is not None:
        return back
    row = _row(request, app_password_id)
    if row is None:
        return _gone(request)
    pausing = request.POST.get("to") == State.PAUSED
    act = app_password_changes.pause if pausing else app_password_changes.resume
    with open_connections.ended_after(request):
        act(
            context(),
            account=request.account,
            app_password_id=row.pk,
            origin=origin_of(request),
        )
        if pausing:
            said = _("Paused: %(name)s. It opens nothing until you resume it.")
        else:
            said = _("Resumed: %(name)s.")
        messages.success(request, said % {"name": app_passwords.name(row)})
    return redirect("app-password", row.pk)


@inside(Area.APP_PASSWORDS)
def revoke_all(request: PortalRequest) -> HttpResponse:
    """Ask once more, and revoke them all."""
    if (asked := gate.ask(request, Area.APP_PASSWORDS)) is not None:
        return asked
    if request.method != "POST":
        count = len(app_passwords.active(request.account))
        return render(request, "portal/app_passwords_revoke_all.html", {"count": count})
    with open_connections.ended_after(request):
        count = app_passwords.revoke_all(
            context(), account=request.account, origin=origin_of(request)
        )
        said = ngettext(
            "%(count)s app password is revoked. It opens nothing any more.",
            "%(count)s app passwords are revoked. They open nothing any more.",
            count,
        )
        messages.success(request, said % {"count": count})
    return redirect("app-passwords")


def _row(request: PortalRequest, app_password_id: int) -> AppPassword | None:
    rows = app_passwords.active(request.account)
    return next((row for row in rows if row.pk == app_password_id), None)


def _gone(request: PortalRequest) -> HttpResponse:
    messages.error(request, _("That app password is not in the list any more."))
    return redirect("app-passwords")
