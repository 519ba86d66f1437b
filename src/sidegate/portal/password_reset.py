"""A forgotten password: the question, the link of the message, the new one.

Looking at the link's page changes nothing: mail programs and scanners follow links by themselves.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from sidegate.accounts import app_passwords, password_reset
from sidegate.accounts.errors import NotAvailable, WeakPassword
from sidegate.accounts.password_reset import Proof
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import password_strength, recovery_cookie, sign_in, sign_in_stages
from sidegate.portal.forms import AddressForm, NewPasswordForm
from sidegate.portal.middleware import open_to_all
from sidegate.portal.sign_in_stages import Pending
from sidegate.portal.visitors import PortalRequest


@open_to_all
def forgot(request: PortalRequest) -> HttpResponse:
    """Ask whose password was forgotten; the same answer for everybody."""
    if not password_reset.available(context()):
        raise Http404
    form = AddressForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "portal/forgot.html", {"form": form})
    login = form.cleaned_data["email"]
    if not password_reset.ask(context(), login=login, origin=origin_of(request)):
        problem = _("Many links were asked for from where you are. Try again in an hour.")
        shown = {"form": form, "problem": problem}
        return render(request, "portal/forgot.html", shown, status=429)
    return redirect("forgot-sent")


@open_to_all
def sent(request: PortalRequest) -> HttpResponse:
    """What to look for, and what to do if nothing comes."""
    return render(request, "portal/forgot_sent.html")


@open_to_all
def link(request: PortalRequest, token: str) -> HttpResponse:
    """Whose password it sets, and *Go on*, which uses the link up."""
    if request.method == "POST":
        used = password_reset.use(context(), token=token)
        if used is not None:
            sign_in_stages.link_was_used(request, used.account, reset_id=used.pk)
            if used.account.two_step:
                return sign_in.ask_second_step(request, used.account)
            return redirect("reset-password")
    known = password_reset.find(context(), token=token)
    if known is None:
        return render(request, "portal/reset_over.html", status=404)
    shown = {"address": known.address, "two_step": known.two_step}
    return render(request, "portal/reset_link.html", shown)


@open_to_all
def new_password(request: PortalRequest) -> HttpResponse:
    """The new password, once the second step was given where there is one."""
    pending = sign_in_stages.pending(request)
    if pending is None or pending.reset_id is None:
        return sign_in.begin_anew(request)
    account = pending.account
    if not _is_proved(pending):
        return sign_in.ask_second_step(request, account)
    form = NewPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _set(request, pending, form, _proof(request, pending, pending.reset_id))
        except WeakPassword as weak:
            form.refuse(weak)
    kept = not pending.recovered  # app passwords go with 2-step
    shown = {
        "form": form,
        "address": account.address,
        "count": len(app_passwords.active(account)) if kept else 0,
        "recovered": pending.recovered,
    }
    return render(request, "portal/reset_password.html", shown)


@open_to_all
@require_POST
def strength(request: PortalRequest) -> HttpResponse:
    """How strong the new password is, told while it is typed."""
    pending = sign_in_stages.pending(request)
    if pending is None or not pending.by_mail or not _is_proved(pending):
        return HttpResponse(status=403)
    return password_strength.answer(request, pending.account)


def _is_proved(pending: Pending) -> bool:
    """Whether the second step was given, where there is one."""
    given = pending.second_step_at is not None or pending.recovered
    return given or not pending.account.two_step


def _proof(request: PortalRequest, pending: Pending, reset_id: int) -> Proof:
    token = recovery_cookie.token_of(request) if pending.recovered else None
    return Proof(reset_id, pending.second_step_at, token)


def _set(
    request: PortalRequest, pending: Pending, form: NewPasswordForm, proof: Proof
) -> HttpResponse:
    try:
        password_reset.set_password(
            context(),
            account=pending.account,
            proof=proof,
            password=form.cleaned_data["new_password"],
            keep_app_passwords=form.cleaned_data["keep_app_passwords"],
            origin=origin_of(request),
        )
    except NotAvailable as problem:
        request.session.flush()
        messages.error(request, str(problem.text))
        return redirect("forgot")
    request.session.flush()
    messages.success(request, _("Your new password is set. Sign in with it."))
    return redirect("signin")
