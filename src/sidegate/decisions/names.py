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
    name = canonical_name(login)
    return name if name is not None and "@" in name else None


def canonical_name(login: str) -> str | None:
    """The same for a directory whose users may have names without a domain."""
    text = login.strip()
    if len(text) > MAX_LOGIN:  # before anything whose work grows faster than the text
        return None
    # Unicode 3.13, D145: folded from the decomposed form, one result for every spelling.
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())
    if len(text) > MAX_LOGIN or " " in text or not text.isprintable():
        return None
    local, at, domain = text.rpartition("@") if "@" in text else (text, "", "")
    local, domain = local.split("+", 1)[0], domain.rstrip(".")
    if not local or (at and not domain):
        return None
    return f"{local}{at}{domain}"
