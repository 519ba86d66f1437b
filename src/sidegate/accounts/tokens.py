"""Random tokens that a link or a cookie carries: only their keyed digests are kept."""

from __future__ import annotations

import base64

from sidegate.accounts.context import Context
from sidegate.factors.digests import keyed_digest
from sidegate.storage.models import Account


def new(ctx: Context, *, size: int = 24) -> str:
    """Make a token of `size` random bytes, in letters that a URL carries (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(ctx.random(size)).decode().rstrip("=")


def digest(ctx: Context, *, purpose: bytes, token: str, account: Account | None = None) -> bytes:
    """What is stored of a token, under the current key; bound to an account where one is given."""
    return _digest(ctx.keys.current, purpose, token, account)


def digests(
    ctx: Context, *, purpose: bytes, token: str, account: Account | None = None
) -> list[bytes]:
    """What may be stored of a token that somebody brings, under each key; any text will do."""
    return [_digest(key, purpose, token, account) for key in ctx.keys.keys.values()]


def _digest(key: bytes, purpose: bytes, token: str, account: Account | None) -> bytes:
    bound_to = () if account is None else (account.pk.to_bytes(8, "big"),)
    parts = (*bound_to, token.encode("utf-8", "replace"))
    return keyed_digest(key=key, purpose=purpose, parts=parts)
