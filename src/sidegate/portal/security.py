"""The security page, and the account password's."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from sidegate.accounts import activity, app_passwords, people
from sidegate.accounts.errors import WeakPassword
from sidegate.events.catalogue import Kind
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import cut_over, devices, gate, grants, kept_forms, open_connections
from sidegate.portal.activity_words import told
from sidegate.portal.forms import NewPasswordForm
from sidegate.portal.grants import Area, inside
from sidegate.portal.visitors import PASSWORD_VERSION, PortalRequest
from sidegate.portal.waiting import waiting_for

_RECENT = 3


def overview(request: PortalRequest) -> HttpResponse:
    """Rows: what opens the account, where it is signed in, what happened."""
    account = request.account
    shown = {
        "waiting": waiting_for(account),
        "still_open": open_connections.still_open(request.account),
        "except_for": cut_over.exceptions(account)["except_for"],
        "why_no_app_passwords": app_passwords.why_not(context(), account),
        "count": len(app_passwords.active(account)),
        "devices": devices.devices(request),
        "own_passwords": context().config.has_own_passwords,
        "recent": [
            told(event)
            for event in activity.recent(
                account,
                limit=_RECENT,
                # One for each open session: they would hide the change that ended them.
                without=[Kind.MAIL_SESSION_ENDED],
            )
        ],
    }
    return render(request, "portal/security.html", shown)


@inside(Area.PASSWORD)
def password(request: PortalRequest) -> HttpResponse:
    """A new account password."""
    if not context().config.has_own_passwords:
        return render(request, "portal/password_elsewhere.html")
    if (asked := gate.ask(request, Area.PASSWORD, keep=("keep_app_passwords",))) is not None:
        return asked
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _change(request, form)
        except WeakPassword as weak:
            form.refuse(weak)
    kept_forms.fill_in(request, form)
    shown = {"form": form, "count": len(app_passwords.active(request.account))}
    return render(request, "portal/password.html", shown)


def _change(request: PortalRequest, form: NewPasswordForm) -> HttpResponse:
    with open_connections.ended_after(request):
        people.change_password(
            context(),
            account=request.account,
            password=form.cleaned_data["new_password"],
            keep_app_passwords=form.cleaned_data["keep_app_passwords"],
            origin=origin_of(request),
            keep_session=devices.this_browser(request),
        )
    request.account.refresh_from_db()
    grants.end(request)
    request.session.cycle_key()
    request.session[PASSWORD_VERSION] = request.account.password_version
    said = _("Your password was changed. Every other browser was signed out.")
    messages.success(request, said)
    return redirect("security")
