"""Moments as other programs read them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(at: int | None) -> str | None:
    """A moment in milliseconds since the epoch as RFC 3339 in UTC; `None` stays."""
    if at is None:
        return None
    text = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
