"""Locking one's account by the link of a message: "This wasn't me".

Looking at the page changes nothing: mail programs and scanners follow links by themselves.
"""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render

from sidegate.accounts import lock_links, locking
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal.middleware import open_to_all
from sidegate.portal.visitors import PortalRequest


@open_to_all
def lock(request: PortalRequest, token: str) -> HttpResponse:
    """What locking means, and *Lock my account*."""
    if request.method == "POST" and locking.lock(context(), token=token, origin=origin_of(request)):
        # It may be this account's session, which has just ended.
        request.session.flush()
        return redirect("locked")
    link = lock_links.find(context(), token=token)
    if link is None:
        return render(request, "portal/lock_over.html", status=404)
    return render(request, "portal/lock.html", {"address": link.account.address})


@open_to_all
def locked(request: PortalRequest) -> HttpResponse:
    """What to do next."""
    return render(request, "portal/locked.html")
