"""The operator's own country, as far as the machine knows it: that of its time zone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from phonenumbers import SUPPORTED_REGIONS

_ROOT = Path("/")
_ZONES = "zoneinfo/"


def zone_table(name: str) -> list[list[str]]:
    """The rows of one of the tz database's tables, such as `zone.tab`."""
    text = (files("tzdata.zoneinfo") / name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]


def own_countries(*, environment: Mapping[str, str] = os.environ, root: Path = _ROOT) -> list[str]:
    """The country (ISO 3166) whose time the machine keeps; none where it keeps UTC.

    The zone is that of `TZ`, else of `/etc/localtime`, else of `/etc/timezone`; `zone.tab`
    names its country. One that the table lacks, such as an old name, tells nothing.
    """
    zone = environment.get("TZ", "") or _linked(root / "etc/localtime")
    zone = (zone or _written(root / "etc/timezone")).lstrip(":").rpartition(_ZONES)[2]
    return [
        country
        for country, _where, name, *_comment in zone_table("zone.tab")
        if name == zone and country in SUPPORTED_REGIONS
    ]


def _linked(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:  # a copy, as some containers have, or nothing
        return ""


def _written(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
