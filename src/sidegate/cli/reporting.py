"""`sidegate report …`."""

from __future__ import annotations

import csv
import sys
from argparse import Namespace
from collections.abc import Iterator
from itertools import groupby

from sidegate.accounts.context import Context
from sidegate.accounts.grace import Grace
from sidegate.accounts.observe_report import DAYS, Report, Row, goes, in_use_since
from sidegate.cli.errors import DONE
from sidegate.cli.output import cut, local_time, print_facts, print_json, say
from sidegate.decisions.observing import Outcome
from sidegate.wire.times import rfc3339

_WIDTH = 80
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""
_WORDS = {
    Outcome.REFUSED: "would be refused: account password used, app passwords are needed",
    Outcome.MECHANISM_GONE: "has to change: {mechanism} is no longer offered",
    Outcome.GRACE: "goes on: a grace window is open",
    Outcome.TWO_STEP_OFF: "goes on: 2-step off",
    Outcome.APP_PASSWORD: "goes on: app password",
}
_COLUMNS = (
    "account", "two_step", "protocol", "network", "program", "mechanism", "credential",
    "last_used", "last_address", "times", "outcome", "text",
)  # fmt: skip


def observe(ctx: Context, arguments: Namespace) -> int:
    """`report observe`."""
    report = Report(ctx, since=in_use_since(ctx.now()))
    if arguments.csv:
        _print_csv(report.rows())
    elif arguments.json:
        rows = [_described(row) for row in report.rows()]
        totals = report.totals()._asdict()
        print_json(
            {
                "mode": _mode(ctx),
                "days": DAYS,
                "totals": totals,
                "grace": [_grace(one) for one in report.grace],
                "rows": rows,
            }
        )
    else:
        _print_table(report.rows())
        _print_totals(ctx, report)
    return DONE


def _mode(ctx: Context) -> str:
    return ctx.config.policy.mode


def words(row: Row) -> str:
    """What enforcing does to it."""
    return _WORDS[row.outcome].format(mechanism=row.mechanism)


def _described(row: Row) -> dict[str, object]:
    values = row._asdict()
    last_at = values.pop("last_at")
    return {**values, "last_used": rfc3339(last_at), "text": words(row)}


def _grace(one: Grace) -> dict[str, object]:
    return {
        "account": one.account,
        "program": one.name,
        "address": one.address,
        "protocols": list(one.protocols),
        "until": rfc3339(one.until),
    }


def _print_csv(rows: Iterator[Row]) -> None:
    table = csv.writer(sys.stdout, lineterminator="\r\n")  # RFC 4180
    table.writerow(_COLUMNS)
    for row in rows:
        described = _described(row)
        table.writerow([_cell(described[name]) for name in _COLUMNS])


def _cell(value: object) -> str:
    """A program names itself: what it says must be no formula of whoever opens the file."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _print_table(rows: Iterator[Row]) -> None:
    for (account, two_step), programs in groupby(rows, key=lambda row: (row.account, row.two_step)):
        say(f"{account}: 2-step {'on' if two_step else 'off'}")
        for row in programs:
            mark = "REFUSED" if row.outcome is Outcome.REFUSED else ""
            mark = "changes" if row.outcome is Outcome.MECHANISM_GONE else mark
            program = " ".join(filter(None, (row.program or "-", row.mechanism)))
            last = local_time(row.last_at)[:10]
            line = f"  {mark:<8} {row.protocol:<10} {last}  {row.network:<18}  {program}"
            say(cut(line, _WIDTH))
            say(cut(f"  {'':<8} {words(row)}", _WIDTH))


def _print_totals(ctx: Context, report: Report) -> None:
    totals = report.totals()
    say("")
    facts = [
        ("Mode", _mode(ctx)),
        ("Accounts", str(totals.accounts)),
        ("2-step on", str(totals.two_step)),
        (f"On the account password, last {DAYS} days", str(totals.seen)),
        *((f"  by {name}", str(count)) for name, count in totals.protocols.items()),
        *((f"  {_mechanism(name)}", str(count)) for name, count in totals.mechanisms.items()),
        ("With a program that would be refused", str(totals.refused)),
        ("Programs with a grace window", str(len(report.grace))),
    ]
    print_facts(facts)


def _mechanism(name: str) -> str:
    if not name:
        return "by a mechanism that is not known"
    return f"by {name}, which goes" if goes(name) else f"by {name}"
