"""Secrets sealed under a passphrase: scrypt makes the key, AES-GCM seals."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

_KEY_BYTES = 32
_SALT_BYTES = 16
_NONCE_BYTES = 12
_BLOCK = 8
_COST = 1 << 16
"""With blocks of 8 this takes 64 MiB and a fifth of a second."""
_COSTS = range(2, (1 << 20) + 1)
"""What is read from a file may not make us work for ever."""


class WrongPassphrase(Exception):  # noqa: N818 - named for what was wrong
    """The passphrase is another one, or what was sealed was changed since."""


class Recipe(NamedTuple):
    """What must be known, beside the passphrase, to unseal."""

    cost: int
    salt: bytes
    nonce: bytes


def new_recipe(random: Callable[[int], bytes]) -> Recipe:
    """Make a recipe for one sealing; never use it twice."""
    return Recipe(_COST, random(_SALT_BYTES), random(_NONCE_BYTES))


def seal(*, passphrase: str, recipe: Recipe, secret: bytes, bound_to: bytes) -> bytes:
    """Seal; `bound_to` is not hidden but cannot be changed unnoticed either."""
    return AESGCM(_key(passphrase, recipe)).encrypt(recipe.nonce, secret, bound_to)


def unseal(*, passphrase: str, recipe: Recipe, sealed: bytes, bound_to: bytes) -> bytes:
    """Unseal. Raises `WrongPassphrase`."""
    if recipe.cost not in _COSTS or len(recipe.nonce) != _NONCE_BYTES:
        raise WrongPassphrase
    try:
        return AESGCM(_key(passphrase, recipe)).decrypt(recipe.nonce, sealed, bound_to)
    except (InvalidTag, ValueError):
        raise WrongPassphrase from None


def _key(passphrase: str, recipe: Recipe) -> bytes:
    scrypt = Scrypt(salt=recipe.salt, length=_KEY_BYTES, n=recipe.cost, r=_BLOCK, p=1)
    return scrypt.derive(passphrase.encode())
