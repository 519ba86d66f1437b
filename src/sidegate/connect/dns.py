"""The DNS records by which mail programs find their settings (RFC 6186, RFC 8314)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidegate.clients import pacc
from sidegate.clients.offer import offer_of
from sidegate.config import ClientServer, Config, is_loopback_host
from sidegate.config.model import MailProtocol, Security
from sidegate.connect.lines import Block, Plan

_EXAMPLE = "example.test"
_LIFE = 3600
_HTTPS = 443
_NAMES: dict[tuple[MailProtocol, Security], str] = {
    ("imap", "TLS"): "_imaps",
    ("imap", "STARTTLS"): "_imap",
    ("pop3", "TLS"): "_pop3s",
    ("pop3", "STARTTLS"): "_pop3",
    ("submission", "TLS"): "_submissions",
    ("submission", "STARTTLS"): "_submission",
}
_POP3_LATER = 10
"""RFC 6186, section 3.4: of IMAP and POP3, the lower priority is tried first."""


def plan(config: Config, domains: Sequence[str] = ()) -> Plan:
    """The records of each domain: as asked for, as configured, or of an example."""
    named = tuple(domains) or config.clients.domains or (_EXAMPLE,)
    return Plan(
        "dns",
        tuple(
            Block(f"{name}: add", "set", tuple(_records(config, name)), f"the zone of {name}")
            for name in named
        ),
        (Block("take the same records out again", "set", (), "each zone"),),
        notes=tuple(_notes(config, domains)),
    )


def _records(config: Config, domain: str) -> Iterator[str]:
    offered = {(one.protocol, one.security): one for one in _servers(config, domain)}
    for key, name in _NAMES.items():
        yield _srv(name, domain, offered.get(key))
    if config.is_https:
        portal = config.portal_host
        yield f"autoconfig.{domain}. {_LIFE} IN CNAME {portal}."
        yield f"autodiscover.{domain}. {_LIFE} IN CNAME {portal}."
        yield f"_autodiscover._tcp.{domain}. {_LIFE} IN SRV 0 1 {_port(config)} {portal}."
        document = pacc.answer(offer_of(config))
        if document is not None:
            yield f"ua-auto-config.{domain}. {_LIFE} IN CNAME {portal}."
            yield f'_ua-auto-config.{domain}. {_LIFE} IN TXT "{pacc.record(document)}"'


def _srv(name: str, domain: str, server: ClientServer | None) -> str:
    """One record; a single dot says that it is not offered."""
    said = "0 0 0 ."
    if server is not None:
        priority = _POP3_LATER if server.protocol == "pop3" else 0
        said = f"{priority} 1 {server.port} {server.host}."
    return f"{name}._tcp.{domain}. {_LIFE} IN SRV {said}"


def _servers(config: Config, domain: str) -> list[ClientServer]:
    found = [one for one in config.client_settings() if not is_loopback_host(one.host)]
    return found or [
        ClientServer("imap", f"mail.{domain}", 993, "TLS"),
        ClientServer("pop3", f"mail.{domain}", 995, "TLS"),
        ClientServer("submission", f"mail.{domain}", 465, "TLS"),
    ]


def _port(config: Config) -> int:
    _, _, port = config.server.url.partition("://")[2].rpartition(":")
    return int(port) if port.isdigit() else _HTTPS


def _notes(config: Config, domains: Sequence[str]) -> Iterator[str]:
    if not domains and not config.clients.domains:
        yield "For an example: name your domain by --domain, or in [clients] domains."
    if not any(not is_loopback_host(one.host) for one in config.client_settings()):
        yield "The servers are an example: set [clients] imap, pop3 and submission."
    if config.is_https:
        yield f"{config.portal_host} needs a certificate for these names of each domain too."
    else:
        yield "The portal is not on https: there is no autoconfig and autodiscover to lead to."
    yield "A target of one dot says that it is not offered, so that nobody tries it."
