"""Turning 2-Step Verification on and off."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy

from sidegate.accounts import app_passwords, passkeys, second_steps, trusted_browsers, two_step
from sidegate.accounts.codes import CodeRight
from sidegate.accounts.errors import AccountError
from sidegate.accounts.phone_numbers import for_people, on_one_line
from sidegate.accounts.second_steps import NewPhone, NewStep
from sidegate.factors import one_time_code
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import (
    code_pages,
    code_step,
    cut_over,
    devices,
    gate,
    grants,
    kept_forms,
    open_connections,
    proved,
)
from sidegate.portal.code_pages import CodeFlow, said
from sidegate.portal.devices import this_browser
from sidegate.portal.forms import PhoneForm
from sidegate.portal.grants import Area, inside
from sidegate.portal.regions import region_of
from sidegate.portal.step_words import ADDABLE, PHONE, row, to_add
from sidegate.portal.visitors import PortalRequest

_FLOW = CodeFlow(
    purpose="turn-on",
    page="two-step-code",
    again="two-step-again",
    ways="two-step-phone",
    begin="two-step-phone",
    title=gettext_lazy("Enter the code"),
    number_shown=True,
)
_TYPED = "turn_on_typed"


@inside(Area.STEPS)
def overview(request: PortalRequest) -> HttpResponse:
    """What it is while it is off; how it stands while it is on."""
    still_open = open_connections.still_open(request.account)
    if not request.account.two_step:
        may = passkeys.party(context()) is not None
        off = {"still_open": still_open, "passkeys": may}
        return render(request, "portal/two_step_off.html", off)
    steps = second_steps.of(request.account)
    shown = {
        "rows": [row(step) for step in steps],
        "addable": [*to_add(steps), PHONE],
        "browsers": trusted_browsers.of(context(), request.account),
        "still_open": still_open,
        **cut_over.exceptions(request.account),
    }
    return render(request, "portal/two_step_on.html", shown)


@inside(Area.TURN_ON)
def phone(request: PortalRequest) -> HttpResponse:
    """The number, and how codes should reach it."""
    if (instead := _not_now(request, keep=PhoneForm.base_fields)) is not None:
        return instead
    typed = request.session.get(_TYPED, {})
    sent = request.method == "POST"
    form = PhoneForm(request.POST if sent else None, region=region_of(request), initial=typed)
    kept_forms.fill_in(request, form)
    shown = {"form": form, "addable": ADDABLE}
    if not sent:
        return render(request, "portal/two_step_phone.html", shown)
    request.session[_TYPED] = {
        "number": request.POST.get("number", "")[:100],
        "channel": request.POST.get("channel", "")[:10],
    }
    problem = _send(request, form) if form.is_valid() else None
    if form.is_valid() and problem is None:
        return redirect("two-step-code")
    return render(request, "portal/two_step_phone.html", shown | {"problem": problem})


def _send(request: PortalRequest, form: PhoneForm) -> str | None:
    try:
        code_step.begin(
            request,
            account=request.account,
            purpose="turn-on",
            number=form.cleaned_data["number"],
            channel=form.chosen_channel(),
        )
    except AccountError as problem:
        return said(problem)
    grants.wait_for_answer(request, Area.TURN_ON, lifetime=one_time_code.LIFETIME)
    return None


@inside(Area.TURN_ON)
def code(request: PortalRequest) -> HttpResponse:
    """The code that was sent to the number."""
    if request.account.two_step:
        return redirect("two-step")
    if (asked := gate.ask_to_answer(request, Area.TURN_ON)) is not None:
        return asked

    def right(answer: CodeRight) -> HttpResponse:
        proved.keep(request, NewPhone(number=answer.number, channel=answer.channel))
        return redirect("two-step-turn-on")

    return code_pages.code_page(request, _FLOW, right=right, back=reverse("two-step-phone"))


@inside(Area.TURN_ON)
def again(request: PortalRequest) -> HttpResponse:
    """Another code to the same number."""
    if request.account.two_step:
        return redirect("two-step")
    page, may = _FLOW.page, grants.may_answer
    if (back := gate.lead_back(request, Area.TURN_ON, page, may=may)) is not None:
        return back
    grants.wait_for_answer(request, Area.TURN_ON, lifetime=one_time_code.LIFETIME)
    return code_pages.send_again(request, _FLOW, request.account)


@inside(Area.TURN_ON)
def turn_on(request: PortalRequest) -> HttpResponse:
    """The last screen: what changes, and *Turn on*."""
    if (instead := _not_now(request, keep=cut_over.CHOICES)) is not None:
        return instead
    if (new := proved.kept(request)) is None:
        return redirect("two-step-phone")
    if request.method != "POST":
        return render(request, "portal/two_step_turn_on.html", _last_screen(request, new))
    wanted, going_on = cut_over.chosen(request)
    with open_connections.ended_after(request):
        turned_on = two_step.turn_on_with(
            context(),
            account=request.account,
            new=new,
            origin=origin_of(request),
            exceptions=going_on,
            keep_session=devices.this_browser(request),
        )
    made = cut_over.make(request, wanted) if turned_on else []
    proved.forget(request)
    request.session.pop(_TYPED, None)
    grants.second_step_given(request)
    grants.end(request)
    request.session.cycle_key()
    if not made:
        return redirect("two-step")
    return render(request, "portal/app_passwords_made.html", {"made": made})


def _last_screen(request: PortalRequest, new: NewStep) -> dict[str, object]:
    phone = new if isinstance(new, NewPhone) else None
    return {
        "number": on_one_line(for_people(phone.number)) if phone else "",
        "channel": phone.channel if phone else "",
        "what": second_steps.WORDS[new.kind],
        **cut_over.offered(request.account, ticked=kept_forms.take_back(request)),
    }


@inside(Area.TURN_OFF)
def turn_off(request: PortalRequest) -> HttpResponse:
    """What turning it off means, and *Turn off*."""
    if not request.account.two_step:
        return redirect("two-step")
    if (asked := gate.ask(request, Area.TURN_OFF)) is not None:
        return asked
    if request.method == "POST":
        with open_connections.ended_after(request):
            two_step.turn_off(
                context(),
                account=request.account,
                origin=origin_of(request),
                keep_session=this_browser(request),
            )
        grants.end(request)
        return redirect("two-step")
    shown = {"count": len(app_passwords.active(request.account))}
    return render(request, "portal/two_step_turn_off.html", shown)


def _not_now(request: PortalRequest, *, keep: Iterable[str]) -> HttpResponse | None:
    if request.account.two_step:
        return redirect("two-step")
    return gate.ask(request, Area.TURN_ON, keep=keep)
