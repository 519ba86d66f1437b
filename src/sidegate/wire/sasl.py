"""SASL PLAIN (RFC 4616) and LOGIN: the client's messages, strictly read."""

from __future__ import annotations

import binascii
from typing import NamedTuple

MAX_NAME = 1024
"""Bytes in a login or an authzid: room for 254 characters of any script."""

MAX_SECRET = 1024
"""Bytes in a password."""

LOGIN_USERNAME = b"VXNlcm5hbWU6"
"""LOGIN's first challenge, `Username:`, in base64."""

LOGIN_PASSWORD = b"UGFzc3dvcmQ6"
"""LOGIN's second challenge, `Password:`, in base64."""


class Malformed(ValueError):  # noqa: N818 - what it is, by its name
    """A message that no honest program sends. Its text never holds what was sent."""


class Credentials(NamedTuple):
    """What a program presents. Its text form never holds the secret."""

    login: str
    secret: str
    authzid: str
    """Whom it wants to act as; empty for itself."""

    def __repr__(self) -> str:
        return f"Credentials(login={self.login!r})"


def decode_base64(data: bytes) -> bytes:
    """The bytes behind strict base64: no white space, no excess, the right padding."""
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except ValueError:
        raise Malformed("not base64") from None


def plain(message: bytes) -> Credentials:
    """The message of PLAIN, in base64: authzid NUL login NUL secret."""
    parts = decode_base64(message).split(b"\0")
    if len(parts) != 3:  # noqa: PLR2004 - the three of RFC 4616
        raise Malformed("not authzid, login and password parted by NUL")
    authzid, login, secret = parts
    return _credentials(login, secret, authzid)


def login(name: bytes, secret: bytes) -> Credentials:
    """LOGIN's two messages, in base64."""
    name, secret = decode_base64(name), decode_base64(secret)
    if b"\0" in name or b"\0" in secret:
        raise Malformed("NUL in a login or password")
    return _credentials(name, secret, b"")


def _credentials(name: bytes, secret: bytes, authzid: bytes) -> Credentials:
    if not name or not secret:
        raise Malformed("no login or no password")
    if len(name) > MAX_NAME or len(authzid) > MAX_NAME or len(secret) > MAX_SECRET:
        raise Malformed("a login or password that is too long")
    try:
        return Credentials(name.decode(), secret.decode(), authzid.decode() if authzid else "")
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
