"""Who would be refused if 2-Step Verification were enforced for mail now."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from sidegate.accounts.observe_report import DAYS, Report, Row, Totals, goes, in_use_since
from sidegate.console import codes
from sidegate.console.access import OperatorRequest, for_operators
from sidegate.console.forms import PROTOCOLS, WantedForm
from sidegate.console.words import SHOWN, mode_words, outcome_words
from sidegate.decisions.observing import Outcome
from sidegate.pages.context import context
from sidegate.storage.models import Account

_PAGE = 50
_MOST_PROGRAMS = 30
"""Of one account on this page; the report has them all."""
_LONGEST = 254


class Shown(NamedTuple):
    """One mail program, in words."""

    row: Row
    protocol: str
    text: str
    tone: str


class Whose(NamedTuple):
    """One account with its programs."""

    account: Account
    programs: list[Shown]
    left_out: int


@require_safe
@for_operators
def page(request: OperatorRequest) -> HttpResponse:
    """The sum, and every account with its mail programs."""
    ctx = context()
    report = Report(ctx, since=in_use_since(ctx.now()))
    form = WantedForm(request.GET)
    wanted = form.wanted()
    after = request.GET.get("after", "")[:_LONGEST]
    found = list(report.accounts(wanted).filter(address__gt=after)[: _PAGE + 1])
    whose = [_whose(account, rows) for account, rows in report.of(found[:_PAGE])]
    kept = {name: value for name, value in wanted._asdict().items() if value}
    older = urlencode({**kept, "after": found[_PAGE - 1].address}) if len(found) > _PAGE else ""
    shown = {
        "codes": codes.lines(ctx),
        "form": form,
        "days": DAYS,
        "mode": mode_words(ctx.config.policy),
        "observing": ctx.config.policy.mode == "observe",
        "whose": whose,
        "narrowed": bool(kept),
        "first": urlencode(kept) if after else None,
        "next": older,
        **_sums(report.totals()),
    }
    return render(request, "console/operator.html", shown)


def _whose(account: Account, rows: list[Row]) -> Whose:
    shown = [_shown(row) for row in rows[:_MOST_PROGRAMS]]
    return Whose(account, shown, len(rows) - len(shown))


def _shown(row: Row) -> Shown:
    text = outcome_words(row)
    tone = {Outcome.REFUSED: "refused", Outcome.MECHANISM_GONE: "unsure"}.get(row.outcome, "fine")
    return Shown(row, _protocol(row.protocol), text, tone)


def _sums(totals: Totals) -> dict[str, Any]:
    return {
        "totals": totals,
        "protocols": [(_protocol(name), count) for name, count in totals.protocols.items()],
        "mechanisms": [(name, count, goes(name)) for name, count in totals.mechanisms.items()],
        "refused_link": urlencode({"show": SHOWN[0][0]}),
    }


def _protocol(name: str) -> str:
    return dict(PROTOCOLS).get(name, name)
