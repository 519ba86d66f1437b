"""Whether a message names only its sender as its author: pure, on the bytes of the message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header

from sidegate.decisions.names import canonical

MAX_HEADER = 256 * 1024
"""Bytes in the header of a message."""

AUTHORS = frozenset({"from", "sender", "resent-from", "resent-sender"})
"""Header fields that say who wrote or sent a message."""

_END = re.compile(rb"\A\r?\n|\n\r?\n")
_BARE_CR = re.compile(rb"\r(?!\n)")
_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_ENCODED_WORD = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"\\@]+@[^\s<>()\[\],;:\"\\@]+")

NO_FROM = "554 5.6.0 this message has no From line; put your own address there"
TWO_FROMS = "554 5.6.0 this message has more than one From line"
MALFORMED = "554 5.6.0 the header of this message is malformed"


def refusal(content: bytes, account: str, *, sender: str = "") -> str | None:
    """Return the SMTP reply that refuses a message; `None` where it names its sender alone.

    `sender` is the one spelling of the account's address that counts; empty: every one does.
    """
    try:
        fields = list(_fields(content))
    except ValueError:
        return MALFORMED
    froms = [value for name, value in fields if name == "from"]
    if len(froms) != 1:
        return TWO_FROMS if froms else NO_FROM
    for name, value in fields:
        if name in AUTHORS and not _names_only(value, account, sender):
            own = sender or account
            return f"550 5.7.1 the {name.title()} of this message must be {own} and no other"
    return None


def _fields(content: bytes) -> Iterator[tuple[str, str]]:
    """Unfold the header's fields; ValueError where programs would read it differently."""
    end = _END.search(content, 0, MAX_HEADER)
    if end is None and len(content) > MAX_HEADER:
        raise ValueError
    header = content[: end.end()] if end else content
    if b"\0" in header or _BARE_CR.search(header):
        raise ValueError
    text = header.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n")
    for line in re.sub(r"\n(?=[ \t])", "", text).split("\n") if text else ():
        field = _FIELD.fullmatch(line)
        if field is None:
            raise ValueError
        yield field[1].lower(), field[2]


def same(address: str, sender: str) -> bool:
    """Whether two spellings differ in case alone."""
    return address.casefold() == sender.casefold()


def _names_only(value: str, account: str, sender: str) -> bool:
    """Whether every address in a field is the account's, however the field is read.

    Names, comments and quoted text count too: what looks like another's address there is
    read as one by people, and by programs that parse less strictly.
    """
    plain = _ENCODED_WORD.sub(" ", value)
    shown = _decoded(value)
    return (
        bool(_ADDRESS.search(plain))
        and _all_own(plain, account, sender)
        and _all_own(shown, account, sender)
    )


def _all_own(text: str, account: str, sender: str) -> bool:
    addresses = _ADDRESS.findall(text)
    if len(addresses) != text.count("@"):
        return False
    return all(_is_own(address, account, sender) for address in addresses)


def _is_own(address: str, account: str, sender: str) -> bool:
    # Some programs put single quotes around an address that serves as the name.
    bare = address[1:-1] if address[0] == address[-1] == "'" else address
    return canonical(bare) == account and (not sender or same(bare, sender))


def _decoded(value: str) -> str:
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(_text(part, charset) for part, charset in parts)


def _text(part: bytes | str, charset: str | None) -> str:
    if isinstance(part, str):
        return part
    try:
        return part.decode(charset or "latin-1", "replace")
    except (LookupError, ValueError):
        return part.decode("latin-1")
