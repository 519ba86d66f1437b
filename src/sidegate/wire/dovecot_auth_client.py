"""Dovecot's authentication protocol from its client's side: we ask, her Dovecot answers.

Two kinds of socket: one where passwords are judged (AUTH), one where users are looked up
by name alone (USER, PASS). Escaping and versions are those of `dovecot_auth`.
"""

from __future__ import annotations

import binascii
from typing import NamedTuple

from sidegate.wire.dovecot_auth import (
    CLIENT_MINOR,
    MAJOR,
    MASTER_MINOR,
    BadLine,
    escape,
    parse_version,
    unescape,
)

MAX_SECRET = 1024
"""Bytes of a secret or a name that are passed on; nobody has longer ones."""


class CannotAsk(ValueError):  # noqa: N818 - what it is, by its name
    """No password can be this: nothing that the protocol could carry."""


class Answer(NamedTuple):
    """A reply to a request of ours: its command, the request's number, its parameters."""

    command: str
    request: int
    parameters: tuple[bytes, ...]

    def name(self) -> str | None:
        """The user that the directory goes on with, from `user=`."""
        return self.field("user")

    def field(self, wanted: str) -> str | None:
        """The value of a parameter, empty where it has none; `None` where it is not there."""
        for parameter in self.parameters:
            key, _, value = parameter.partition(b"=")
            if key == wanted.encode():
                return text(value)
        return None

    def says(self, wanted: str) -> bool:
        """Whether a parameter is there: `nologin` alone, or as `nologin=y`."""
        return self.field(wanted) not in (None, "n", "no")


def client_greeting(*, process: int) -> bytes:
    """What a client of a password socket says first; `process` is its own on each connection."""
    return b"VERSION\t%d\t%d\nCPID\t%d\n" % (MAJOR, CLIENT_MINOR, process)


def master_greeting() -> bytes:
    """What a client of a look-up socket says first."""
    return b"VERSION\t%d\t%d\n" % (MAJOR, MASTER_MINOR)


class Handshake:
    """The server's side of the handshake, line by line."""

    def __init__(self, *, until: bytes, mechanism: bytes = b"") -> None:
        self._until = until
        self._wanted = mechanism
        self._offered: set[bytes] = set()
        self._version_seen = False

    def take(self, line: bytes) -> bool:
        """Whether it is over with this line; raises `BadLine` where nothing can come of it."""
        if not self._version_seen:
            if parse_version(line) != MAJOR:
                raise BadLine("another major version of the protocol")
            self._version_seen = True
            return False
        command, _, rest = line.partition(b"\t")
        if command == b"MECH":
            self._offered.add(rest.partition(b"\t")[0].upper())
        if command != self._until:
            return False
        if self._wanted and self._wanted not in self._offered:
            raise BadLine(f"the mechanism {self._wanted.decode()} is not offered")
        return True


def password_handshake() -> Handshake:
    """Of a password socket: it ends with DONE, and PLAIN must be among its mechanisms."""
    return Handshake(until=b"DONE", mechanism=b"PLAIN")


def lookup_handshake() -> Handshake:
    """Of a look-up socket: it ends with SPID."""
    return Handshake(until=b"SPID")


def auth(
    request: int,
    *,
    login: str,
    secret: str,
    master: str = "",
    service: str,
    address: str,
    session: str = "",
    secured: bool = False,
) -> bytes:
    """AUTH PLAIN; nobody will ask for a mailbox (`nologin`), nobody is held back for others.

    Without `no-penalty` the failures of one address delay the right passwords of others
    who share it: we throttle ourselves. Raises `CannotAsk`.
    """
    words = [b"AUTH", b"%d" % request, b"PLAIN", b"service=" + _value(service)]
    if secured:
        words.append(b"secured")
    words += [b"nologin", b"no-penalty"]
    for name, value in ((b"rip", address), (b"session", session)):
        if value:
            words.append(name + b"=" + _value(value))
    if address:
        words.append(b"lip=" + (b"::1" if ":" in address else b"127.0.0.1"))
    words.append(b"resp=" + _plain(login, secret, master))  # has to be the last
    return b"\t".join(words) + b"\n"


def lookup(request: int, command: str, *, name: str, service: str) -> bytes:
    """USER or PASS: who has this name; no secret is needed. Raises `CannotAsk`."""
    if not name:
        raise CannotAsk("no name")
    words = [command.encode(), b"%d" % request, _value(name), b"service=" + _value(service)]
    return b"\t".join(words) + b"\n"


def cancel(request: int) -> bytes:
    """Nobody waits for this request's answer any more."""
    return b"CANCEL\t%d\n" % request


def parse_answer(line: bytes) -> Answer:
    """Any reply to a request; raises `BadLine`."""
    command, *parameters = line.split(b"\t")
    number = parameters[0] if parameters else b""
    if not command.isalpha() or not number.isdigit() or len(number) > len(str(2**32)):
        raise BadLine("a reply without its request's number")
    return Answer(command.decode("ascii"), int(number), tuple(parameters[1:]))


def text(parameter: bytes) -> str:
    """What a parameter says."""
    return unescape(parameter).decode("utf-8", "replace")


def _value(text: str) -> bytes:
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise CannotAsk("not Unicode") from None
    if len(raw) > MAX_SECRET:
        raise CannotAsk("too long")
    return escape(raw)


def _plain(login: str, secret: str, master: str) -> bytes:
    """The message of PLAIN (RFC 4616), in base64; a master signs in with her own name."""
    acts_as, signs_in = (login, master) if master else ("", login)
    try:
        parts = [part.encode() for part in (acts_as, signs_in, secret)]
    except UnicodeEncodeError:
        raise CannotAsk("not Unicode") from None
    if not parts[1] or not parts[2] or any(b"\0" in part for part in parts):
        raise CannotAsk("empty, or with a NUL in it")
    if any(len(part) > MAX_SECRET for part in parts):
        raise CannotAsk("too long")
    return binascii.b2a_base64(b"\0".join(parts), newline=False)
