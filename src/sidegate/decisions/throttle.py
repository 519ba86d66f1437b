"""How many wrong secrets are too many, counted by account and by network."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

HOUR = 3_600_000
DAY = 24 * HOUR
FAMILIAR_FOR = 30 * DAY
"""Milliseconds for which a network stays familiar after a sign-in from it."""
UNKNOWN_NETWORK = "unknown"
"""The network of whatever is no address."""

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"({_OCTET}\.{_OCTET}\.{_OCTET})\.{_OCTET}")


class Counters(NamedTuple):
    """Distinct wrong secrets of the last hour, as seen by one attempt."""

    pair: int
    """From this network for this login."""
    login: int
    """For this login, from all networks that it never signed in from."""
    network: int
    """From this network, for all logins."""
    familiar: bool
    """This login signed in from this network within the last 30 days."""


class Limits(NamedTuple):
    """Distinct wrong secrets an hour from which on the answer is "cannot tell now"."""

    pair: int = 10
    familiar_pair: int = 40
    login: int = 100
    network: int = 200


def throttled(counters: Counters, limits: Limits) -> bool:
    """Failures from elsewhere never count against a familiar network (rule 5)."""
    if counters.familiar:
        return counters.pair >= limits.familiar_pair
    return (
        counters.pair >= limits.pair
        or counters.login >= limits.login
        or counters.network >= limits.network
    )


def network_of(address: str) -> str:
    """The network that an address counts under: its IPv4 /24 or IPv6 /64.

    Loopback counts as a single address, as everybody behind one host shares it;
    text that is no address counts as one network of its own, named "unknown".
    """
    if (found := _IPV4.fullmatch(address)) and not address.startswith("127."):
        return f"{found[1]}.0/24"  # what nearly all are; `ipaddress` takes ten times as long
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN_NETWORK
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or ipaddress.IPv6Address(int(parsed))  # no scope
    if parsed.is_loopback:
        return str(parsed)
    prefix = 24 if isinstance(parsed, ipaddress.IPv4Address) else 64
    return str(ipaddress.ip_network((parsed, prefix), strict=False))


def tells_who_asks(network: str) -> bool:
    """Whether a limit for all who ask from a network means anything.

    Loopback is the way in of a proxy that nobody listed, and what has no address is anybody.
    """
    return "/" in network
