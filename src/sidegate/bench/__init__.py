"""`sidegate bench`: the door beside a floor server and beside Dovecot's own auth service."""

from __future__ import annotations

from pathlib import Path


def main(*, quick: bool, output: Path | None) -> int:
    """Measure, print a table, write the ratios to `output`; returns the exit status."""
    from sidegate.bench.running import run  # noqa: PLC0415 - no other command needs it

    return run(quick=quick, output=output)
