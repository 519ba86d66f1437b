"""The country of a phone number that is typed without one."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation.trans_real import parse_accept_lang_header

from sidegate.pages.context import context

# Where the page's language tells it. German, French, Spanish and Arabic are spoken in many
# countries: a guess could send the code to a stranger's phone.
_REGIONS = {"et": "EE", "lt": "LT", "lv": "LV", "pl": "PL", "uk": "UA"}


def region_of(request: HttpRequest) -> str | None:
    """The operator's own country, or the one that the browser names; `None` for neither."""
    if country := context().config.own_country:
        return country
    # "en-US" is what browsers say that were never told anything: it names no country.
    for tag, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        language, _dash, region = tag.partition("-")
        if len(region) == len("LV") and tag != "en-us":
            return region.upper()
        if language in _REGIONS:
            return _REGIONS[language]
    return _REGIONS.get((get_language() or "").partition("-")[0])
