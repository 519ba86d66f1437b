"""The mail programs that an account was signed in with."""

from __future__ import annotations

from sidegate.storage.mail_models import Sighting


def of(account_id: int, *, since: int) -> list[Sighting]:
    """Those that signed in at `since` (milliseconds) or later, the newest first."""
    seen = Sighting.objects.filter(account_id=account_id, last_at__gte=since)
    return list(seen.order_by("-last_at", "-id"))
