"""The kinds of value that only gateways have."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from sidegate.config.address_kinds import web_address
from sidegate.config.endpoints import TcpEndpoint, is_loopback_host, parse_endpoint
from sidegate.config.errors import NotAllowed
from sidegate.config.kinds import Kind, text_of
from sidegate.config.templates import OPEN_PLACES, SECRET_PLACES, places

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_SIP_WORD = re.compile(r"[A-Za-z0-9+*._!~-]{0,64}")
_LONGEST_BODY = 4000
_OURS = ("content-type", "content-length", "host", "transfer-encoding")


def url(*, template: bool = False) -> Kind[str]:
    """Where a gateway is asked: https, or plain http in the own network."""
    web = web_address(bare=False)

    def read(raw: object) -> str:
        value = text_of(raw)
        if template:
            _only(places(value), OPEN_PLACES, "an address is written into logs")
        if not web.read(re.sub(r"\{[a-z]+\}", "0", value)):
            raise NotAllowed
        parts = urlsplit(value)
        host = parts.hostname or ""
        if places(parts.netloc) or not value.isascii():
            raise NotAllowed
        if parts.scheme == "http" and not _is_near(host):
            raise NotAllowed("plain http would show credentials and codes to others on the way")
        return value

    return Kind(read, "an https:// address, or http:// to loopback or a private address")


def _is_near(host: str) -> bool:
    """Loopback, a private address, or a name without a domain."""
    if is_loopback_host(host):
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host


def apprise_url() -> Kind[str]:
    """An address of Apprise's; its credentials are in it."""

    def read(raw: object) -> str:
        value = text_of(raw)
        found = places(value)
        _only(found, ("number", "digits"), "Apprise posts it by itself")
        if not found or "://" not in value:
            raise NotAllowed
        return value

    return Kind(read, "an address of Apprise's with {number} or {digits} in it", secret=True)


def proxy() -> Kind[str]:
    """A proxy that stands in between; it may need a password."""
    web = web_address(bare=False)

    def read(raw: object) -> str:
        value = text_of(raw)
        web.read(re.sub(r"//[^/@]*@", "//", value))
        return value

    return Kind(read, '"http://host:port" or ""', secret=True)


def word(longest: int) -> Kind[str]:
    """A name on the wire: printable ASCII."""

    def read(raw: object) -> str:
        value = text_of(raw)
        if not value.isascii() or not 1 <= len(value) <= longest or value != value.strip():
            raise NotAllowed
        return value

    return Kind(read, f"1 to {longest} letters, digits and signs")


def word_or_none(longest: int) -> Kind[str]:
    """The same, or nothing."""
    some = word(longest)
    return Kind(lambda raw: some.read(raw) if raw != "" else "", f'{some.allowed}, or ""')


def password(longest: int = 200) -> Kind[str]:
    """A password or token that is there."""
    some = word(longest)
    return Kind(some.read, some.allowed, secret=True)


def password_or_none() -> Kind[str]:
    """The same, or nothing."""
    some = word_or_none(200)
    return Kind(some.read, some.allowed, secret=True)


def sip_word_or_none() -> Kind[str]:
    """A name before the @ of a SIP address, as it may stand there unquoted (RFC 3261, 25.1)."""

    def read(raw: object) -> str:
        value = text_of(raw)
        if not _SIP_WORD.fullmatch(value):
            raise NotAllowed
        return value

    return Kind(read, 'letters, digits and any of +*-_.!~ , or ""')


def sip_password_or_none() -> Kind[str]:
    """What the list of accounts of baresip can hold; it has no way to quote."""

    def read(raw: object) -> str:
        value = text_of(raw)
        if not re.fullmatch(r"[!-~]{0,100}", value) or set(value) & set('";<>'):
            raise NotAllowed
        return value

    return Kind(read, 'up to 100 letters, digits and signs but " ; < >', secret=True)


def dialled() -> Kind[str]:
    """A template of what is dialled."""

    def read(raw: object) -> str:
        value = text_of(raw)
        found = places(value)
        _only(found, ("number", "digits"), "it is spoken")
        if len(found) != 1 or not _SIP_WORD.fullmatch(re.sub(r"\{[a-z]+\}", "", value)):
            raise NotAllowed
        return value

    return Kind(read, '"{number}", or "{digits}" with signs before or after it')


def server() -> Kind[str]:
    """A server's name or address, with its port; `parse_endpoint` takes it apart."""

    def read(raw: object) -> str:
        value = text_of(raw)
        if not isinstance(parse_endpoint(value, Path("/")), TcpEndpoint):
            raise NotAllowed
        return value

    return Kind(read, '"host:port"')


def folder() -> Kind[str]:
    """The path of a folder, whole."""

    def read(raw: object) -> str:
        value = text_of(raw)
        if not value.startswith("/"):
            raise NotAllowed
        return value.rstrip("/") or "/"

    return Kind(read, 'the whole path of a folder, such as "/var/spool/gammu/outbox"')


def headers() -> Kind[tuple[tuple[str, str], ...]]:
    """A table of HTTP headers; their values may be credentials."""

    def read(raw: object) -> tuple[tuple[str, str], ...]:
        if not isinstance(raw, dict):
            raise NotAllowed
        for name, value in raw.items():
            if not _HEADER.fullmatch(name) or name.lower() in _OURS:
                raise NotAllowed
            if not text_of(value).isascii() or not value:
                raise NotAllowed
            _only(places(value), OPEN_PLACES, "headers are written into logs")
        return tuple(raw.items())

    return Kind(read, 'a table such as { Authorization = "Bearer …" }', secret=True)


def voices() -> Kind[tuple[tuple[str, str], ...]]:
    """By language, the name of a voice."""

    def read(raw: object) -> tuple[tuple[str, str], ...]:
        if not isinstance(raw, dict):
            raise NotAllowed
        if not all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", text_of(one)) for one in raw.values()):
            raise NotAllowed
        return tuple(raw.items())

    return Kind(read, 'a table such as { lv = "Google.lv-LV-Standard-B" }')


def body() -> Kind[str]:
    """A template for what is posted; it may have lines, and hold credentials."""

    def read(raw: object) -> str:
        if not isinstance(raw, str) or not 1 <= len(raw) <= _LONGEST_BODY:
            raise NotAllowed
        found = places(raw)
        _only(found, OPEN_PLACES + SECRET_PLACES, "")
        if not set(found) & set(SECRET_PLACES):
            raise NotAllowed("neither {text} nor {code} is in it")
        return raw

    return Kind(read, "a template with {text} or {code}", secret=True)


def statuses() -> Kind[tuple[int, ...]]:
    """HTTP statuses that mean success."""

    def read(raw: object) -> tuple[int, ...]:
        values = raw if isinstance(raw, list) else [raw]
        if not all(type(value) is int and 200 <= value <= 299 for value in values):  # noqa: PLR2004 - said in `allowed`
            raise NotAllowed
        return tuple(values)

    return Kind(read, "a list of numbers from 200 to 299; [] = all of them")


def _only(found: list[str], allowed: tuple[str, ...], why: str) -> None:
    for name in found:
        if name in SECRET_PLACES and name not in allowed:
            raise NotAllowed(f"{{{name}}} goes into the body alone: {why}")
        if name not in allowed:
            raise NotAllowed(f"there is no {{{name}}}; there are {_listed(allowed)}")


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
