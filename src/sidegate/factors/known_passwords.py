"""A Bloom filter over passwords: "surely not there", or "there, but for one time in 10,000".

B. H. Bloom, 1970; its places come from one digest by double hashing (A. Kirsch and
M. Mitzenmacher, "Less hashing, same performance", 2006). The digest is SHA-1, as that is
what Pwned Passwords publishes; nothing rests on its strength.
"""

from __future__ import annotations

import hashlib
import math

from sidegate.factors.account_password import normal

FALSE_ALARMS = 1e-4
"""How often a password that was never learnt is taken for one that was."""
_PLACES = 13
"""For each password: -log2 of the above, rounded."""
_FEWEST_BITS = 1 << 16
"""In a smaller filter the places that double hashing finds are too much alike."""


def digest_of(password: str) -> bytes:
    """SHA-1 of a password in the form in which account passwords are judged."""
    return hashlib.sha1(normal(password), usedforsecurity=False).digest()


def bits_for(count: int) -> int:
    """How many bits a filter of that many passwords has: 19.2 for each, in whole bytes."""
    bits = count * -math.log(FALSE_ALARMS) / math.log(2) ** 2
    return max(_FEWEST_BITS, 8 * math.ceil(bits / 8))


def places(digest: bytes, *, bits: int) -> list[int]:
    """The bits that a password with this digest has set, in a filter of `bits` bits."""
    place = int.from_bytes(digest[:8], "big") % bits
    step = int.from_bytes(digest[8:16], "big") % bits
    found = []
    for _ in range(_PLACES):
        found.append(place)
        place += step
        if place >= bits:
            place -= bits
    return found
