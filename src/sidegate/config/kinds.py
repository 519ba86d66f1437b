"""The kinds of value an option can have: how each is read, and what it allows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from sidegate.config.errors import NotAllowed

Value = TypeVar("Value")

_LONGEST_TEXT = 1000
_CLIENT_SERVER = re.compile(r"(\S+) (TLS|STARTTLS)")
# The plain form of RFC 5321's Mailbox, in ASCII: it stands in a header and in an envelope.
_MAILBOX = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_OCTAL = re.compile(r"0?[0-7]{3}")
_ANYWHERE = Path("/")


class Kind(NamedTuple, Generic[Value]):
    """How a raw TOML value becomes a typed one; `read` raises `NotAllowed`."""

    read: Callable[[object], Value]
    allowed: str
    secret: bool = False
    """The value may hold a password: it is never quoted, neither in errors nor in `repr`."""
    endpoint: bool = False
    """The value names endpoints, to be checked again once the data folder is known."""


def text_of(raw: object) -> str:
    """The raw value where it is a text on one line."""
    if not isinstance(raw, str) or len(raw) > _LONGEST_TEXT:
        raise NotAllowed
    if raw and not raw.isprintable():
        raise NotAllowed("a line break or another control character is in it")
    return raw


def texts_of(raw: object) -> tuple[str, ...]:
    """The raw value where it is a list of such texts, each once."""
    if not isinstance(raw, list):
        raise NotAllowed
    return tuple(dict.fromkeys(text_of(item) for item in raw))


def text(allowed: str = "a text", longest: int = _LONGEST_TEXT) -> Kind[str]:
    """Any text on one line, the empty one too."""

    def read(raw: object) -> str:
        value = text_of(raw)
        if len(value) > longest:
            raise NotAllowed
        return value

    return Kind(read, allowed)


def title() -> Kind[str]:
    """A text that is shown to people, so neither empty nor long."""

    def read(raw: object) -> str:
        value = text_of(raw).strip()
        if not 1 <= len(value) <= 64:  # noqa: PLR2004 - said in `allowed`
            raise NotAllowed
        return value

    return Kind(read, "a text of 1 to 64 characters")


def yes_or_no() -> Kind[bool]:
    """True or false."""

    def read(raw: object) -> bool:
        if not isinstance(raw, bool):
            raise NotAllowed
        return raw

    return Kind(read, "true or false")


def seconds(most: int) -> Kind[float]:
    """A number of seconds from 0 on."""

    def read(raw: object) -> float:
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 <= raw <= most:
            raise NotAllowed
        return float(raw)

    return Kind(read, f"a number of seconds from 0 to {most}")


def whole_number(least: int, most: int) -> Kind[int]:
    """A whole number within bounds."""

    def read(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or not least <= raw <= most:
            raise NotAllowed
        return raw

    return Kind(read, f"a whole number from {least} to {most}")


def one_of(*values: str) -> Kind[str]:
    """One of a few words."""

    def read(raw: object) -> str:
        value = text_of(raw)
        if value not in values:
            raise NotAllowed
        return value

    return Kind(read, " or ".join(f'"{value}"' for value in values))


def one_number_of(*values: int) -> Kind[int]:
    """One of a few numbers."""

    def read(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or raw not in values:
            raise NotAllowed
        return raw

    return Kind(read, ", ".join(map(str, values[:-1])) + f" or {values[-1]}")


def senders() -> Kind[tuple[str, ...]]:
    """The name of a gateway, or a list of names in the order to try; none for off."""

    def read(raw: object) -> tuple[str, ...]:
        names = texts_of(raw) if isinstance(raw, list) else (text_of(raw),)
        if not all(is_name(name) for name in names):
            raise NotAllowed
        return names

    return Kind(read, '"screen", the name of a gateway, a list of names, or [] for off')


def is_name(name: str) -> bool:
    """Whether a gateway may be called that."""
    return re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name) is not None


def command() -> Kind[tuple[str, ...]]:
    """A program with its arguments; no shell reads them."""

    def read(raw: object) -> tuple[str, ...]:
        words = tuple(map(text_of, raw)) if isinstance(raw, list) else ()
        if not words or not words[0].startswith("/"):
            raise NotAllowed
        return words

    return Kind(read, 'a list that begins with the path of a program, such as ["/usr/bin/send"]')


def file_mode() -> Kind[int]:
    """Permissions of a file, as an octal text."""

    def read(raw: object) -> int:
        value = text_of(raw)
        if not _OCTAL.fullmatch(value):
            raise NotAllowed
        return int(value, 8)

    return Kind(read, 'an octal text such as "0660"')


def name_with(part: str) -> Kind[str]:
    """A login that holds a part which is filled in."""

    def read(raw: object) -> str:
        value = text_of(raw)
        if value.count(part) != 1 or not fits_header(value):
            raise NotAllowed
        return value

    return Kind(read, f'a text with {part} in it, such as "{part}*gate"')


def header_text() -> Kind[str]:
    """A secret that has to stand in a header."""

    def read(raw: object) -> str:
        value = text_of(raw)
        if value and not fits_header(value):
            raise NotAllowed
        return value

    return Kind(read, "a text without spaces at its ends", secret=True)


def fits_header(value: str) -> bool:
    """Whether a text reaches the other side in a header as it is."""
    return bool(value) and value.isprintable() and value == value.strip()


def names() -> Kind[tuple[str, ...]]:
    """A list of users' names, as they are typed."""

    def read(raw: object) -> tuple[str, ...]:
        values = texts_of(raw)
        if not all(values) or any("*" in value or " " in value for value in values):
            raise NotAllowed
        return values

    return Kind(read, "a list of names without * and spaces")
