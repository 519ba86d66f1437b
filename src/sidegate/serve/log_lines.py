"""How a line of the log looks: the time first, in UTC, as RFC 3339 writes it."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime

_OPENED_BY_A_TOKEN = ("lock", "signin/reset", "stop")
"""Addresses after which a secret stands: whoever knows it may do what its page does."""
# Anywhere and in any letters: a link that was mangled on its way leads nowhere, and still works.
_LINK = re.compile(rf"(/(?:{'|'.join(_OPENED_BY_A_TOKEN)})/).*", re.IGNORECASE)


class LogLine(logging.Formatter):
    """`2026-11-22T19:59:35.123Z LEVEL name: text`, on whatever machine and in whatever zone.

    What Django says of a request ends where the secret of a link would stand.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a record."""
        text = super().format(record)
        return _LINK.sub(r"\1…", text) if record.name.startswith("django.") else text

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        """When it was said."""
        del datefmt
        at = datetime.fromtimestamp(record.created, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
