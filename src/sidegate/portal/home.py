"""The start page, and the page that tells how to connect a mail program."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from sidegate.accounts import activity, app_passwords
from sidegate.decisions.words import Reason
from sidegate.events.catalogue import Kind
from sidegate.pages.context import context
from sidegate.portal import cut_over, setup_facts
from sidegate.portal.activity_words import told
from sidegate.portal.visitors import PortalRequest
from sidegate.portal.waiting import waiting_for

_LOOKED_AT = 20


def home(request: PortalRequest) -> HttpResponse:
    """How things stand, and what to do next."""
    account = request.account
    mail = [
        event
        for event in activity.recent(account, limit=_LOOKED_AT)
        if event.kind in {Kind.MAIL_ALLOWED, Kind.MAIL_GRACE, Kind.MAIL_REFUSED}
    ]
    refused = bool(mail) and mail[0].reason == Reason.NOT_AN_APP_PASSWORD
    shown = {
        "count": len(app_passwords.active(account)),
        "except_for": cut_over.exceptions(account)["except_for"],
        "password_given": account.password_given and context().config.has_own_passwords,
        "waiting": waiting_for(account),
        "refused": told(mail[0]) if refused and account.two_step else None,
    }
    return render(request, "portal/home.html", shown)


def mail(request: PortalRequest) -> HttpResponse:
    """What to type into a mail program."""
    shown = {"facts": setup_facts.all_facts(address=request.account.address)}
    return render(request, "portal/mail.html", shown)
