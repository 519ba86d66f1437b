"""The page of one second step: its name, its last use, and removing it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from sidegate.accounts import second_steps
from sidegate.accounts.errors import LastStep
from sidegate.accounts.phone_numbers import phones
from sidegate.accounts.second_steps import SecondStep
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import gate, kept_forms
from sidegate.portal.devices import this_browser
from sidegate.portal.forms import StepNameForm, open_channels
from sidegate.portal.grants import Area, inside
from sidegate.portal.step_words import row
from sidegate.portal.visitors import PortalRequest


@inside(Area.STEPS)
def step(request: PortalRequest, key: str) -> HttpResponse:
    """Show it, or give it another name."""
    found = second_steps.find(request.account, key=key)
    if found is None:
        return redirect("two-step")
    if (asked := gate.ask(request, Area.STEPS, keep=StepNameForm.base_fields)) is not None:
        return asked
    form = StepNameForm(request.POST or None, initial={"name": found.name})
    if request.method == "POST" and form.is_valid():
        second_steps.rename(
            context(),
            account=request.account,
            step=found,
            name=form.cleaned_data["name"],
            origin=origin_of(request),
        )
        messages.success(request, _("The name was changed."))
        return redirect("two-step")
    kept_forms.fill_in(request, form)
    return _page(request, found, form)


@inside(Area.STEPS)
def remove(request: PortalRequest, key: str) -> HttpResponse:
    """Remove it; the last one stays while 2-step is on."""
    if request.method != "POST":
        return redirect("second-step", key)
    if (back := gate.lead_back(request, Area.STEPS, "second-step", key)) is not None:
        return back
    try:
        gone = second_steps.remove(
            context(),
            account=request.account,
            key=key,
            origin=origin_of(request),
            keep_session=this_browser(request),
        )
    except LastStep as problem:
        messages.error(request, str(problem.text))
        return redirect("second-step", key)
    if gone:
        messages.success(request, _("The second step was removed."))
    return redirect("two-step")


def _page(request: PortalRequest, found: SecondStep, form: StepNameForm) -> HttpResponse:
    shown = {
        "row": row(found),
        "form": form,
        "channels": open_channels() if found.number else [],
        "comes_first": phones(request.account)[0].pk == found.id if found.number else True,
    }
    return render(request, "portal/step.html", shown)
