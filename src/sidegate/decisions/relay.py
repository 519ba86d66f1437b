"""The name by which the private Dovecot's submission tells its relay which app password sends.

It proves nothing by itself: the relay's secret does.
"""

from __future__ import annotations

import re

RELAY_USER = "sidegate"
"""Submission that an account password opened."""

_BY_APP_PASSWORD = re.compile(rf"{RELAY_USER}-([1-9][0-9]{{0,17}})")


def relay_user(app_password_id: int) -> str:
    """The name for submission that an app password opened."""
    return f"{RELAY_USER}-{app_password_id}"


def app_password_of(user: str) -> int | None:
    """The app password that such a name tells of, if it does."""
    found = _BY_APP_PASSWORD.fullmatch(user)
    return int(found[1]) if found else None
