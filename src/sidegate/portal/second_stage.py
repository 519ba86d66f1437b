"""The second step of a sign-in, or of what asks for one again: any that the account has."""

from __future__ import annotations

from typing import NamedTuple

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from sidegate.accounts import second_steps
from sidegate.accounts.phone_numbers import masked, on_one_line
from sidegate.accounts.second_steps import SecondStep, StepKind
from sidegate.portal import code_pages
from sidegate.portal.code_pages import CodeFlow
from sidegate.portal.forms import open_channels
from sidegate.portal.step_words import ICONS, left_words
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.models import Account


class SecondStage(NamedTuple):
    """Where the pages of one use of second steps are."""

    codes: CodeFlow
    """Those of codes to a phone; its `ways` shows every way."""
    pages: dict[StepKind, str]
    """The page that asks for each kind, as a name of a URL; no other kind is offered."""
    lost: str = ""
    """The same of the page for whoever can use none; empty for none."""


class _Way(NamedTuple):
    value: str
    """What its button sends."""
    icon: str
    label: str
    state: str
    step: SecondStep
    channel: str = ""


def first(request: PortalRequest, stage: SecondStage, account: Account) -> HttpResponse:
    """Go to the page of the best second step; a code is sent where that is a phone."""
    best = _best(stage, account)
    if best is None:
        return redirect(stage.codes.ways)
    return _go(request, stage, account, best, channel=best.channel)


def ways_page(request: PortalRequest, stage: SecondStage, account: Account) -> HttpResponse:
    """Offer every second step, a phone by each way to it."""
    ways = [way for step in _offered(stage, account) for way in _ways(step)]
    if request.method == "POST":
        for way in ways:
            if way.value == request.POST.get("way"):
                return _go(request, stage, account, way.step, channel=way.channel)
    best = _best(stage, account)
    page = stage.pages[best.kind] if best else stage.codes.begin
    shown = {"flow": stage.codes, "ways": ways, "back": reverse(page), "lost": stage.lost}
    return render(request, "portal/ways.html", shown)


def _go(
    request: PortalRequest, stage: SecondStage, account: Account, step: SecondStep, *, channel: str
) -> HttpResponse:
    if step.kind is StepKind.PHONE:
        return code_pages.send_to(
            request, stage.codes, account, number=step.number, channel=channel
        )
    return redirect(stage.pages[step.kind])


def _offered(stage: SecondStage, account: Account) -> list[SecondStep]:
    return [step for step in second_steps.of(account) if step.kind in stage.pages]


def _best(stage: SecondStage, account: Account) -> SecondStep | None:
    return next(iter(_offered(stage, account)), None)


def _ways(step: SecondStep) -> list[_Way]:
    label = str(second_steps.WORDS[step.kind])
    if step.kind is StepKind.PHONE:
        number = on_one_line(masked(step.number))
        return [
            _Way(f"{step.id}-{channel}", ICONS[channel], str(words), number, step, channel)
            for channel, words in open_channels()
        ]
    name = "" if step.name == label else step.name
    return [_Way(step.key, ICONS[step.kind], label, name or left_words(step), step)]
