"""Stopping a recovery: by the link of a message, without a sign-in, or on any page of one's own.

Looking at the link's page changes nothing: mail programs and scanners follow links by themselves.
"""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from sidegate.accounts import recovery
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal.middleware import open_to_all
from sidegate.portal.visitors import PortalRequest


@open_to_all
def link(request: PortalRequest, token: str) -> HttpResponse:
    """What stopping means, and *Stop the recovery*."""
    if request.method == "POST" and recovery.stop_by_link(
        context(), token=token, origin=origin_of(request)
    ):
        return redirect("recovery-stopped")
    account = recovery.find(context(), token=token)
    if account is None:
        return render(request, "portal/recovery_over.html", status=404)
    return render(request, "portal/recovery_stop.html", {"address": account.address})


@open_to_all
def stopped(request: PortalRequest) -> HttpResponse:
    """What to do next."""
    return render(request, "portal/recovery_stopped.html")


@require_POST
def here(request: PortalRequest) -> HttpResponse:
    """*Stop it*, on a page of hers."""
    if recovery.stop(context(), account=request.account, origin=origin_of(request)):
        said = _("The recovery was stopped. Change your password: somebody else may know it.")
        messages.success(request, said)
    return redirect("security")
