"""App passwords: letters a-z, shown once, kept as a keyed digest."""

from __future__ import annotations

import hmac
import string
from collections.abc import Callable

LENGTHS = frozenset({16, 20, 24, 32})
"""Every length that was ever given out stays accepted."""

_LETTERS = string.ascii_lowercase
_FAIR = 256 - 256 % len(_LETTERS)
_ID_BYTES = 8
_HEAD = len(b"app-password").to_bytes(4, "big") + b"app-password" + _ID_BYTES.to_bytes(4, "big")


def generate(*, length: int, random: Callable[[int], bytes]) -> str:
    """A new app password of `length` letters (16 letters hold 75 bits).

    `random(n)` gives n random bytes. Bytes of the uneven rest are thrown away, so
    that each letter is equally likely.
    """
    letters: list[str] = []
    while len(letters) < length:
        letters.extend(_LETTERS[byte % 26] for byte in random(length) if byte < _FAIR)
    return "".join(letters[:length])


def normalise(secret: str) -> str | None:
    """The letters of an app password as typed, or `None` where it cannot be one.

    Spaces (no-break ones too) and capitals are people's ways of copying it.
    """
    letters = "".join(secret.split()).lower()
    if len(letters) in LENGTHS and letters.isascii() and letters.isalpha():
        return letters
    return None


def digest(*, key: bytes, account_id: int, letters: str) -> bytes:
    """The keyed digest under which it is stored and found.

    The message is that of `digests.keyed_digest` over (purpose, account id, letters),
    built here in one piece because every mail sign-in passes through it.
    """
    message = (
        _HEAD
        + account_id.to_bytes(_ID_BYTES, "big")
        + len(letters).to_bytes(4, "big")
        + letters.encode("ascii")
    )
    return hmac.digest(key, message, "sha256")


def grouped(secret: str) -> str:
    """The letters in groups of four, parted by one space, as people read them."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
