"""Codes of an authenticator app (TOTP, RFC 6238: SHA-1, 6 digits, 30 seconds)."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pyotp

from sidegate.factors.digests import same

SECRET_BYTES = 20
"""As long as the digest (RFC 4226, section 4, R6)."""
STEP = 30_000
"""Milliseconds of a time step."""
DRIFT = 1
"""Steps by which the app's clock may be wrong, either way (RFC 6238, section 5.2)."""
_GROUP = 4


def generate(*, random: Callable[[int], bytes]) -> bytes:
    """A new secret."""
    return random(SECRET_BYTES)


def key(secret: bytes) -> str:
    """The secret as an app takes it: base32, in groups as people read it."""
    letters = _base32(secret)
    return " ".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def uri(*, secret: bytes, address: str, issuer: str) -> str:
    """The address that an app reads from the QR code (Key URI format)."""
    return pyotp.TOTP(_base32(secret)).provisioning_uri(name=address, issuer_name=issuer)


def code_at(*, secret: bytes, step: int) -> str:
    """The code of a time step."""
    return pyotp.TOTP(_base32(secret)).generate_otp(step)


def matching_step(*, secret: bytes, code: str, now: int, after: int) -> int | None:
    """The time step that a code of six ASCII digits belongs to, if it may still be used.

    `now` is in milliseconds since the epoch; `after` is the newest step whose code was
    used: that one and those before it are over. Every step is compared, in constant time.
    """
    current = now // STEP
    found = None
    for step in range(max(0, current - DRIFT), current + DRIFT + 1):
        right = same(code_at(secret=secret, step=step).encode(), code.encode())
        if right and step > after and found is None:
            found = step
    return found


def _base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode()
