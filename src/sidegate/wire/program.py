"""What a mail program calls itself: the IMAP ID (RFC 2971) as Dovecot passes it on."""

from __future__ import annotations

import re
from functools import lru_cache

from sidegate.wire.text import one_line

MAX_PROGRAM = 100
"""Characters in a program's name and version."""

_MAX_ID = 2048
"""Bytes of an IMAP ID that are looked at: RFC 2971 allows 30 fields, and only two count."""

# By what programs call themselves; the first that is found. Thunderbird tells no device.
_DEVICES = (
    ("ipad", "ipad"),
    ("iphone", "iphone"),
    ("ios", "iphone"),
    ("android", "android"),
    ("k-9", "android"),
    ("fairemail", "android"),
    ("mac os x", "mac"),
    ("macos", "mac"),
    ("apple mail", "mac"),
    ("outlook", "windows"),
    ("windows", "windows"),
)

# A quoted string, or an atom such as NIL or Dovecot's `name=` of other forms.
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s()"]+)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@lru_cache(maxsize=512)
def program_of(client_id: bytes) -> str:
    """One readable name, such as "Thunderbird 128.0"; empty where the ID tells none.

    Takes any bytes: `"name" "Thunderbird" "version" "128.0"`. The same few programs
    come again and again, so that answers are kept.
    """
    text = client_id[:_MAX_ID].decode("utf-8", "replace")
    tokens = [_token(found) for found in _TOKEN.finditer(text)]
    fields = {
        key.lower(): value
        for key, value in zip(tokens[::2], tokens[1::2], strict=False)
        if key and value
    }
    name = fields.get("name") or fields.get("vendor") or ""
    version = fields.get("version", "")
    return one_line(f"{name} {version}".strip() if name else "", MAX_PROGRAM)


def device_of(program: str) -> str:
    """The device that a program most likely runs on: windows, mac, iphone, ipad or android.

    Empty where its name does not tell. A guess, for a choice that its owner then sees.
    """
    known = program.lower()
    return next(
        (device for word, device in _DEVICES if re.search(rf"\b{re.escape(word)}\b", known)), ""
    )


def _token(found: re.Match[str]) -> str:
    quoted, atom = found.group(1), found.group(2)
    if quoted is not None:
        return _ESCAPED.sub(r"\1", quoted)
    return "" if atom.upper() == "NIL" else atom
