"""Passkeys on the pages: the whole sign-in, a second step, a confirmation, a new one."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse, HttpResponseForbidden
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from sidegate.accounts import passkeys, second_steps, web_sign_in
from sidegate.accounts.errors import AccountError, NotAvailable
from sidegate.accounts.second_steps import StepKind
from sidegate.accounts.web_sign_in import Instead, PasswordCannotTell, WrongPassword
from sidegate.factors import passkey
from sidegate.pages.browsers import in_words
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of, program_of
from sidegate.portal import (
    gate,
    grants,
    kept_forms,
    passkey_answers,
    proved,
    sign_in,
    sign_in_stages,
)
from sidegate.portal.code_pages import said
from sidegate.portal.forms import SignInForm, StepNameForm
from sidegate.portal.grants import Area, between_areas, inside
from sidegate.portal.middleware import open_to_all
from sidegate.portal.passkey_answers import MADE, USED
from sidegate.portal.second_stage import SecondStage
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.models import Account


@open_to_all
@require_POST
def sign_in_options(request: PortalRequest) -> HttpResponse:
    """What the sign-in page asks a browser: the same for everybody."""
    return passkey_answers.options_to_use(request, "sign-in", None, verified=True)


@open_to_all
@require_POST
def sign_in_whole(request: PortalRequest) -> HttpResponse:
    """Sign in with a passkey alone: what somebody has, and her PIN, finger or face."""
    next_path = sign_in_stages.safe_next(request)
    answer = passkey_answers.judged(request, "sign-in", None, verified=True)
    if isinstance(answer, str):
        return sign_in.page(request, SignInForm(), next_path, problem=answer)
    known = web_sign_in.still_known(context(), account=answer.account, origin=origin_of(request))
    if isinstance(known, PasswordCannotTell):
        problem = _("We cannot sign you in just now. Try again in a few minutes.")
        return sign_in.page(request, SignInForm(), next_path, problem=problem, status=503)
    if isinstance(known, WrongPassword):
        problem = _("The mail server no longer knows this account. Ask whoever runs it.")
        return sign_in.page(request, SignInForm(), next_path, problem=problem)
    sign_in_stages.finish(request, known.account, step=Instead.PASSKEY_ALONE.value)
    return redirect(next_path)


@open_to_all
def sign_in_step(request: PortalRequest) -> HttpResponse:
    """The second stage of a sign-in: a passkey."""
    pending = sign_in_stages.pending(request)
    if pending is None:
        return sign_in.begin_anew(request)

    def right() -> HttpResponse:
        return sign_in.second_step_was_right(request, pending, StepKind.PASSKEY)

    stage = sign_in.stage_of(pending)
    return _step(request, stage, pending.account, right=right, back=reverse("signin"))


@open_to_all
@require_POST
def sign_in_step_options(request: PortalRequest) -> HttpResponse:
    """What that page asks the browser: one of the account's passkeys."""
    pending = sign_in_stages.pending(request)
    if pending is None:
        return HttpResponseForbidden()
    return passkey_answers.options_to_use(request, "second-step", pending.account, verified=False)


@between_areas
def confirm(request: PortalRequest) -> HttpResponse:
    """A passkey, after the password, before something sensitive."""
    entering = grants.awaited(request)
    if entering is None:
        return redirect("security")
    area, path = entering

    def right() -> HttpResponse:
        grants.second_step_given(request)
        grants.grant(request, area)
        return redirect(path)

    return _step(request, gate.STAGE, request.account, right=right, back=path)


@between_areas
@require_POST
def confirm_options(request: PortalRequest) -> HttpResponse:
    """What that page asks the browser."""
    return passkey_answers.options_to_use(request, "second-step", request.account, verified=False)


@between_areas
@require_POST
def again_options(request: PortalRequest) -> HttpResponse:
    """What is asked where a passkey takes the place of the password too."""
    return passkey_answers.options_to_use(request, "confirm", request.account, verified=True)


def _step(
    request: PortalRequest,
    stage: SecondStage,
    account: Account,
    *,
    right: Callable[[], HttpResponse],
    back: str,
) -> HttpResponse:
    problem = None
    if USED in request.POST:
        answer = passkey_answers.judged(request, "second-step", account, verified=False)
        if not isinstance(answer, str):
            return right()
        problem = answer
    shown = {
        "flow": stage.codes,
        "options": reverse(f"{stage.pages[StepKind.PASSKEY]}-options"),
        "available": passkeys.party(context()) is not None,
        "back": back,
        "problem": problem,
    }
    return render(request, "portal/passkey_step.html", shown)


@inside(Area.TURN_ON, Area.STEPS)
def add(request: PortalRequest) -> HttpResponse:
    """A new passkey: one more second step, or the one that 2-step is turned on with."""
    sent = MADE in request.POST
    ask = gate.ask_to_answer if sent else gate.ask
    if (asked := ask(request, _area(request), keep=StepNameForm.base_fields)) is not None:
        return asked
    try:
        passkeys.may_add(context(), request.account)
    except NotAvailable as why:
        return render(request, "portal/passkey_add.html", {"why_not": why.text})
    name = {"name": in_words(program_of(request)) or _("Passkey")}
    form = StepNameForm(request.POST if sent else None, initial=name)
    kept_forms.fill_in(request, form)
    problem = _added(request, form) if sent and form.is_valid() else None
    if sent and form.is_valid() and problem is None:
        return redirect("two-step" if request.account.two_step else "two-step-turn-on")
    shown = {"form": form, "options": reverse("passkey-add-options"), "problem": problem}
    return render(request, "portal/passkey_add.html", shown)


def _added(request: PortalRequest, form: StepNameForm) -> str | None:
    new = passkey_answers.made(request, name=form.cleaned_data["name"])
    if isinstance(new, str):
        return new
    if not request.account.two_step:
        proved.keep(request, new)
        return None
    try:
        second_steps.add(context(), account=request.account, new=new, origin=origin_of(request))
    except AccountError as problem:
        return said(problem)
    messages.success(request, _("The passkey was added."))
    return None


@inside(Area.TURN_ON, Area.STEPS)
@require_POST
def add_options(request: PortalRequest) -> HttpResponse:
    """What a browser is asked to make."""
    if not grants.is_open(request, _area(request)):
        return HttpResponseForbidden()
    grants.wait_for_answer(request, _area(request), lifetime=passkey.LIFETIME)
    return passkey_answers.options_to_make(request)


def _area(request: PortalRequest) -> Area:
    return Area.STEPS if request.account.two_step else Area.TURN_ON
