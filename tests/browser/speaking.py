"""The words of the pages in a language, read from its catalogue as the pages do."""

from __future__ import annotations

import gettext
from pathlib import Path

import sidegate
from sidegate.config.options import languages

_LOCALE = Path(sidegate.__file__).parent / "locale"
WALKED: list[str] = [language for language in ("lv", "ar") if language in languages()]
"""The languages in which a person goes every way; what has no catalogue yet is left out."""


class Words:
    """`words("Next")` is how a page says it."""

    def __init__(self, language: str) -> None:
        self._catalogue = gettext.translation(
            "django", localedir=str(_LOCALE), languages=[language], fallback=True
        )

    def __call__(self, english: str, *, context: str = "", **values: str) -> str:
        """The words, with the values put in."""
        catalogue = self._catalogue
        said = catalogue.pgettext(context, english) if context else catalogue.gettext(english)
        return said % values if values else said

    def length(self) -> int:
        """Of all its words together."""
        held = getattr(self._catalogue, "_catalog", {})
        return sum(len(said) for msgid, said in held.items() if msgid)


def longest() -> str:
    """The language whose words need the most room."""
    return max((one for one in languages() if one != "en"), key=lambda one: Words(one).length())
