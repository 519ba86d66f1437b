"""Keyed digests: what is stored in place of a secret that need not be read again."""

from __future__ import annotations

import hmac

KEY_BYTES = 32


def keyed_digest(*, key: bytes, purpose: bytes, parts: tuple[bytes, ...]) -> bytes:
    """HMAC-SHA-256 (RFC 2104) over the purpose and the parts, each length-prefixed.

    The prefixes (4 bytes, big-endian) keep two different lists of parts from ever
    being the same message. Returns 32 bytes.
    """
    message = b"".join(len(part).to_bytes(4, "big") + part for part in (purpose, *parts))
    return hmac.digest(key, message, "sha256")


def same(one: bytes, other: bytes) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(one, other)
