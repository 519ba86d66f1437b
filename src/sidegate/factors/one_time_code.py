"""One-time codes sent to a phone (NIST SP 800-63B, out-of-band authenticators)."""

from __future__ import annotations

from collections.abc import Callable

from sidegate.factors.digests import keyed_digest

DIGITS = 6
LIFETIME = 10 * 60_000
"""Milliseconds for which a code is good (ASVS 6.5.5)."""
MAX_TRIES = 5
"""Wrong tries after which a code is dead."""
RESEND_AFTER = 30_000
"""Milliseconds between two sends within one challenge."""
_SPACE = 10**DIGITS
_DRAW_BYTES = 8


def generate(*, random: Callable[[int], bytes]) -> str:
    """Six digits, each code equally likely but for one part in 10**13."""
    return f"{int.from_bytes(random(_DRAW_BYTES), 'big') % _SPACE:0{DIGITS}d}"


def normalise(text: str) -> str | None:
    """The digits of a code as typed or pasted, or `None` where it cannot be one.

    Spaces and dashes go; digits of other scripts become ASCII ones.
    """
    kept = [ch for ch in text if not ch.isspace() and ch not in "-\u2011\u2013"]
    if len(kept) != DIGITS or not all(ch.isdecimal() for ch in kept):
        return None
    return "".join(str(int(ch)) for ch in kept)


def digest(*, key: bytes, account_id: int, purpose: str, binding: str, code: str) -> bytes:
    """The keyed digest of a code, bound to its account, purpose and browser."""
    parts = (account_id.to_bytes(8, "big"), purpose.encode(), binding.encode(), code.encode())
    return keyed_digest(key=key, purpose=b"one-time-code", parts=parts)
