"""What is said about a wrong configuration, without ever quoting a secret."""

from __future__ import annotations

import json
import re

_MOST_SHOWN = 80
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class ConfigError(Exception):
    """The configuration cannot be used; its text is one line for a person."""


class NotAllowed(ValueError):  # noqa: N818 - what it says of a value
    """A value that its option does not allow; its text, where there is one, says why."""


class NotBuilt(NotAllowed):
    """A value that a later version brings."""


def shown(value: object) -> str:
    """The value as the file would write it, on one line, without passwords.

    An URL may hold a password wherever it was put by mistake, so of any URL that
    is not plainly http the scheme alone is shown.
    """
    if isinstance(value, str):
        return _shown_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return _cut("[" + ", ".join(shown(item) for item in value) + "]")
    if isinstance(value, dict):
        return "a section"
    return _cut(str(value))


def _shown_text(text: str) -> str:
    url = _URL.search(text)
    if url and (url[1].lower() not in ("http", "https") or "@" in text):
        return f'"{url[1]}://…"'
    return _cut(json.dumps(text, ensure_ascii=not text.isprintable()))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"
