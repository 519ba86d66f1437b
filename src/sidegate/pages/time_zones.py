"""The time zones that a person may choose: the cities of the tz database."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sidegate.config.own_country import zone_table


class Zone(NamedTuple):
    """One of them."""

    name: str
    region: str
    city: str
    country: str
    """In English."""


@cache
def all_zones() -> tuple[Zone, ...]:
    """By region and city. Its tables are `zone.tab` and `iso3166.tab`."""
    countries = {row[0]: row[1] for row in zone_table("iso3166.tab")}
    zones = [_zone(row[2], countries.get(row[0], "")) for row in zone_table("zone.tab")]
    return tuple(sorted({*zones, Zone("UTC", "UTC", "UTC", "")}))


def known(name: str) -> bool:
    """Whether it may be chosen."""
    return any(zone.name == name for zone in all_zones())


def find(words: str) -> list[Zone]:
    """Those whose name or country has all of the words in it, in any spelling of the letters."""
    wanted = _plain(words).split()
    return [
        zone
        for zone in all_zones()
        if all(word in _plain(f"{zone.region} {zone.city} {zone.country}") for word in wanted)
    ]


def offset(name: str, *, now: int) -> str:
    """How far it is from UTC just now, such as "UTC+02:00"; `now` in milliseconds."""
    at = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(name) if name else None)
    written = at.strftime("%z")
    return f"UTC{written[:3]}:{written[3:5]}"


def _zone(name: str, country: str) -> Zone:
    region, _, city = name.partition("/")
    return Zone(name, region, city.replace("_", " ").replace("/", ", "), country)


def _plain(text: str) -> str:
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(ch for ch in split if not unicodedata.combining(ch))
