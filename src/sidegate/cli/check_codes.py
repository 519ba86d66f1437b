"""`sidegate check`: where codes may go, and how near they are to their limits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from sidegate.cli.findings import Finding, ok, problem, warning
from sidegate.config import Config


def check_code_limits(config: Config) -> Finding:
    """How near codes are to their limits, and what is stopped; the database is open."""
    code_limits: Any = import_module("sidegate.accounts.code_limits")
    now = time.time_ns() // 1_000_000
    stopped, seen = code_limits.stopped(config.codes, now=now), code_limits.seen(now=now)
    said = f"{seen.codes} of at most {config.codes.daily_most} within 24 hours"
    if stopped:
        return problem(
            "codes sent",
            f"{said}; stopped: {', '.join(stopped)}",
            "somebody may be having codes sent for money: see docs/operators/codes.md",
        )
    return ok("codes sent", said)


def check_countries(config: Config) -> Iterator[Finding]:
    """Where codes may go."""
    if not config.sends_codes:
        return
    if config.phone_countries:
        yield ok("countries", f"numbers of {', '.join(config.codes.countries)} may be added")
    else:
        yield warning(
            "countries",
            "numbers of every country may be added, the dearest too",
            'name those that your people have, your own first: [codes] countries = ["LV"]',
        )
