"""What `sidegate check` finds: each thing in order, doubtful or wrong, and what to do."""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["ok", "warning", "problem"]


class Finding(NamedTuple):
    """One line of the check."""

    what: str
    state: State
    text: str
    todo: str = ""


def ok(what: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(what, "ok", text)


def warning(what: str, text: str, todo: str = "") -> Finding:
    """It works, and may not be what is wanted."""
    return Finding(what, "warning", text, todo)


def problem(what: str, text: str, todo: str) -> Finding:
    """It does not work."""
    return Finding(what, "problem", text, todo)
