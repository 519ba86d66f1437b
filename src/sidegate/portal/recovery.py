"""A waiting recovery, for whoever passed the first stage and can use no second step.

Seen from the second stage of a sign-in alone: nobody is signed in here.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from sidegate.accounts import people_time, recovery, recovery_rows
from sidegate.accounts.errors import AccountError
from sidegate.decisions.recovery import Stage
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import recovery_cookie, sign_in, sign_in_stages
from sidegate.portal.middleware import open_to_all
from sidegate.portal.sign_in_stages import Pending
from sidegate.portal.visitors import PortalRequest


@open_to_all
def page(request: PortalRequest) -> HttpResponse:
    """What a recovery is, how the one under way stands, or when another can be started."""
    pending = _pending(request)
    if pending is None:
        return sign_in.begin_anew(request)
    return _page(request, pending)


@open_to_all
@require_POST
def start(request: PortalRequest) -> HttpResponse:
    """*Start the recovery*."""
    pending = _pending(request)
    if pending is None:
        return sign_in.begin_anew(request)
    try:
        token = recovery.begin(context(), account=pending.account, origin=origin_of(request))
    except AccountError:
        return redirect("recovery")  # which says why
    return recovery_cookie.give(redirect("recovery"), token)


@open_to_all
@require_POST
def finish(request: PortalRequest) -> HttpResponse:
    """*Finish the recovery*: in, with 2-step off; or on to a new password."""
    pending = _pending(request)
    if pending is None:
        return sign_in.begin_anew(request)
    if pending.by_mail and _may_finish(request, pending):
        sign_in_stages.may_set_password(request, recovered=True)
        return redirect("reset-password")
    finished = not pending.by_mail and recovery.finish(
        context(),
        account=pending.account,
        password_version=pending.account.password_version,
        token=recovery_cookie.token_of(request),
        by_mail=False,
        origin=origin_of(request),
    )
    if not finished:
        return redirect("recovery")
    sign_in_stages.finish(request, pending.account, step="")
    said = _("2-Step Verification is off. Turn it on again now, with a second step that you have.")
    messages.success(request, said)
    return recovery_cookie.take_away(redirect("two-step"))


def _pending(request: PortalRequest) -> Pending | None:
    """The sign-in that waits for a second step, as long as one is asked for."""
    pending = sign_in_stages.pending(request)
    return pending if pending is not None and pending.account.two_step else None


def _page(request: PortalRequest, pending: Pending) -> HttpResponse:
    account = pending.account
    people_time.use_zone(account.time_zone)
    found = recovery_rows.under_way(context(), account=account)
    shown = {
        "under_way": found,
        "ripe": found is not None and found.stage is Stage.RIPE,
        "here": recovery_cookie.began_here(request, account),
        "may_finish": _may_finish(request, pending),
        "retry_at": recovery_rows.retry_at(context(), account=account),
        "sends_mail": context().config.sends_mail,
        "has_recovery_address": bool(account.recovery_address),
        "by_sms": "sms" in context().config.channels and account.phones.exists(),
        "sets_password": pending.by_mail,
    }
    return render(request, "portal/recovery.html", shown)


def _may_finish(request: PortalRequest, pending: Pending) -> bool:
    return recovery.may_finish(
        context(),
        account=pending.account,
        password_version=pending.account.password_version,
        token=recovery_cookie.token_of(request),
        by_mail=pending.by_mail,
    )
