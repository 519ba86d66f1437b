"""The configuration of one installation, and what follows from it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, cast
from urllib.parse import urlsplit

from sidegate.config.code_kinds import EVERY
from sidegate.config.endpoints import Endpoint, TcpEndpoint, is_loopback_host, parse_endpoint
from sidegate.config.gateways import SCREEN, GatewayOptions
from sidegate.config.options import Sections

MailProtocol = Literal["imap", "pop3", "submission"]
Security = Literal["TLS", "STARTTLS"]


class ClientServer(NamedTuple):
    """What a person types into a mail program for one protocol."""

    protocol: MailProtocol
    host: str
    port: int
    security: Security


class MailRelay(NamedTuple):
    """The mail server that takes our own messages; `security` is empty on loopback alone."""

    host: str
    port: int
    security: Literal["TLS", "STARTTLS", ""]


@dataclass(frozen=True, kw_only=True)
class Config(Sections):
    """All options of one installation, checked."""

    data: Path = field()
    """The data folder, absolute."""
    file: Path = field()
    """The file that was read, or would be."""
    gateways: Mapping[str, GatewayOptions] = field(default_factory=dict)
    """What the file says of each gateway, by its name."""

    @property
    def keys_folder(self) -> Path:
        """Where the keys lie, outside the database."""
        return self.data / (self.server.keys or "keys")

    @property
    def certificate(self) -> Path | None:
        """The operator's certificate; `None` for the self-signed one."""
        return self.data / self.tls.certificate if self.tls.certificate else None

    @property
    def certificate_key(self) -> Path | None:
        """The key of the operator's certificate; `None` for the self-signed one."""
        return self.data / self.tls.key if self.tls.key else None

    @property
    def portal_host(self) -> str:
        """The host by which people reach the portal, without its port."""
        return urlsplit(self.server.url).hostname or ""

    @property
    def app_passwords_url(self) -> str:
        """The page on which owners make app passwords; every refusal leads there."""
        return self.server.url.rstrip("/") + "/security/app-passwords"

    @property
    def is_loopback(self) -> bool:
        """The portal is for this machine alone."""
        return is_loopback_host(self.portal_host)

    @property
    def is_https(self) -> bool:
        """People reach the portal over https."""
        return self.server.url.startswith("https://")

    @property
    def has_own_passwords(self) -> bool:
        """Account passwords are kept and judged here, not by a directory of the operator's."""
        return self.directory.source == "own"

    @property
    def shows_codes_on_screen(self) -> bool:
        """A `screen` sender is set."""
        return SCREEN in (*self.codes.sms, *self.codes.voice)

    @property
    def sends_codes(self) -> bool:
        """A gateway is set that sends codes to phones; `screen` alone sends nowhere."""
        return set(self.codes.sms + self.codes.voice) != {SCREEN}

    @property
    def phone_countries(self) -> frozenset[str]:
        """Whose numbers may be added; empty for those of every country."""
        countries = frozenset(self.codes.countries)
        return countries if self.sends_codes and EVERY not in countries else frozenset()

    @property
    def own_country(self) -> str | None:
        """The country of a number that is typed without one; `None` where none is named."""
        named = [country for country in self.codes.countries if country != EVERY]
        return named[0] if named else None

    @property
    def mail_relay(self) -> MailRelay | None:
        """Where messages to owners go; `None` where no server is named."""
        address, _, security = self.notices.smtp.partition(" ")
        endpoint = self.endpoint(address)
        if not isinstance(endpoint, TcpEndpoint):
            return None
        return MailRelay(
            endpoint.host, endpoint.port, cast('Literal["TLS", "STARTTLS", ""]', security)
        )

    @property
    def sends_mail(self) -> bool:
        """Whether owners are told by mail, not on their pages alone."""
        return bool(self.notices.smtp) or self.mailserver.private

    @property
    def from_address(self) -> str:
        """Whom messages to owners are from."""
        host = "localhost" if self.is_loopback else self.portal_host
        return self.notices.from_address or f"no-reply@{host}"

    @property
    def channels(self) -> frozenset[str]:
        """The ways by which codes can go out: "sms", "voice"."""
        ways = {"sms": self.codes.sms, "voice": self.codes.voice}
        return frozenset(way for way, names in ways.items() if names)

    def endpoint(self, text: str) -> Endpoint | None:
        """The endpoint that a value of this configuration names, `None` for off."""
        return parse_endpoint(text, self.data)

    def client_settings(self) -> list[ClientServer]:
        """One server for each mail protocol that is offered, TLS before STARTTLS."""
        listen, clients = self.listen, self.clients
        candidates = (
            self._client_server("imap", clients.imap, listen.imaps, listen.imap),
            self._client_server("pop3", clients.pop3, listen.pop3s, listen.pop3),
            self._client_server(
                "submission", clients.submission, listen.submissions, listen.submission
            ),
        )
        return [server for server in candidates if server is not None]

    def front_upstream(self, protocol: MailProtocol) -> TcpEndpoint | None:
        """Where the private Dovecot goes on to, where it is a front."""
        endpoint = self.endpoint(getattr(self.upstream, protocol))
        return endpoint if isinstance(endpoint, TcpEndpoint) else None

    def nginx_upstream(self, protocol: MailProtocol) -> TcpEndpoint | None:
        """Where nginx goes on to: as set, or the private Dovecot's listener for STARTTLS.

        nginx looks no name up: `None` where no address is known.
        """
        said: str = getattr(self.upstream, protocol)
        private: str = getattr(self.listen, protocol) if self.mailserver.private else ""
        endpoint = self.endpoint(said or private)
        if not isinstance(endpoint, TcpEndpoint):
            return None
        host = "127.0.0.1" if endpoint.host.lower() == "localhost" else endpoint.host
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return None
        if address.is_unspecified:  # listening everywhere is listening on loopback
            host = "127.0.0.1" if isinstance(address, ipaddress.IPv4Address) else "::1"
        return TcpEndpoint(host, endpoint.port)

    def _client_server(
        self, protocol: MailProtocol, said: str, tls: str, starttls: str
    ) -> ClientServer | None:
        if said:
            address, security = said.split(" ")
            endpoint = cast("TcpEndpoint", self.endpoint(address))
            return ClientServer(protocol, endpoint.host, endpoint.port, cast("Security", security))
        listeners: tuple[tuple[str, Security], ...] = ((tls, "TLS"), (starttls, "STARTTLS"))
        for text, security in listeners:
            listener = self.endpoint(text)
            if isinstance(listener, TcpEndpoint):
                return ClientServer(protocol, self.portal_host, listener.port, security)
        return None
