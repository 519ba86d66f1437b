"""Templates with places such as {number}: which there are, and how values are put into them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from html import escape
from types import MappingProxyType
from urllib.parse import quote

OPEN_PLACES = ("number", "digits", "id", "language", "channel")
"""May stand anywhere: the number as +371…, its digits alone, the message's id."""
SECRET_PLACES = ("text", "code")
"""Stand in a body alone."""

Escape = Callable[[str], str]
_PLACE = re.compile(r"\{([a-z_]+)\}")


def _json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _form(value: str) -> str:
    return quote(value, safe="")


ESCAPES: Mapping[str, Escape] = MappingProxyType(
    {
        "application/json": _json,
        "application/x-www-form-urlencoded": _form,
        "application/xml": escape,
        "text/xml": escape,
        "text/plain": str,
    }
)
"""By content type, how a value is written so that it stays in its place."""


def places(template: str) -> list[str]:
    """The names in braces; braces around anything else are what they are."""
    return _PLACE.findall(template)


def fill(template: str, values: Mapping[str, str], escape_value: Escape) -> str:
    """Put the values into their places, in one pass: a value's own braces stay."""
    return _PLACE.sub(lambda found: escape_value(values[found[1]]), template)
