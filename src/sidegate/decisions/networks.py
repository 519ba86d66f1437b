"""Networks that an app password is bound to, written and read (CIDR: RFC 4632, RFC 4291)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST = 20
"""Networks in one list."""

_BETWEEN = re.compile(r"[\s,;]+")


class NoNetwork(ValueError):  # noqa: N818 - named for what was wrong
    """`text` is neither an address nor a network.

    `meant` is the network that it lies in, where it is an address with a prefix.
    """

    def __init__(self, text: str, *, meant: Network | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.meant = meant


def parse(text: str) -> tuple[Network, ...]:
    """The networks of a list parted by commas or blanks, each once; raises `NoNetwork`."""
    return tuple(dict.fromkeys(_network(part) for part in _BETWEEN.split(text) if part))


def written(networks: Iterable[Network]) -> str:
    """As they are stored and shown; a single address without its prefix."""
    return ", ".join(
        str(one.network_address if one.num_addresses == 1 else one) for one in networks
    )


@lru_cache(maxsize=1024)
def stored(text: str) -> tuple[Network, ...]:
    """What `written` wrote."""
    return parse(text)


def holds(networks: Iterable[Network], address: str) -> bool:
    """Whether an address lies in one of them; what is no address lies in none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or ipaddress.IPv6Address(int(parsed))  # no scope
    return any(parsed in network for network in networks)


def all_within(networks: Sequence[Network], wider: Sequence[Network]) -> bool:
    """Whether each lies in one of the wider ones; where there is none it is everywhere."""
    return bool(networks) and all(any(_within(one, other) for other in wider) for one in networks)


def _within(one: Network, other: Network) -> bool:
    if isinstance(one, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and one.subnet_of(other)
    return isinstance(other, ipaddress.IPv6Network) and one.subnet_of(other)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise NoNetwork(text, meant=_around(text)) from None


def _around(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
