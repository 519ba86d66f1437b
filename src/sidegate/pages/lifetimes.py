"""How long a browser stays signed in."""

_DAY = 24 * 60 * 60 * 1000
IDLE = 14 * _DAY
"""Milliseconds after which an unused session ends; the cookie's age is the same."""
LONGEST = 90 * _DAY
"""Milliseconds after which every session ends."""
