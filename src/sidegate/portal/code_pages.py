"""The pages around a code: typed in, sent again, sent another way."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from sidegate.accounts import codes, people_time
from sidegate.accounts.code_orders import Channel
from sidegate.accounts.codes import CodeOver, CodeRight, CodeWrong, Purpose
from sidegate.accounts.errors import AccountError, TooManyTries, Wait
from sidegate.accounts.phone_numbers import for_people, masked, on_one_line
from sidegate.pages.context import context
from sidegate.portal import code_step
from sidegate.portal.code_states import in_words
from sidegate.portal.code_step import CodeStep
from sidegate.portal.forms import CodeForm, open_channels
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.models import Account


class CodeFlow(NamedTuple):
    """Where the pages of one use of codes are; all but the first are names of URLs."""

    purpose: Purpose
    page: str
    again: str
    ways: str
    begin: str
    """Where to begin anew once no code is waited for."""
    title: Promise
    number_shown: bool = False
    """Whether the number may stand there in full: the person has just typed it."""
    may_trust: bool = False
    """Whether the browser need not be asked again."""


def code_page(
    request: PortalRequest,
    flow: CodeFlow,
    *,
    right: Callable[[CodeRight], HttpResponse],
    back: str,
) -> HttpResponse:
    """Ask for the code; `right` answers once it was right."""
    step = code_step.waiting(request, flow.purpose)
    if step is None:
        return redirect(flow.begin)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer = _present(request, step, form.cleaned_data["code"])
        if isinstance(answer, CodeRight):
            return right(answer)
        form.add_error("code", answer)
    shown = {
        "form": form,
        "flow": flow,
        "back": back,
        "may_call": step.channel == "sms" and "voice" in context().config.channels,
        **_sending(flow, step),
    }
    return render(request, "portal/code.html", shown)


def _present(request: PortalRequest, step: CodeStep, typed: str) -> CodeRight | str:
    """The code was right, or what was wrong."""
    try:
        answer = code_step.present(request, step, typed)
    except TooManyTries as problem:
        return said(problem)
    return answer if isinstance(answer, CodeRight) else _why_not(answer)


def _sending(flow: CodeFlow, step: CodeStep) -> dict[str, object]:
    """How it stands, and in how many seconds another may be asked for."""
    now = context().now()
    waiting = codes.waiting_for(step.challenge)
    number = on_one_line((for_people if flow.number_shown else masked)(step.number))
    return {
        "sending": in_words(waiting.standing, channel=step.channel, number=number, now=now),
        "wait": max(0, -(-(waiting.again_at - now) // 1000)),
    }


@require_POST
def send_again(request: PortalRequest, flow: CodeFlow, account: Account) -> HttpResponse:
    """Send another code to the same phone, the way that was asked for or as before."""
    step = code_step.waiting(request, flow.purpose)
    if step is None:
        return redirect(flow.begin)
    try:
        channel = _channel(request.POST.get("way", step.channel))
        code_step.again(request, step, account=account, channel=channel)
    except AccountError as problem:
        messages.error(request, said(problem))
    else:
        messages.success(request, _("A new code is on its way. Earlier codes no longer count."))
    return redirect(flow.page)


def send_to(
    request: PortalRequest, flow: CodeFlow, account: Account, *, number: str, channel: str
) -> HttpResponse:
    """Send a code to a phone, and go to the page that asks for it."""
    try:
        code_step.begin(
            request,
            account=account,
            purpose=flow.purpose,
            number=number,
            channel=_channel(channel),
        )
    except AccountError as problem:
        messages.error(request, said(problem))
        return redirect(flow.ways)
    return redirect(flow.page)


def _channel(wanted: str) -> Channel:
    """The way that is wanted, where it is open; otherwise the one that is."""
    channels = [channel for channel, _words in open_channels()]
    return next((channel for channel in channels if channel == wanted), channels[0])


def said(problem: AccountError) -> str:
    """What was wrong, and when it can be tried again."""
    text = str(problem.text)
    if isinstance(problem, Wait):
        text += " " + _retry_words(problem)
    return text


def _retry_words(problem: Wait) -> str:
    at = people_time.moment(problem.retry_at)
    today = at.date() == people_time.moment(context().now()).date()
    if isinstance(problem, TooManyTries):
        text = _("Try again at %(time)s.") if today else _("Try again tomorrow at %(time)s.")
    elif today:
        text = _("The next one can be sent at %(time)s.")
    else:
        text = _("The next one can be sent tomorrow at %(time)s.")
    return text % {"time": people_time.clock_words(at, seconds=True)}


def _why_not(answer: CodeWrong | CodeOver) -> str:
    if isinstance(answer, CodeWrong):
        left = answer.tries_left
        return ngettext(
            "This is not the code. One try is left.",
            "This is not the code. %(count)s tries are left.",
            left,
        ) % {"count": left}
    if answer.why == "tries":
        return _("Those were too many wrong tries. Send a new code.")
    if answer.why == "expired":
        return _("This code is older than 10 minutes. Send a new one.")
    if answer.why == "gone":
        return _("This code is no longer valid. Start again.")
    return _("This code was used before. Send a new one.")
