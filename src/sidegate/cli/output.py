"""What commands print: tables for people, JSON for programs."""

# ruff: noqa: T201 - printing is what this module is for

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

_GAP = "  "
_NARROWEST = 8


def local_time(at: int | None) -> str:
    """A moment as people here read it, `never` for none."""
    if at is None:
        return "never"
    return datetime.fromtimestamp(at / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def say(text: str) -> None:
    """Print a line to whoever reads our output, at once."""
    print(text, flush=True)


def say_aside(text: str) -> None:
    """Print a line to standard error: no program takes it for a result."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    """Print one JSON value, indented."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print aligned columns; on a terminal no line is wider than it."""
    lines = [list(headings), *(list(row) for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    if sys.stdout.isatty():
        _narrow(widths, shutil.get_terminal_size().columns)
    for line in lines:
        cells = (_cell(text, width) for text, width in zip(line, widths, strict=True))
        print(_GAP.join(cells).rstrip())


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values, the values aligned."""
    pairs = list(facts)
    width = max(_width(name) for name, _ in pairs)
    for name, value in pairs:
        print(f"{_cell(name, width)}{_GAP}{value}")


def _narrow(widths: list[int], most: int) -> None:
    """Take from the widest columns until the line fits."""
    room = most - len(_GAP) * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1


def _width(text: str) -> int:
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """The text, no wider than that."""
    if _width(text) > width:
        while text and _width(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text


def _cell(text: str, width: int) -> str:
    text = cut(text, width)
    return text + " " * (width - _width(text))
