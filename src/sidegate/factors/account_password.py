"""Account passwords: Argon2id (RFC 9106)."""

from __future__ import annotations

import base64
import unicodedata

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

MIN_LENGTH = 8
MAX_LENGTH = 256
"""Characters (ASVS 5, 6.2)."""
_MAX_TYPED = 4 * MAX_LENGTH
"""Characters in the longest spelling of a password: accents may be typed apart."""

# 46 MiB, one pass, one lane: the first of OWASP's equivalent settings, about 40 ms here.
_HASHER = PasswordHasher(time_cost=1, memory_cost=47_104, parallelism=1, type=Type.ID)


def hash_password(secret: str) -> str:
    """The Argon2id hash to store; the library draws the salt."""
    return _HASHER.hash(normal(secret))


def hash_of_nobody(random: bytes) -> str:
    """A hash that no secret has, and that takes as long to try; of 48 random bytes.

    Made without hashing, which every start of the program would pay for.
    """
    salt, digest = random[: _HASHER.salt_len], random[_HASHER.salt_len :]
    cost = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${_base64(salt)}${_base64(digest)}"


def verify(*, password_hash: str, secret: str) -> bool:
    """Whether the secret made the hash. A hash that is none is never right."""
    try:
        right = _HASHER.verify(password_hash, normal(secret))
    except (VerificationError, InvalidHashError):
        return False
    return right and len(secret) <= _MAX_TYPED


def length(secret: str) -> int:
    """Characters of a password in the form in which it is judged."""
    if len(secret) > _MAX_TYPED:
        return len(secret)
    return len(unicodedata.normalize("NFC", secret))


def normal(secret: str) -> bytes:
    """The form in which a password is judged: UTF-8, in Unicode's form NFC.

    NIST SP 800-63B-4, 3.1.1.2: one form for what looks the same on two keyboards.
    """
    # Cut, as the work of normalising grows faster than the text.
    composed = unicodedata.normalize("NFC", secret[:_MAX_TYPED])
    return composed.encode("utf-8", "surrogatepass")


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode().rstrip("=")
