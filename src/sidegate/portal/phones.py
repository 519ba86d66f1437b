"""Phones while 2-Step Verification is on: another one, another number, which comes first."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sidegate.accounts import phones, second_steps
from sidegate.accounts.codes import CodeRight
from sidegate.accounts.errors import AccountError
from sidegate.accounts.second_steps import NewPhone, SecondStep, StepKind
from sidegate.factors import one_time_code
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import code_pages, code_step, gate, grants, kept_forms
from sidegate.portal.code_pages import CodeFlow, said
from sidegate.portal.devices import this_browser
from sidegate.portal.forms import PhoneForm, open_channels
from sidegate.portal.grants import Area, inside
from sidegate.portal.regions import region_of
from sidegate.portal.step_words import row
from sidegate.portal.visitors import PortalRequest

_FLOW = CodeFlow(
    purpose="add-phone",
    page="phone-code",
    again="phone-again",
    ways="two-step",
    begin="two-step",
    title=gettext_lazy("Enter the code"),
    number_shown=True,
)
_REPLACES = "phone_replaces"


@inside(Area.STEPS)
def number(request: PortalRequest, key: str = "") -> HttpResponse:
    """The new number; `key` names the phone whose place it takes."""
    replaces = _phone(request, key)
    if not request.account.two_step or (key and replaces is None):
        return redirect("two-step")
    if (asked := gate.ask(request, Area.STEPS, keep=PhoneForm.base_fields)) is not None:
        return asked
    sent = request.method == "POST"
    form = PhoneForm(
        request.POST if sent else None,
        region=region_of(request),
        initial={"channel": replaces.channel} if replaces else {},
    )
    kept_forms.fill_in(request, form)
    problem = _send(request, form, replaces) if sent and form.is_valid() else None
    if sent and form.is_valid() and problem is None:
        request.session[_REPLACES] = key
        return redirect("phone-code")
    shown = {"form": form, "problem": problem, "replaced": row(replaces) if replaces else None}
    return render(request, "portal/phone_number.html", shown)


def _send(request: PortalRequest, form: PhoneForm, replaces: SecondStep | None) -> str | None:
    typed = form.cleaned_data["number"]
    try:
        phones.check_new(request.account, number=typed, replaces=replaces)
    except AccountError as problem:
        form.add_error("number", str(problem.text))
        return None
    try:
        code_step.begin(
            request,
            account=request.account,
            purpose="add-phone",
            number=typed,
            channel=form.chosen_channel(),
        )
    except AccountError as problem:
        return said(problem)
    grants.wait_for_answer(request, Area.STEPS, lifetime=one_time_code.LIFETIME)
    return None


@inside(Area.STEPS)
def code(request: PortalRequest) -> HttpResponse:
    """The code that was sent to the new number."""
    if (asked := gate.ask_to_answer(request, Area.STEPS)) is not None:
        return asked
    key = request.session.get(_REPLACES, "")
    back = reverse("phone-number", args=[key]) if key else reverse("phone-new")
    return code_pages.code_page(
        request, _FLOW, right=lambda answer: _verified(request, answer), back=back
    )


def _verified(request: PortalRequest, answer: CodeRight) -> HttpResponse:
    key = request.session.pop(_REPLACES, "")
    replaces = _phone(request, key)
    new = NewPhone(number=answer.number, channel=answer.channel)
    if key and replaces is None:
        messages.error(request, _("This phone was removed meanwhile."))
        return redirect("two-step")
    try:
        phones.add(
            context(),
            account=request.account,
            new=new,
            replaces=replaces,
            origin=origin_of(request),
            keep_session=this_browser(request),
        )
    except AccountError as problem:
        messages.error(request, said(problem))
    else:
        changed = _("The number was changed.") if replaces else _("The phone was added.")
        messages.success(request, changed)
    return redirect("two-step")


@inside(Area.STEPS)
def again(request: PortalRequest) -> HttpResponse:
    """Another code to the same number."""
    if not request.account.two_step:
        return redirect("two-step")
    page, may = _FLOW.page, grants.may_answer
    if (back := gate.lead_back(request, Area.STEPS, page, may=may)) is not None:
        return back
    grants.wait_for_answer(request, Area.STEPS, lifetime=one_time_code.LIFETIME)
    return code_pages.send_again(request, _FLOW, request.account)


@inside(Area.STEPS)
def settings(request: PortalRequest, key: str) -> HttpResponse:
    """How codes reach it, or that they go to it first."""
    found = _phone(request, key)
    if request.method != "POST" or found is None:
        return redirect("two-step")
    if (back := gate.lead_back(request, Area.STEPS, "second-step", key)) is not None:
        return back
    wanted = request.POST.get("channel", "")
    account, origin = request.account, origin_of(request)
    if wanted in {channel for channel, _words in open_channels()}:
        phones.set_channel(context(), account=account, step=found, channel=wanted, origin=origin)
        messages.success(request, _("Codes reach this phone the way you chose."))
    elif "first" in request.POST:
        phones.prefer(context(), account=account, step=found, origin=origin)
        messages.success(request, _("Codes go to this phone first."))
    return redirect("two-step")


def _phone(request: PortalRequest, key: str) -> SecondStep | None:
    found = second_steps.find(request.account, key=key) if key else None
    return found if found is not None and found.kind is StepKind.PHONE else None
