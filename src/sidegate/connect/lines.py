"""What an operator adds to her own servers: blocks of lines, where they go, how they go away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

How = Literal["write", "set", "run"]
"""A whole file of ours, keys in a file that is there, or commands for root."""

TMPFILES = "/etc/tmpfiles.d"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together."""

    title: str
    how: How
    lines: tuple[str, ...]
    file: str = ""
    """The file; empty where the lines are commands."""
    part: str = ""
    """`observe` where it is left out by whoever enforces at once."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything for one server."""

    server: str
    blocks: tuple[Block, ...]
    undo: tuple[Block, ...]
    """Works with Sidegate and its database dead: it only takes our lines out again."""
    notes: tuple[str, ...] = ()
    """What one has to know before."""
    around: tuple[str, ...] = ()
    """Ways to sign in that would not ask Sidegate; empty where nothing is known of any."""


def printed(plan: Plan) -> Iterator[str]:
    """The plan as lines for a person; those that go into a file stand at the left margin."""
    for note in plan.notes:
        yield f"# {note}"
    if plan.notes:
        yield ""
    for number, block in enumerate(plan.blocks, start=1):
        part = f" ({block.part})" if block.part else ""
        yield from _block(f"{number}. {block.title}{part}", block)
    for around in plan.around:
        yield f"# NOT ENFORCED: {around}"
    if plan.around:
        yield ""
    for block in plan.undo:
        yield from _block(f"Undo. {block.title}", block)


def folders(name: str, rows: tuple[str, ...]) -> tuple[Block, Block]:
    """Folders made now and at each boot: the file, and the command that makes them."""
    file = f"{TMPFILES}/{name}.conf"
    make = Block("Make them now", "run", (f"systemd-tmpfiles --create {file}",))
    return Block("Folders for the sockets, made at each boot", "write", rows, file), make


def _block(title: str, block: Block) -> Iterator[str]:
    yield f"# ---- {title}"
    yield {
        "write": f"# The whole file {block.file}:",
        "set": f"# In {block.file}:",
        "run": "# As root:",
    }[block.how]
    yield from block.lines
    yield ""
