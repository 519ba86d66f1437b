"""The way from here to a SIP server."""

from __future__ import annotations

import asyncio
import socket
from typing import NamedTuple

from sidegate.senders.gateway import NotNow


class Route(NamedTuple):
    """The way to the SIP server."""

    host: str
    """As the configuration calls it: the domain of its addresses."""
    address: str
    port: int
    ours: str
    """The address of this machine that it sees."""

    def uri(self, user: str = "") -> str:
        """Somebody there; it itself where `user` is empty."""
        return f"sip:{user}@{self.host}" if user else f"sip:{self.host}"


async def route_to(server: str) -> Route:
    """Look the server up. Raises `NotNow`."""
    host, _, port = server.rpartition(":")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_DGRAM
        )
        family, kind, protocol, _name, where = min(found, key=lambda one: one[0] != socket.AF_INET)
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(where)  # a datagram socket: nothing is sent
            ours = probe.getsockname()[0]
    except OSError:
        raise NotNow("away") from None
    return Route(host, _bracketed(str(where[0])), int(port), _bracketed(ours))


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
