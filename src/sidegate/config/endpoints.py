"""Where something listens or is reached: `host:port`, `unix:/path`, or nothing."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import NamedTuple

from sidegate.config.errors import NotAllowed

LONGEST_SOCKET_PATH = 107
"""Bytes that fit into a Unix socket's address on Linux, without the closing zero."""

_HOST_AND_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:\s/]+)):([0-9]{1,5})")
_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
    r"(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*"
)
_MOST_PORT = 65535


class TcpEndpoint(NamedTuple):
    """A TCP address."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class UnixEndpoint(NamedTuple):
    """A Unix socket; the path is absolute."""

    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"


Endpoint = TcpEndpoint | UnixEndpoint


def parse_endpoint(text: str, data: Path) -> Endpoint | None:
    """The endpoint that the text names, or `None` for an empty text.

    A relative socket path lies below the data folder. Raises `NotAllowed`.
    """
    if not text:
        return None
    if text.startswith("unix:"):
        return _unix(text.removeprefix("unix:"), data)
    found = _HOST_AND_PORT.fullmatch(text)
    if not found:
        raise NotAllowed
    port = int(found[3])
    if not 1 <= port <= _MOST_PORT:
        raise NotAllowed(f"a port is 1 to {_MOST_PORT}")
    return TcpEndpoint(_bracketed(found[1]) if found[1] else check_host(found[2]), port)


def _unix(path: str, data: Path) -> UnixEndpoint:
    if not path or not path.isprintable():
        raise NotAllowed
    whole = data / path
    size = len(str(whole).encode())
    if size > LONGEST_SOCKET_PATH:
        raise NotAllowed(
            f"the socket's whole path has {size} bytes and {LONGEST_SOCKET_PATH} are the most; "
            "give a shorter path or another data folder"
        )
    return UnixEndpoint(whole)


def _bracketed(host: str) -> str:
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError:
        raise NotAllowed from None


def check_host(host: str) -> str:
    """The host name or IPv4 address itself; raises `NotAllowed` where it is neither."""
    if not _HOST_NAME.fullmatch(host):
        raise NotAllowed
    if host.replace(".", "").isdigit():
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            raise NotAllowed from None
    return host


def is_loopback_host(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
