"""The lines for an operator's own Exim: its `dovecot` authenticator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sidegate.config import Endpoint, TcpEndpoint, UnixEndpoint
from sidegate.connect.lines import Block, Plan, folders
from sidegate.connect.places import RUN, Sidegate

FILE = "/etc/exim4/conf.d/auth/10_sidegate"
_GROUP = "Debian-exim"
_FOLDER = RUN / "exim"


def client_endpoint(sidegate: Sidegate, wanted: Endpoint | None) -> Endpoint:
    """Where Exim asks: asked for, configured, or proposed."""
    if wanted is not None:
        return wanted
    path: Path = sidegate.below(_FOLDER) or _FOLDER / "auth-client"
    return UnixEndpoint(path)


def plan(sidegate: Sidegate, wanted: Endpoint | None = None) -> Plan:
    """Everything for an Exim that is packed as Debian packs it."""
    endpoint = client_endpoint(sidegate, wanted)
    blocks: list[Block] = []
    remove = f"rm -f {FILE}"
    if isinstance(endpoint, UnixEndpoint):
        rows = (
            f"d {RUN} 0755 {sidegate.user} root -",
            f"d {endpoint.path.parent} 2750 {sidegate.user} {_GROUP} -",
        )
        blocks += folders("sidegate-exim", rows)
        remove += " /etc/tmpfiles.d/sidegate-exim.conf"
    listens = Block(
        "Sidegate listens there: set this, then restart Sidegate",
        "set",
        (
            "[listen]",
            sidegate.client_line(endpoint, private=sidegate.config.mailserver.private),
        ),
        str(sidegate.config.file),
    )
    asks = Block("Exim asks Sidegate", "write", tuple(_authenticators(endpoint)), FILE)
    reload = "update-exim4.conf && systemctl reload exim4"
    return Plan(
        "exim",
        (*blocks, listens, asks, Block("Make the configuration, and reload", "run", (reload,))),
        (
            Block(
                "put your own authenticators back; then Exim is as before", "run", (remove, reload)
            ),
        ),
        notes=_NOTES,
    )


_NOTES = (
    "For Exim with its dovecot authenticator: on Debian, exim4-daemon-heavy and no other.",
    "Other PLAIN and LOGIN authenticators of yours must go: Exim asks the first of a name.",
    "Without Debian's split configuration the lines belong behind `begin authenticators`.",
)


def _authenticators(endpoint: Endpoint) -> Iterator[str]:
    if isinstance(endpoint, TcpEndpoint):
        socket = f"{endpoint.host} {endpoint.port}"  # parted by a space, says Exim 4.96
    else:
        socket = str(endpoint.path)
    for name in ("PLAIN", "LOGIN"):
        yield f"sidegate_{name.lower()}:"
        yield "  driver = dovecot"
        yield f"  public_name = {name}"
        yield f"  server_socket = {socket}"
        yield "  server_set_id = $auth1"
        yield "  server_advertise_condition = ${if def:tls_in_cipher}"
