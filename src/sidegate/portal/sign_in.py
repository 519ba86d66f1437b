"""Signing in and out."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from sidegate.accounts import passkeys, password_reset, web_sign_in
from sidegate.accounts.second_steps import StepKind
from sidegate.accounts.web_sign_in import Instead, PasswordCannotTell, WrongPassword
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import (
    code_pages,
    recovery_cookie,
    second_stage,
    sign_in_stages,
    step_codes,
    trust,
)
from sidegate.portal.code_pages import CodeFlow
from sidegate.portal.forms import SignInForm
from sidegate.portal.middleware import WAS_SIGNED_OUT, open_to_all
from sidegate.portal.second_stage import SecondStage
from sidegate.portal.sign_in_stages import Pending
from sidegate.portal.visitors import PortalRequest, account_of
from sidegate.storage.models import Account

_FLOW = CodeFlow(
    purpose="sign-in",
    page="signin-code",
    again="signin-again",
    ways="signin-ways",
    begin="signin",
    title=gettext_lazy("2-Step Verification"),
    may_trust=True,
)
STAGE = SecondStage(
    codes=_FLOW,
    pages={
        StepKind.PASSKEY: "signin-passkey-step",
        StepKind.AUTHENTICATOR: "signin-app",
        StepKind.PHONE: "signin-code",
        StepKind.BACKUP_CODES: "signin-backup-code",
    },
    lost="recovery",
)


@open_to_all
def sign_in(request: PortalRequest) -> HttpResponse:
    """The first stage: address and password."""
    next_path = sign_in_stages.safe_next(request)
    if account_of(request) is not None:
        return redirect(next_path)
    form = SignInForm(request.POST or None, initial=_typed(request))
    if request.method != "POST" or not form.is_valid():
        return page(request, form, next_path)
    answer = web_sign_in.check_password(
        context(),
        login=form.cleaned_data["email"],
        secret=form.cleaned_data["password"],
        origin=origin_of(request),
    )
    if isinstance(answer, PasswordCannotTell):
        problem = _("We cannot check passwords just now. Try again in a few minutes.")
        return page(request, form, next_path, problem=problem, status=503)
    if isinstance(answer, WrongPassword):
        form.add_error("password", _("The email address or the password is wrong. Check both."))
        return page(request, form, next_path)
    return _password_was_right(request, answer.account, next_path)


def _password_was_right(request: PortalRequest, account: Account, next_path: str) -> HttpResponse:
    """In, or on to the second stage."""
    given_at = trust.second_step_at(request, account) if account.two_step else None
    if account.two_step and given_at is None:
        sign_in_stages.password_was_right(request, account, next_path=next_path)
        return ask_second_step(request, account)
    step = "" if given_at is None else Instead.TRUSTED_BROWSER.value
    sign_in_stages.finish(request, account, step=step, given_at=given_at)
    return redirect(next_path)


def ask_second_step(request: PortalRequest, account: Account) -> HttpResponse:
    """The page of the best one; a recovery's, where this browser began one."""
    if recovery_cookie.began_here(request, account):
        return redirect("recovery")  # rather than send a code to a phone that is lost
    return second_stage.first(request, STAGE, account)


def _typed(request: PortalRequest) -> dict[str, str]:
    # Whoever comes back from the second stage need not type the address again.
    pending = sign_in_stages.pending(request)
    return {"email": pending.account.address} if pending else {}


def page(
    request: PortalRequest,
    form: SignInForm,
    next_path: str,
    *,
    problem: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """The first stage's page, and what was wrong."""
    shown = {
        "form": form,
        "next": next_path,
        "problem": problem,
        "passkeys": passkeys.party(context()) is not None,
        "forgot": password_reset.available(context()),
        "was_signed_out": request.method == "GET" and WAS_SIGNED_OUT in request.GET,
    }
    return render(request, "portal/sign_in.html", shown, status=status)


@open_to_all
def sign_in_code(request: PortalRequest) -> HttpResponse:
    """The second stage: the code."""
    pending = sign_in_stages.pending(request)
    if pending is None:
        return begin_anew(request)

    return code_pages.code_page(
        request,
        stage_of(pending).codes,
        right=lambda _code: second_step_was_right(request, pending, StepKind.PHONE),
        back=reverse("signin"),
    )


def stage_of(pending: Pending) -> SecondStage:
    """Its second stage.

    Whoever has forgotten her password is trusted by her next sign-in at the earliest.
    """
    return STAGE._replace(codes=_FLOW._replace(may_trust=not pending.by_mail))


def second_step_was_right(request: PortalRequest, pending: Pending, kind: StepKind) -> HttpResponse:
    """In; or, for somebody who has forgotten her password, on to a new one."""
    if pending.by_mail:
        sign_in_stages.may_set_password(request, recovered=False)
        return redirect("reset-password")
    sign_in_stages.finish(request, pending.account, step=kind.value)
    return trust.remember(request, pending.account, redirect(pending.next))


@open_to_all
def sign_in_again(request: PortalRequest) -> HttpResponse:
    """Another code to the same phone."""
    pending = sign_in_stages.pending(request)
    if pending is None:
        return begin_anew(request)
    return code_pages.send_again(request, _FLOW, pending.account)


@open_to_all
def sign_in_app(request: PortalRequest) -> HttpResponse:
    """The second stage: a code of an authenticator app."""
    return _at_hand(request, StepKind.AUTHENTICATOR)


@open_to_all
def sign_in_backup_code(request: PortalRequest) -> HttpResponse:
    """The second stage: a backup code."""
    return _at_hand(request, StepKind.BACKUP_CODES)


def _at_hand(request: PortalRequest, kind: StepKind) -> HttpResponse:
    pending = sign_in_stages.pending(request)
    if pending is None:
        return begin_anew(request)

    return step_codes.code_page(
        request,
        stage_of(pending),
        kind,
        account=pending.account,
        right=lambda: second_step_was_right(request, pending, kind),
        back=reverse("signin"),
    )


@open_to_all
def sign_in_ways(request: PortalRequest) -> HttpResponse:
    """Every second step."""
    pending = sign_in_stages.pending(request)
    if pending is None:
        return begin_anew(request)
    return second_stage.ways_page(request, STAGE, pending.account)


def begin_anew(request: PortalRequest) -> HttpResponse:
    """Back to the first stage: the sign-in that was under way is over."""
    # Said to whoever began: a request out of nowhere leaves no session behind.
    if account_of(request) is None and sign_in_stages.began(request):
        messages.error(request, _("That took too long. Please sign in again."))
    return redirect("signin")


@require_POST
def sign_out(request: PortalRequest) -> HttpResponse:
    """Sign this browser out."""
    web_sign_in.signed_out(context(), account=request.account, origin=origin_of(request))
    request.session.flush()
    return redirect("signin")
