"""nginx's `auth_http`: the headers it asks with, and those it is answered with.

https://nginx.org/en/docs/mail/ngx_mail_auth_http_module.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple

from sidegate.wire.sasl import MAX_NAME, MAX_SECRET, Malformed

Headers = list[tuple[bytes, bytes]]

PASSWORD_METHOD = "plain"  # noqa: S105 - a method's name
"""What nginx calls every mechanism that shows it the password (LOGIN and PLAIN alike)."""

_PART = re.compile(rb"%([0-9A-Fa-f]{2})|%")
_WANTED = frozenset(
    {b"auth-method", b"auth-user", b"auth-pass", b"auth-protocol", b"client-ip", b"auth-ssl"}
)
# What may stand in a header's value: no control character (RFC 9110, 5.5).
_VALUE = re.compile(rb"[\x21-\x7e\x80-\xff]([\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?")


class NotAsked(ValueError):  # noqa: N818 - what it is, by its name
    """The headers are not nginx's; the text says which is missing, never a value."""


class NginxRequest(NamedTuple):
    """What nginx asks; login and secret are still to be decoded. Its text form holds neither."""

    protocol: str
    method: str
    login: bytes
    secret: bytes
    address: str
    """The client's IP address; empty where nginx does not tell."""
    tls: bool

    def __repr__(self) -> str:
        return f"NginxRequest(protocol={self.protocol!r}, address={self.address!r})"


def parse(headers: Iterable[tuple[bytes, bytes]]) -> NginxRequest:
    """The request; raises `NotAsked`. Header names are lower-case, as ASGI has them."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name not in _WANTED:
            continue
        if name in found:
            raise NotAsked(f"{name.decode()} is there twice")
        found[name] = value
    for name in (b"auth-method", b"auth-protocol"):
        if name not in found:
            raise NotAsked(f"{name.decode()} is missing")
    return NginxRequest(
        protocol=found[b"auth-protocol"].decode("latin-1").lower(),
        method=found[b"auth-method"].decode("latin-1").lower(),
        login=found.get(b"auth-user", b""),
        secret=found.get(b"auth-pass", b""),
        address=_address(found.get(b"client-ip", b"")),
        tls=found.get(b"auth-ssl", b"").lower() == b"on",
    )


class NginxCredentials(NamedTuple):
    """What a program presented. Its text form never holds the secret."""

    login: str
    secret: str

    def __repr__(self) -> str:
        return f"NginxCredentials(login={self.login!r})"


def credentials(request: NginxRequest) -> NginxCredentials:
    """The decoded login and secret; raises `Malformed` as SASL does."""
    login, secret = _decoded(request.login), _decoded(request.secret)
    if not login or not secret:
        raise Malformed("no login or no password")
    if len(login) > MAX_NAME or len(secret) > MAX_SECRET:
        raise Malformed("a login or password that is too long")
    if b"\0" in login or b"\0" in secret:
        raise Malformed("NUL in a login or password")
    try:
        return NginxCredentials(login.decode(), secret.decode())
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None


def fits(value: str) -> bool:
    """Whether a value reaches nginx in a header as it is."""
    return _VALUE.fullmatch(value.encode("utf-8", "surrogatepass")) is not None


def go_on(*, address: str, port: int, user: str, password: str | None) -> Headers:
    """Go on at a server under a name; without a password nginx passes on what it was given.

    Raises `ValueError` for what a header cannot hold.
    """
    headers = [
        (b"Auth-Status", b"OK"),
        (b"Auth-Server", address.encode()),
        (b"Auth-Port", str(port).encode()),
    ]
    for name, value in ((b"Auth-User", user), (b"Auth-Pass", password)):
        if value is None:
            continue
        if not fits(value):
            raise ValueError(f"{name.decode()} cannot stand in a header")
        headers.append((name, value.encode()))
    return headers


def say(status: str, *, error_code: int | None = None) -> Headers:
    """Say no in the protocol's own words; SMTP's code stands in a header of its own."""
    headers = [(b"Auth-Status", status.encode())]
    if error_code is not None:
        headers.append((b"Auth-Error-Code", str(error_code).encode()))
    return headers


def _decoded(value: bytes) -> bytes:
    def byte(found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            raise Malformed("a percent sign without two digits")
        return bytes.fromhex(found[1].decode())

    return _PART.sub(byte, value)


def _address(value: bytes) -> str:
    try:
        return str(ipaddress.ip_address(value.decode("ascii")))
    except ValueError:
        return ""
