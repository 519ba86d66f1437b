"""`sidegate events`."""

from __future__ import annotations

import json
import re
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from datetime import datetime

from sidegate.accounts import activity
from sidegate.accounts.context import Context
from sidegate.cli.errors import DONE, USAGE, Failure
from sidegate.cli.output import local_time, print_json, say
from sidegate.cli.people import account_of
from sidegate.storage.models import Account, Event
from sidegate.wire.times import rfc3339

_DEFAULT_SINCE = "24h"
_POLL_SECONDS = 0.5
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def run(ctx: Context, arguments: Namespace) -> int:
    """Show what happened, oldest first; with --follow, go on."""
    account = account_of(arguments.account) if arguments.account else None
    at = moment(arguments.since or _DEFAULT_SINCE, now=ctx.now())
    if arguments.follow:
        _follow(account, at, as_json=arguments.json)
    elif arguments.json:
        print_json([described(event) for event in _read(account, at)])
    else:
        for event in _read(account, at):
            say(line_of(event))
    return DONE


def moment(text: str, *, now: int) -> int:
    """The time in milliseconds that --since names: a date, a time, or how long ago."""
    ago = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if ago:
        return now - int(ago[1]) * _UNITS[ago[2]]
    try:
        # A time without an offset is one of this machine's clock.
        return int(datetime.fromisoformat(text).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise Failure(
            f"--since {text!r}: write 2026-05-31, 2026-05-31T08:00:00Z, 30m, 12h or 7d",
            status=USAGE,
        ) from None


def _read(account: Account | None, at: int, after_id: int = 0) -> Iterator[Event]:
    return activity.since(account=account, at=at, after_id=after_id).iterator(chunk_size=500)


def _follow(account: Account | None, at: int, *, as_json: bool) -> None:
    """Print each event on a line of its own until interrupted."""
    last = 0
    try:
        while True:
            last = _print_lines(_read(account, at, last), last, as_json=as_json)
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        return


def _print_lines(events: Iterable[Event], last: int, *, as_json: bool) -> int:
    for event in events:
        text = json.dumps(described(event), ensure_ascii=False) if as_json else line_of(event)
        say(text)
        last = event.pk
    return last


def described(event: Event) -> dict[str, object]:
    """What JSON says of an event."""
    return {
        "id": event.pk,
        "at": rfc3339(event.at),
        "kind": event.kind,
        "account": event.account.address if event.account else None,
        "address": event.address,
        "protocol": event.protocol,
        "program": event.program,
        "reason": event.reason,
        "app_password": event.app_password_id,
        "detail": json.loads(event.detail),
    }


def line_of(event: Event) -> str:
    """One event on one line, for people."""
    owner = event.account.address if event.account else "-"
    detail = [f"{name}={value}" for name, value in json.loads(event.detail).items()]
    if event.app_password_id is not None:
        detail.append(f"app-password={event.app_password_id}")
    parts = [event.protocol, event.address, event.reason, *detail, event.program]
    rest = "  ".join(part for part in parts if part)
    return f"{local_time(event.at)}  {event.kind:<20}  {owner}  {rest}".rstrip()
