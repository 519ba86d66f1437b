"""What must be read again, sealed under a key of the keys folder (AES-GCM)."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sidegate.factors.digests import keyed_digest
from sidegate.storage.keys import KeyRing

_NONCE_BYTES = 12
_PURPOSE = b"seal"


class CannotUnseal(Exception):  # noqa: N818 - named for what was wrong
    """The key is gone, or what was sealed was changed or stands in another's place."""


def seal(*, keys: KeyRing, random: Callable[[int], bytes], secret: bytes, bound_to: bytes) -> bytes:
    """Seal under the newest key, whose id stands in front, its length in one byte.

    `bound_to` says where it will stand, such as table and row: it opens nowhere else.
    """
    key_id, nonce = keys.newest.encode(), random(_NONCE_BYTES)
    cipher = AESGCM(_key(keys, keys.newest))
    return bytes([len(key_id)]) + key_id + nonce + cipher.encrypt(nonce, secret, bound_to)


def unseal(*, keys: KeyRing, sealed: bytes, bound_to: bytes) -> bytes:
    """Unseal under the key it was sealed with. Raises `CannotUnseal`."""
    start = 1 + sealed[0] if sealed else 0
    key_id = sealed[1:start].decode(errors="replace")
    if key_id not in keys.keys:
        raise CannotUnseal
    nonce, hidden = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
    try:
        return AESGCM(_key(keys, key_id)).decrypt(nonce, hidden, bound_to)
    except (InvalidTag, ValueError):
        raise CannotUnseal from None


def _key(keys: KeyRing, key_id: str) -> bytes:
    return keyed_digest(key=keys.keys[key_id], purpose=_PURPOSE, parts=())
