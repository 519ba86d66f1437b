"""The kinds of value that are addresses: endpoints, mailboxes, networks, the web, a database."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from sidegate.config.endpoints import (
    TcpEndpoint,
    check_host,
    is_loopback_host,
    parse_endpoint,
)
from sidegate.config.errors import NotAllowed
from sidegate.config.kinds import Kind, text_of, texts_of

_CLIENT_SERVER = re.compile(r"(\S+) (TLS|STARTTLS)")
# The plain form of RFC 5321's Mailbox, in ASCII: it stands in a header and in an envelope.
_MAILBOX = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_ANYWHERE = Path("/")


def endpoint() -> Kind[str]:
    """Where to listen or to ask; the text is kept, `parse_endpoint` takes it apart."""

    def read(raw: object) -> str:
        value = text_of(raw)
        parse_endpoint(value, _ANYWHERE)
        return value

    return Kind(read, '"host:port", "unix:/path" or ""', endpoint=True)


def endpoints() -> Kind[tuple[str, ...]]:
    """A list of places to listen on."""

    def read(raw: object) -> tuple[str, ...]:
        values = texts_of(raw)
        if not all(values):
            raise NotAllowed
        for value in values:
            parse_endpoint(value, _ANYWHERE)
        return values

    return Kind(read, 'a list of "host:port" or "unix:/path"', endpoint=True)


def address() -> Kind[str]:
    """A server that is named by its IP address."""

    def read(raw: object) -> str:
        value = text_of(raw)
        endpoint = parse_endpoint(value, _ANYWHERE)
        if endpoint is None:
            return value
        if not isinstance(endpoint, TcpEndpoint):
            raise NotAllowed
        try:
            ipaddress.ip_address(endpoint.host)
        except ValueError:
            raise NotAllowed("a name is not looked up here") from None
        return value

    return Kind(read, 'an IP address with a port such as "127.0.0.1:143", or ""')


def client_server() -> Kind[str]:
    """What people type into a mail program."""

    def read(raw: object) -> str:
        value = text_of(raw)
        found = _CLIENT_SERVER.fullmatch(value)
        if value and (not found or found[1].startswith("unix:")):
            raise NotAllowed
        if found:
            parse_endpoint(found[1], _ANYWHERE)
        return value

    return Kind(read, '"host:port TLS", "host:port STARTTLS" or ""')


def mail_relay() -> Kind[str]:
    """A mail server that takes messages; without encryption on this machine alone."""

    def read(raw: object) -> str:
        value = text_of(raw)
        if not value or _CLIENT_SERVER.fullmatch(value):
            return client_server().read(value)
        endpoint = parse_endpoint(value, _ANYWHERE)
        if not isinstance(endpoint, TcpEndpoint):
            raise NotAllowed
        if not is_loopback_host(endpoint.host):
            raise NotAllowed("without encryption it must be on this machine")
        return value

    return Kind(read, '"host:port TLS", "host:port STARTTLS", "127.0.0.1:port" or ""')


def mail_address() -> Kind[str]:
    """The address of a mailbox."""

    def read(raw: object) -> str:
        value = text_of(raw)
        if value and not _MAILBOX.fullmatch(value):
            raise NotAllowed
        return value

    return Kind(read, 'an address such as "no-reply@example.test", or ""')


def domains() -> Kind[tuple[str, ...]]:
    """A list of mail domains."""

    def read(raw: object) -> tuple[str, ...]:
        return tuple(check_host(value.lower()) for value in texts_of(raw))

    return Kind(read, "a list of domains")


def addresses() -> Kind[tuple[str, ...]]:
    """A list of accounts, and of whole domains."""

    def read(raw: object) -> tuple[str, ...]:
        values = texts_of(raw)
        for value in values:
            local, at, domain = value.rpartition("@") if "@" in value else (value, "", "")
            if any(mark in local for mark in "@*+ ") or not (local or domain):
                raise NotAllowed
            if at:
                check_host(domain.lower())
        return values

    return Kind(read, 'a list of addresses and domains such as "anna@example.test", "@example.org"')


def networks() -> Kind[tuple[str, ...]]:
    """A list of addresses and networks."""

    def read(raw: object) -> tuple[str, ...]:
        values = texts_of(raw)
        try:
            return tuple(str(ipaddress.ip_network(value, strict=False)) for value in values)
        except ValueError:
            raise NotAllowed from None

    return Kind(read, 'a list of IP addresses and networks such as "192.0.2.0/24"')


def web_address(*, bare: bool) -> Kind[str]:
    """An http or https address; a bare one has nothing after its host and port."""
    allowed = "http:// or https:// with a host" + (
        " and a port if need be, no path" if bare else ', or ""'
    )

    def read(raw: object) -> str:
        value = text_of(raw)
        if not value and not bare:
            return value
        try:
            parts = urlsplit(value)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise NotAllowed from None
        if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or port == 0:
            raise NotAllowed
        if ":" not in host:
            check_host(host)
        if bare and (parts.path not in ("", "/") or "?" in value or "#" in value):
            raise NotAllowed
        return f"{parts.scheme}://{parts.netloc.lower()}" if bare else value

    return Kind(read, allowed)


def private_web_address() -> Kind[str]:
    """Where a key is sent over HTTP: nothing that others on the way could read."""
    plain = web_address(bare=True)

    def read(raw: object) -> str:
        value = text_of(raw)
        if not value:
            return value
        if value.startswith("unix:"):
            if not value.startswith("unix:/"):
                raise NotAllowed
            parse_endpoint(value, _ANYWHERE)
            return value
        value = plain.read(value)
        if value.startswith("http:") and not is_loopback_host(urlsplit(value).hostname or ""):
            raise NotAllowed("the key would be sent unencrypted to another machine")
        return value

    return Kind(read, '"unix:/path", "https://host:port", "http://127.0.0.1:port" or ""')


def database() -> Kind[str]:
    """A PostgreSQL address, or nothing for SQLite."""

    def read(raw: object) -> str:
        value = text_of(raw)
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:
            raise NotAllowed from None
        if value and parts.scheme not in ("postgresql", "postgres"):
            raise NotAllowed
        return value

    return Kind(read, '"" for SQLite or "postgresql://user:password@host/name"', secret=True)
