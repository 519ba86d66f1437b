"""The one name under which an account is looked up and decided (rule 11)."""

from __future__ import annotations

import unicodedata
from collections.abc import Container

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


MASTER_SEPARATOR = "*"
"""Between user and master in a login; what Dovecot's own documentation sets."""


def acting(login: str, authzid: str, masters: Container[str]) -> tuple[str | None, str]:
    """Whose mail is asked for, and by right of which listed master, if any.

    A master says so by an authzid (RFC 4616), or by `user*master` as the login.
    """
    if authzid and login in masters:
        return canonical_name(authzid), login
    user, separator, master = login.rpartition(MASTER_SEPARATOR)
    if separator and master in masters:
        return canonical_name(user), master
    return canonical_name(login), ""
