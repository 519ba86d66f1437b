"""What to call the browser that sent a request."""

from __future__ import annotations

from django.utils.translation import gettext

# The first word that is found names it: every later one claims to be the others too.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_ON = " on "
_NAMES = {(browser, system) for _, browser in _BROWSERS for _, system in _SYSTEMS}


def browser_name(user_agent: str) -> str:
    """Say "Firefox on Windows", as far as the browser tells; empty where it does not.

    In English, as everything that is stored: `in_words` says it to people.
    """
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return f"{browser}{_ON}{system}" if browser and system else browser or system


def in_words(program: str) -> str:
    """Say the name of a browser in the person's language; any other program's as it is."""
    browser, _on, system = program.partition(_ON)
    if (browser, system) in _NAMES:
        return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return program
