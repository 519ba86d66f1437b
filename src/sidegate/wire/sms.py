"""Text to the bytes of short messages: GSM 7-bit alphabet and UCS-2 (3GPP TS 23.038, 23.040).

One SMS holds 160 septets of the GSM alphabet, or 70 characters where one is outside it.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

ONE_GSM, PART_GSM = 160, 153
"""Septets of a message that stands alone, and of a part of a longer one."""
ONE_UCS2, PART_UCS2 = 140, 134
"""The same for UCS-2, in bytes."""

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F,
    "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65,
}  # fmt: skip
_ESCAPE = 0x1B
_CONCATENATED = bytes([5, 0, 3])
"""User data header: five bytes follow, of which an 8-bit reference, the count and the number."""
_PLAINER = str.maketrans("łŁ\u00a0\u202f\u2019\u2013\u2014„“”«»", "lL  '--" + '"' * 5)
"""What Unicode does not part from its marks: strokes, spaces that do not break, printers' signs."""
_WITHOUT_ISOLATES = dict.fromkeys(range(0x2066, 0x206A))
_ALPHABET: dict[str, bytes] = {
    **{letter: bytes([place]) for place, letter in enumerate(_BASIC) if place != _ESCAPE},
    **{letter: bytes([_ESCAPE, place]) for letter, place in _EXTENSION.items()},
}


class Encoded(NamedTuple):
    """A message as it is handed to an SMS centre."""

    gsm: bool
    """One septet in each byte; else UCS-2."""
    parts: tuple[bytes, ...]
    """More than one: each begins with its user data header."""


def is_gsm(text: str) -> bool:
    """Whether every character is in the GSM alphabet."""
    return all(letter in _ALPHABET for letter in text)


def is_one_sms(text: str) -> bool:
    """Whether the text fits into one SMS."""
    return len(_encoded(text)) <= (ONE_GSM if is_gsm(text) else ONE_UCS2)


def fitted(text: str) -> str:
    """The text in one SMS where that can be had by leaving the marks off its letters.

    As people type Latvian or Czech on a plain phone: still read at once, and it is neither
    paid twice nor torn apart, which would keep phones from filling the code in. Marks of
    direction are left out in any case: many phones draw a box for each.
    """
    text = text.translate(_WITHOUT_ISOLATES)
    if is_one_sms(text):
        return text
    decomposed = unicodedata.normalize("NFD", text).translate(_PLAINER)
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return plain if is_gsm(plain) and is_one_sms(plain) else text


def encode(text: str, *, reference: int) -> Encoded:
    """The parts of a text; `reference` (0 to 255) ties those of one message together."""
    gsm = is_gsm(text)
    letters = [_ALPHABET[letter] if gsm else letter.encode("utf-16-be") for letter in text]
    whole, part = (ONE_GSM, PART_GSM) if gsm else (ONE_UCS2, PART_UCS2)
    if sum(map(len, letters)) <= whole:
        return Encoded(gsm, (b"".join(letters),))
    bodies = [b""]
    for letter in letters:  # one that takes two is never torn apart
        if len(bodies[-1]) + len(letter) > part:
            bodies.append(b"")
        bodies[-1] += letter
    headed = [
        _CONCATENATED + bytes([reference, len(bodies), number]) + body
        for number, body in enumerate(bodies, start=1)
    ]
    return Encoded(gsm, tuple(headed))


def _encoded(text: str) -> bytes:
    if is_gsm(text):
        return b"".join(_ALPHABET[letter] for letter in text)
    return text.encode("utf-16-be")
