"""The one name under which an account is looked up and decided (rule 11)."""

from __future__ import annotations

import unicodedata

MAX_LOGIN = 254
"""Characters in the longest address (RFC 5321, 4.5.3.1.3)."""


def canonical(login: str) -> str | None:
    """The canonical address of a login, or `None` where no account can have it.

    Case is folded and the +tag of the local part is dropped, so that no spelling
    of an account with 2-step on is another account.
    """
    text = unicodedata.normalize("NFC", login).strip().casefold()
    local, at, domain = text.rpartition("@")
    local = local.split("+", 1)[0]
    if not at or not local or not domain or len(text) > MAX_LOGIN:
        return None
    if any(ch.isspace() or not ch.isprintable() for ch in text):
        return None
    return f"{local}@{domain.rstrip('.')}"
