"""Words that are known of an account and make no password (ASVS 5, 6.1.2 and 6.2.11)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

PRODUCT = "Sidegate"
SHORTEST = 3
"""Letters and digits of the shortest word that is looked for."""
MOST_AROUND = 8
"""Digits and signs around a word that make no password of it: as many as a date has."""


def words_of(*, address: str, name: str, service: str, host: str) -> list[str]:
    """What everybody knows of an account: who owns it, where it is, what the service is called.

    `host` is the portal's. Names and hosts count whole, and in their parts; of hosts and
    domains the ending alone is left out. Each comes as it is, and in its plain letters.
    """
    local, _, domain = address.partition("@")
    hosts = [part for one in (domain, host) for part in (one, *one.split(".")[:-1])]
    names = [part for one in (name, service) for part in (one, *one.split())]
    words = (address, local, *hosts, *names, PRODUCT)
    return [word for word in dict.fromkeys((*words, *map(_letters, words))) if _letters(word)]


def is_one_of(password: str, words: Iterable[str]) -> bool:
    """Whether a password is one of the words, but for case, accents and what stands around.

    Around it, and between its letters, `MOST_AROUND` digits and signs are looked past.
    """
    core = _letters(password)
    if len(core) < SHORTEST or len(password) - len(core) > MOST_AROUND:
        return False
    return core in {_letters(word) for word in words}


def _letters(text: str) -> str:
    """Letters and digits in their plain form, without digits at either end."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in apart if sign.isalnum()).strip("0123456789")
