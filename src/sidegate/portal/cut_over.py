"""From the account password to app passwords, without pain: the programs that still use it."""

from __future__ import annotations

from typing import NamedTuple

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from sidegate.accounts import app_passwords, grace, mail_programs
from sidegate.accounts.errors import AccountError
from sidegate.accounts.grace import Grace
from sidegate.accounts.mail_programs import MailProgram
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import open_connections
from sidegate.portal.activity_words import protocol_name
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.models import Account

MOST_LISTED = 20
"""Programs on one page, those used last first."""
_NEEDS_APP_PASSWORD, _GOES_ON = CHOICES = "app-password", "goes-on"


class Listed(NamedTuple):
    """A mail program, in words."""

    program: MailProgram
    name: str
    protocols: str
    may_go_on: bool
    app_password_wanted: bool
    goes_on: bool


class Made(NamedTuple):
    """A new app password and the program that it is for."""

    id: int
    name: str
    password: str

    def __repr__(self) -> str:
        return f"Made(id={self.id})"


def offered(account: Account, *, ticked: dict[str, list[str]]) -> dict[str, object]:
    """The programs that turning 2-step on signs out, and what may be done about each.

    `ticked` holds what she had chosen already, by the names in `CHOICES`.
    """
    days = context().config.policy.grace_days
    found = mail_programs.lately(account.pk, now=context().now())
    programs = [
        Listed(
            program=program,
            name=_called(program.name, program.last_address),
            protocols=_protocols(program.protocols),
            may_go_on=days > 0 and program.may_go_on,
            app_password_wanted=program.key in ticked.get(_NEEDS_APP_PASSWORD, ()),
            goes_on=program.key in ticked.get(_GOES_ON, ()),
        )
        for program in found[:MOST_LISTED]
    ]
    words = ngettext("for %(count)s day", "for %(count)s days", days) % {"count": days}
    more = len(found) - len(programs)
    return {"programs": programs, "more": more, "days": words, "may_go_on": days > 0}


def chosen(request: PortalRequest) -> tuple[list[MailProgram], list[MailProgram]]:
    """Of the offered programs those that get an app password, and those that may go on."""
    programs = mail_programs.lately(request.account.pk, now=context().now())[:MOST_LISTED]
    wanted, going_on = (request.POST.getlist(name) for name in (_NEEDS_APP_PASSWORD, _GOES_ON))
    return (
        [program for program in programs if program.key in wanted],
        [program for program in programs if program.key in going_on],
    )


def make(request: PortalRequest, programs: list[MailProgram]) -> list[Made]:
    """Make an app password for each; stops with a message where there can be no more."""
    made: list[Made] = []
    for program in programs:
        try:
            one = app_passwords.make(
                context(),
                account=request.account,
                app="mail",
                device=mail_programs.device_of(program),
                made_for=program.name or program.last_address,
                origin=origin_of(request),
            )
        except AccountError as problem:
            messages.error(request, str(problem.text))
            break
        name = _called(program.name, program.last_address)
        made.append(Made(one.id, name, app_passwords.grouped(one.secret)))
    return made


def exceptions(account: Account) -> dict[str, object]:
    """What goes on with the account password while 2-step is on: a sentence, and rows."""
    found = grace.open_for(context(), account)
    return {"except_for": _except_for(found), "exceptions": [_row(one) for one in found]}


@require_POST
def end(request: PortalRequest) -> HttpResponse:
    """End one program's: it only gets safer, so no password is asked."""
    with open_connections.ended_after(request):
        ended = grace.end(
            context(),
            account=request.account,
            key=request.POST.get("id", ""),
            origin=origin_of(request),
        )
        if ended is None:
            messages.error(request, _("That mail program is not in the list any more."))
        else:
            said = _("Ended: %(name)s. It needs an app password now.")
            messages.success(request, said % {"name": _called(ended.name, ended.address)})
    return redirect("two-step")


def _except_for(found: list[Grace]) -> str:
    if not found:
        return ""
    days = max(one.days_left(context().now()) for one in found)
    words = ngettext(
        "On, except for %(programs)s (%(count)s day left)",
        "On, except for %(programs)s (%(count)s days left)",
        days,
    )
    # Several programs without a name may be at one address.
    names = dict.fromkeys(_called(one.name, one.address, begins=False) for one in found)
    return words % {"programs": ", ".join(names), "count": days}


def _row(one: Grace) -> dict[str, object]:
    days = one.days_left(context().now())
    left = ngettext("%(count)s day left", "%(count)s days left", days) % {"count": days}
    facts = [_protocols(one.protocols), one.address, left]
    return {
        "key": one.key,
        "name": _called(one.name, one.address),
        "facts": [fact for fact in facts if fact],
    }


def _called(name: str, address: str, *, begins: bool = True) -> str:
    if name:
        return name
    if not address:
        return _("A mail program")
    words = _("A mail program at %(address)s") if begins else _("a mail program at %(address)s")
    return words % {"address": address}


def _protocols(protocols: tuple[str, ...]) -> str:
    return ", ".join(protocol_name(protocol) for protocol in protocols)
