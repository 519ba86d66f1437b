"""The way into a sensitive area: the password, and a code where one is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sidegate.accounts import passkeys, web_sign_in
from sidegate.accounts.second_steps import StepKind
from sidegate.accounts.web_sign_in import PasswordCannotTell, WrongPassword
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import (
    code_pages,
    grants,
    kept_forms,
    passkey_answers,
    second_stage,
    step_codes,
)
from sidegate.portal.code_pages import CodeFlow
from sidegate.portal.forms import PasswordForm
from sidegate.portal.grants import Area, between_areas
from sidegate.portal.passkey_answers import USED
from sidegate.portal.second_stage import SecondStage
from sidegate.portal.visitors import PortalRequest


class _Words(NamedTuple):
    title: Promise
    button: Promise


_WORDS = {
    Area.PASSWORD: _Words(gettext_lazy("Password"), gettext_lazy("Next")),
    Area.TURN_ON: _Words(gettext_lazy("2-Step Verification"), gettext_lazy("Next")),
    Area.TURN_OFF: _Words(gettext_lazy("Turn off 2-Step Verification"), gettext_lazy("Next")),
    Area.STEPS: _Words(gettext_lazy("2-Step Verification"), gettext_lazy("Next")),
    Area.APP_PASSWORDS: _Words(gettext_lazy("App passwords"), gettext_lazy("Sign in")),
    Area.RECOVERY_ADDRESS: _Words(gettext_lazy("Recovery address"), gettext_lazy("Next")),
    Area.OWN_DATA: _Words(gettext_lazy("Download your data"), gettext_lazy("Next")),
}
_CONFIRM = CodeFlow(
    purpose="confirm",
    page="confirm-code",
    again="confirm-again",
    ways="confirm-ways",
    begin="security",
    title=gettext_lazy("Confirm that it is you"),
)
STAGE = SecondStage(
    codes=_CONFIRM,
    pages={
        StepKind.PASSKEY: "confirm-passkey",
        StepKind.AUTHENTICATOR: "confirm-app",
        StepKind.PHONE: "confirm-code",
        StepKind.BACKUP_CODES: "confirm-backup-code",
    },
)


_TOO_LATE = gettext_lazy(
    "The 5 minutes were over, or you had gone to another page, so nothing was changed. "
    "Enter your password again, and you are back where you were."
)


def ask(request: PortalRequest, area: Area, *, keep: Iterable[str] = ()) -> HttpResponse | None:
    """The page that asks for what opens the area; `None` where it is open.

    Of a form that comes too late, the fields named in `keep` are kept: no secret is among them.
    """
    if grants.is_open(request, area):
        return None
    if USED in request.POST:
        return _judge_passkey(request, area)
    # A form of the area itself, sent after its time, holds no password to check.
    sent = "password" in request.POST
    form = PasswordForm(request.POST if sent else None)
    if sent and form.is_valid():
        return _judge(request, area, form)
    if sent or request.method != "POST":
        return _page(request, area, form)
    grants.put_by(request, area, kept_forms.typed(request, keep))
    return _page(request, area, form, problem=str(_TOO_LATE))


def ask_to_answer(
    request: PortalRequest, area: Area, *, keep: Iterable[str] = ()
) -> HttpResponse | None:
    """The same for what only takes the answer to something that was asked for inside."""
    return None if grants.may_answer(request, area) else ask(request, area, keep=keep)


def lead_back(
    request: PortalRequest,
    area: Area,
    page: str,
    *key: object,
    may: Callable[[PortalRequest, Area], bool] = grants.is_open,
) -> HttpResponse | None:
    """The same for what has no page of its own: to the page that asks, and why."""
    if may(request, area):
        return None
    messages.error(request, str(_TOO_LATE))
    return redirect(page, *key)


def _judge(request: PortalRequest, area: Area, form: PasswordForm) -> HttpResponse:
    answer = web_sign_in.check_password(
        context(),
        login=request.account.address,
        secret=form.cleaned_data["password"],
        origin=origin_of(request),
    )
    if isinstance(answer, PasswordCannotTell):
        problem = _("Your password cannot be checked just now. Try again in a few minutes.")
        return _page(request, area, PasswordForm(), problem=problem, status=503)
    if isinstance(answer, WrongPassword):
        form.add_error("password", _("This is not your password. Try again."))
        return _page(request, area, form)
    path = request.get_full_path()
    if not request.account.two_step or grants.second_step_is_fresh(request):
        grants.grant(request, area)
        return redirect(path)
    grants.password_given(request, area, path=path)
    return second_stage.first(request, STAGE, request.account)


def _judge_passkey(request: PortalRequest, area: Area) -> HttpResponse:
    """One that verified its owner is both: the password's place, and a second step."""
    answer = passkey_answers.judged(request, "confirm", request.account, verified=True)
    if isinstance(answer, str):
        return _page(request, area, PasswordForm(), problem=answer)
    path = request.get_full_path()
    grants.second_step_given(request)
    grants.grant(request, area)
    return redirect(path)


def _page(
    request: PortalRequest,
    area: Area,
    form: PasswordForm,
    *,
    problem: str | None = None,
    status: int = 200,
) -> HttpResponse:
    words = _WORDS[area]
    shown = {
        "form": form,
        "title": words.title,
        "next_button": words.button,
        "problem": problem,
        "passkeys": passkeys.usable(context(), request.account),
        "back_to_personal": area in grants.PERSONAL,
    }
    return render(request, "portal/password_again.html", shown, status=status)


@between_areas
def confirm_code(request: PortalRequest) -> HttpResponse:
    """The code, after the password."""
    entering = grants.awaited(request)
    if entering is None:
        return redirect("security")
    return code_pages.code_page(
        request, _CONFIRM, right=lambda _code: _opened(request, entering), back=entering[1]
    )


@between_areas
def confirm_app(request: PortalRequest) -> HttpResponse:
    """A code of an authenticator app, after the password."""
    return _at_hand(request, StepKind.AUTHENTICATOR)


@between_areas
def confirm_backup_code(request: PortalRequest) -> HttpResponse:
    """A backup code, after the password."""
    return _at_hand(request, StepKind.BACKUP_CODES)


def _at_hand(request: PortalRequest, kind: StepKind) -> HttpResponse:
    entering = grants.awaited(request)
    if entering is None:
        return redirect("security")
    return step_codes.code_page(
        request,
        STAGE,
        kind,
        account=request.account,
        right=lambda: _opened(request, entering),
        back=entering[1],
    )


def _opened(request: PortalRequest, entering: tuple[Area, str]) -> HttpResponse:
    area, path = entering
    grants.second_step_given(request)
    grants.grant(request, area)
    return redirect(path)


@between_areas
def confirm_again(request: PortalRequest) -> HttpResponse:
    """Another code to the same phone."""
    return code_pages.send_again(request, _CONFIRM, request.account)


@between_areas
def confirm_ways(request: PortalRequest) -> HttpResponse:
    """Every second step."""
    if grants.awaited(request) is None:
        return redirect("security")
    return second_stage.ways_page(request, STAGE, request.account)
