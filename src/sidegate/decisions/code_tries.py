"""How many wrong codes are too many, for the second steps of one account together.

A code of six digits is right by chance once in a million tries, one of an authenticator
app three times: at 30 a day somebody who knows the password needs 20 years for even odds.
"""

from __future__ import annotations

from collections.abc import Sequence

from sidegate.decisions.throttle import DAY, HOUR

LIMITS = ((HOUR, 10), (DAY, 30))
"""Milliseconds, and the wrong codes that may come within them."""


def retry_at(tries: Sequence[int], *, now: int) -> int | None:
    """From when on another code may be tried; `None` for at once.

    `tries` are the times of the wrong ones of the last day, in milliseconds since the
    epoch, in any order.
    """
    waits = []
    for span, most in LIMITS:
        recent = sorted(at for at in tries if at > now - span)
        if len(recent) >= most:
            waits.append(recent[-most] + span)
    return max(waits, default=None)
