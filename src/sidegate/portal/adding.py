"""A second step that was just proved: added, or what 2-step is turned on with."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from sidegate.accounts import second_steps
from sidegate.accounts.second_steps import NewStep
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import proved
from sidegate.portal.grants import Area
from sidegate.portal.visitors import PortalRequest


def area(request: PortalRequest) -> Area:
    """The area that adding a second step belongs to."""
    return Area.STEPS if request.account.two_step else Area.TURN_ON


def back(request: PortalRequest) -> str:
    """The page before it."""
    return reverse("two-step" if request.account.two_step else "two-step-phone")


def proved_now(request: PortalRequest, new: NewStep, *, said: str) -> HttpResponse:
    """Add it where 2-step is on, and say so; go on to turning it on where it is off."""
    if not request.account.two_step:
        proved.keep(request, new)
        return redirect("two-step-turn-on")
    second_steps.add(context(), account=request.account, new=new, origin=origin_of(request))
    messages.success(request, said)
    return redirect("two-step")
