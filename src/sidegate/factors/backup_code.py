"""Backup codes: ten letters and digits each, good once, kept as keyed digests."""

from __future__ import annotations

import string
from collections.abc import Callable

from sidegate.factors.digests import keyed_digest

COUNT = 10
LENGTH = 10
_SYMBOLS = "".join(ch for ch in string.ascii_lowercase + string.digits if ch not in "01ilo")
"""Without those that are taken for each other: 31 of them, so that a code holds 49 bits."""
_FAIR = 256 - 256 % len(_SYMBOLS)
_DASHES = "-\u2010\u2011\u2012\u2013\u2014"
_HALF = LENGTH // 2


def generate(*, random: Callable[[int], bytes]) -> str:
    """A new code, each equally likely; bytes of the uneven rest are thrown away."""
    symbols: list[str] = []
    while len(symbols) < LENGTH:
        drawn = random(LENGTH)
        symbols.extend(_SYMBOLS[byte % len(_SYMBOLS)] for byte in drawn if byte < _FAIR)
    return "".join(symbols[:LENGTH])


def normalise(text: str) -> str | None:
    """The code as typed or pasted, or `None` where it cannot be one.

    Spaces, dashes and capitals are people's ways of copying it.
    """
    kept = "".join(ch for ch in text.lower() if not ch.isspace() and ch not in _DASHES)
    return kept if len(kept) == LENGTH and all(ch in _SYMBOLS for ch in kept) else None


def grouped(code: str) -> str:
    """The code in two halves, as people read it."""
    return f"{code[:_HALF]} {code[_HALF:]}"


def digest(*, key: bytes, account_id: int, code: str) -> bytes:
    """The keyed digest under which a code is stored and found."""
    parts = (account_id.to_bytes(8, "big"), code.encode())
    return keyed_digest(key=key, purpose=b"backup-code", parts=parts)
