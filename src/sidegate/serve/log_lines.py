"""How a line of the log looks: the time first, in UTC, as RFC 3339 writes it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime


class LogLine(logging.Formatter):
    """`2026-11-22T19:59:35.123Z LEVEL name: text`, on whatever machine and in whatever zone."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """When it was said."""
        del datefmt
        at = datetime.fromtimestamp(record.created, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
