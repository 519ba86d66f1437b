"""The kinds of value that say where codes may go and what they may cost."""

from __future__ import annotations

from collections.abc import Mapping

from phonenumbers import SUPPORTED_REGIONS

from sidegate.config.errors import NotAllowed
from sidegate.config.kinds import Kind, texts_of

_MOST_MONEY = 1_000_000
EVERY = "*"
"""In the place of a country: all others."""


def amount() -> Kind[float]:
    """An amount of money."""
    return Kind(_amount, "an amount of money from 0 to 1000000")


def _amount(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 <= raw <= _MOST_MONEY:
        raise NotAllowed
    return float(raw)


def countries() -> Kind[tuple[str, ...]]:
    """A list of countries (ISO 3166), or "*" for all others."""

    def read(raw: object) -> tuple[str, ...]:
        return tuple(_country_or_every(value) for value in texts_of(raw))

    return Kind(
        read, 'a list of countries in two capital letters such as "LV", "GB"; "*" for all others'
    )


def prices() -> Kind[Mapping[str, float]]:
    """A table from countries, or "*" for all others, to amounts."""

    def read(raw: object) -> Mapping[str, float]:
        if not isinstance(raw, dict):
            raise NotAllowed
        return {_country_or_every(name): _amount(price) for name, price in raw.items()}

    return Kind(read, 'a table such as { LV = 0.04, "*" = 0.10 }')


def _country_or_every(name: str) -> str:
    if name != EVERY and name not in SUPPORTED_REGIONS:
        raise NotAllowed(f"{name!r} is no country")
    return name
