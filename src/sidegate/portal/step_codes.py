"""The pages that ask for a code which is at hand already: of an app, or a backup code."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from sidegate.accounts import authenticators, backup_codes
from sidegate.accounts.errors import TooManyTries
from sidegate.accounts.second_steps import StepKind
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal.code_pages import said
from sidegate.portal.forms import AppCodeForm, BackupCodeForm
from sidegate.portal.second_stage import SecondStage
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.models import Account


class _Asked(NamedTuple):
    lead: Promise
    wrong: Promise
    form: type[AppCodeForm | BackupCodeForm]
    present: Callable[..., bool]


_KINDS = {
    StepKind.AUTHENTICATOR: _Asked(
        lead=gettext_lazy("Enter the code that your authenticator app shows now."),
        wrong=gettext_lazy(
            "This is not the code, or it was used before. Type the next one that the app shows."
        ),
        form=AppCodeForm,
        present=authenticators.present,
    ),
    StepKind.BACKUP_CODES: _Asked(
        lead=gettext_lazy("Enter one of the backup codes that you kept. It can be used once."),
        wrong=gettext_lazy("This is not one of your backup codes, or it was used before."),
        form=BackupCodeForm,
        present=backup_codes.present,
    ),
}


def code_page(
    request: PortalRequest,
    stage: SecondStage,
    kind: StepKind,
    *,
    account: Account,
    right: Callable[[], HttpResponse],
    back: str,
) -> HttpResponse:
    """Ask for the code; `right` answers once it was right."""
    asked = _KINDS[kind]
    form = asked.form(request.POST or None)
    if request.method == "POST" and form.is_valid():
        problem = _problem(request, asked, account, code=form.cleaned_data["code"])
        if problem is None:
            return right()
        form.add_error("code", problem)
    shown = {"form": form, "flow": stage.codes, "lead": asked.lead, "back": back}
    return render(request, "portal/step_code.html", shown)


def _problem(request: PortalRequest, asked: _Asked, account: Account, *, code: str) -> str | None:
    try:
        right = asked.present(context(), account=account, code=code, origin=origin_of(request))
    except TooManyTries as problem:
        return said(problem)
    return None if right else str(asked.wrong)
