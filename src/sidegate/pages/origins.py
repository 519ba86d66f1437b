"""Where a request comes from, as it is stored with what it changes."""

from __future__ import annotations

from django.http import HttpRequest

from sidegate.accounts.context import Origin
from sidegate.pages.browsers import browser_name

_LONGEST_ADDRESS = 45
"""Characters of an IPv6 address that ends in an IPv4 one; a proxy may say more."""


def origin_of(request: HttpRequest) -> Origin:
    """Where a change comes from, for its event."""
    return Origin(by="owner", address=address_of(request), program=program_of(request))


def program_of(request: HttpRequest) -> str:
    """What to call the browser, as it is stored."""
    return browser_name(request.headers.get("User-Agent", ""))


def address_of(request: HttpRequest) -> str:
    """The client's IP address; the server has looked behind listed proxies already."""
    return str(request.META.get("REMOTE_ADDR", ""))[:_LONGEST_ADDRESS]
