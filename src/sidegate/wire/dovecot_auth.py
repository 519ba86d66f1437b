"""Dovecot's authentication protocol: its lines, both ways, on both sockets.

A line is a command and its parameters, parted by tabs; optional parameters are
`name` or `name=value`, in any order, and unknown ones are ignored. NUL, 0x01, tab,
CR and LF inside a parameter are written as 0x01 and one of `0 1 t r n`.

Ids stay bytes, in the one form that a number has, as they are only compared and
sent back. A sign-in costs a few microseconds here, so that a line is cut once.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from sidegate.wire.program import program_of

MAJOR = 1
CLIENT_MINOR = 2
MASTER_MINOR = 1

_MAX_ID = 2**32 - 1
_MAX_ID_DIGITS = len(str(_MAX_ID))
_ZERO = ord("0")
_MAX_FIELD = 256
"""Bytes of a session's name or an address that are kept."""


class BadLine(ValueError):  # noqa: N818 - what it is, by its name
    """A line that is not of the protocol. Its text never holds what was sent."""


# Escaping ---------------------------------------------------------------------------

_PLAIN_OF = {b"0": b"\0", b"1": b"\1", b"t": b"\t", b"r": b"\r", b"n": b"\n"}
_SPECIAL = re.compile(rb"[\0\x01\t\r\n]")
_SPECIAL_OF = {plain: b"\1" + letter for letter, plain in _PLAIN_OF.items()}
_ESCAPED = re.compile(rb"\x01(.?)", re.DOTALL)


def escape(value: bytes) -> bytes:
    """The value as a parameter."""
    return _SPECIAL.sub(lambda found: _SPECIAL_OF[found.group()], value)


def unescape(parameter: bytes) -> bytes:
    """The value of a parameter; an unknown escape stands for its own letter."""
    if b"\1" not in parameter:
        return parameter
    return _ESCAPED.sub(lambda found: _PLAIN_OF.get(found.group(1), found.group(1)), parameter)


def _text(parameter: bytes) -> str:
    if b"\1" in parameter:
        parameter = unescape(parameter)
    return parameter[:_MAX_FIELD].decode("utf-8", "replace")


_repeated_text = lru_cache(maxsize=1024)(_text)
"""The same for what comes again and again: services, and addresses of the same clients."""


def _id(parameter: bytes) -> bytes:
    if parameter.isdigit() and len(parameter) <= _MAX_ID_DIGITS:
        number = int(parameter)
        if number <= _MAX_ID and (parameter[0] != _ZERO or parameter == b"0"):
            return parameter
    raise BadLine("an id that is no number")


def _parameters(line: bytes, least: int) -> list[bytes]:
    parameters = line.split(b"\t")[1:]
    if len(parameters) < least:
        raise BadLine("too few parameters")
    return parameters


# What a mail server sends on a client socket ------------------------------------------


class AuthRequest(NamedTuple):
    """AUTH: somebody wants to sign in. Its text form never holds what they sent."""

    id: bytes
    mechanism: bytes
    service: str
    """What the mail server calls the protocol: `imap`, `smtp`, …; empty where it does not."""
    address: str
    program: str
    secured: bool
    session: str
    no_login: bool
    """Nothing but the answer is wanted: no master will ask for this request."""
    response: bytes
    """The program's first message, in base64; empty where it waits for a challenge."""

    def __repr__(self) -> str:
        return f"AuthRequest(id={self.id!r}, service={self.service!r}, address={self.address!r})"


class Continuation(NamedTuple):
    """CONT: the program's answer to a challenge. Its text form never holds it."""

    id: bytes
    response: bytes

    def __repr__(self) -> str:
        return f"Continuation(id={self.id!r})"


def parse_version(line: bytes) -> int:
    """The major version that `VERSION` names."""
    command, *numbers = line.split(b"\t")
    if command != b"VERSION" or not numbers:
        raise BadLine("VERSION has to come first")
    return int(_id(numbers[0]))


def parse_process_id(line: bytes) -> bytes:
    """The client's process id, from `CPID`."""
    pid = _id(_parameters(line, 1)[0])
    if pid == b"0":
        raise BadLine("process id 0")
    return pid


_AUTH_FIELDS = frozenset(
    {
        b"service",  # Dovecot 2.3, Postfix and Exim
        b"protocol",  # the same from Dovecot 2.4
        b"rip",
        b"client_id",
        b"secured",  # also `secured=tls`
        b"session",
        b"nologin",
        b"resp",
    }
)


def parse_auth(line: bytes) -> AuthRequest:
    """A line that begins with `AUTH`."""
    parts = line.split(b"\t")
    if len(parts) < 3:  # noqa: PLR2004 - the command, the id, the mechanism
        raise BadLine("too few parameters")
    fields: dict[bytes, bytes] = {}
    for part in parts[3:]:
        name, _, value = part.partition(b"=")
        if name in _AUTH_FIELDS:
            fields[name] = value
    client_id, session = fields.get(b"client_id"), fields.get(b"session")
    return AuthRequest(
        _id(parts[1]),
        parts[2].upper(),
        _repeated_text((fields.get(b"service") or fields.get(b"protocol", b""))[:_MAX_FIELD]),
        _repeated_text(fields.get(b"rip", b"")[:_MAX_FIELD]),
        program_of(unescape(client_id)) if client_id else "",
        b"secured" in fields,
        _text(session) if session else "",
        b"nologin" in fields,
        fields.get(b"resp", b""),  # base64 has nothing to escape
    )


def parse_continuation(line: bytes) -> Continuation:
    """A line that begins with `CONT`."""
    parameters = _parameters(line, 1)
    return Continuation(_id(parameters[0]), b"".join(parameters[1:2]))


def parse_cancel(line: bytes) -> bytes:
    """The id of the request that is given up."""
    return _id(_parameters(line, 1)[0])


# What a mail server sends on the master socket ----------------------------------------


class MasterRequest(NamedTuple):
    """REQUEST: a mail process asks for the mailbox behind an answered AUTH."""

    id: bytes
    client_process: bytes
    client_request: bytes
    cookie: bytes
    session_process: int | None

    def __repr__(self) -> str:
        return f"MasterRequest(id={self.id!r}, client_process={self.client_process!r})"


class Lookup(NamedTuple):
    """USER or PASS: a look-up by name alone."""

    id: bytes
    user: str


def parse_master_request(line: bytes) -> MasterRequest:
    """A line that begins with `REQUEST`."""
    parameters = _parameters(line, 4)
    process = None
    for parameter in parameters[4:]:
        name, _, value = parameter.partition(b"=")
        if name == b"session_pid":
            process = int(_id(value))
    ids = [_id(parameter) for parameter in parameters[:3]]
    return MasterRequest(ids[0], ids[1], ids[2], parameters[3], process)


def parse_lookup(line: bytes) -> Lookup:
    """A line that begins with `USER` or `PASS`; a name that is no UTF-8 is nobody's."""
    parameters = _parameters(line, 2)
    return Lookup(_id(parameters[0]), unescape(parameters[1]).decode("utf-8", "replace"))


def parse_id(line: bytes) -> bytes:
    """The id of a command of which nothing else counts: `LIST`, `CACHE-FLUSH`."""
    return _id(_parameters(line, 1)[0])


# What we send -------------------------------------------------------------------------


def client_handshake(*, process: int, connection: int, cookie: bytes) -> bytes:
    """Our side of the handshake on a client socket; the cookie is 32 hex digits."""
    return (
        b"VERSION\t%d\t%d\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\n"
        b"SPID\t%d\nCUID\t%d\nCOOKIE\t%b\nDONE\n"
    ) % (MAJOR, CLIENT_MINOR, process, connection, cookie)


def master_handshake(*, process: int) -> bytes:
    """Our side of the handshake on the master socket."""
    return b"VERSION\t%d\t%d\nSPID\t%d\n" % (MAJOR, MASTER_MINOR, process)


def ok(request: bytes, user: str) -> bytes:
    """The sign-in was right; the mail server goes on with `user`."""
    return b"OK\t%b\tuser=%b\n" % (request, escape(user.encode()))


class Elsewhere(NamedTuple):
    """Where a login process goes on to as a proxy. Its text form never holds the password."""

    host: str
    port: int
    user: str
    password: str
    """Empty: XCLIENT alone says who it is, to a Postfix that believes us."""

    def __repr__(self) -> str:
        return f"Elsewhere(host={self.host!r}, port={self.port})"


def ok_elsewhere(request: bytes, user: str, there: Elsewhere) -> bytes:
    """The sign-in was right, and the mailbox is on another server: Dovecot proxies to it."""
    words = [b"OK", request, b"user=" + escape(user.encode()), b"proxy", b"nologin"]
    words += [b"host=" + there.host.encode(), b"port=%d" % there.port]
    words.append(b"destuser=" + escape(there.user.encode()))
    if not there.password:
        words.append(b"proxy_noauth")
    # A login process asks for one even where it signs in nowhere.
    words.append(b"pass=" + escape((there.password or "-").encode()))
    return b"\t".join(words) + b"\n"


def fail(request: bytes, *, user: str = "", code: bytes = b"", reason: bytes = b"") -> bytes:
    """No. `code` and `reason` (already on one line) are told where they are given."""
    line = b"FAIL\t" + request
    if user:
        line += b"\tuser=" + escape(user.encode("utf-8", "replace"))
    if code:
        line += b"\tcode=" + code
    if reason:
        line += b"\treason=" + escape(reason)
    return line + b"\n"


def challenge(request: bytes, message: bytes) -> bytes:
    """The mechanism's next challenge, in base64."""
    return b"CONT\t%b\t%b\n" % (request, message)


def user(
    request: bytes, *, name: str, uid: int, gid: int, home: str, relay_user: str = ""
) -> bytes:
    """Where a mailbox lies. Ids are numbers: Dovecot does not look names up here.

    `relay_user` is whom this session's submission signs in as at its relay, in place of
    the configured one.
    """
    relay = b"\tsubmission_relay_user=%b" % escape(relay_user.encode()) if relay_user else b""
    return b"USER\t%b\t%b\tuid=%d\tgid=%d\thome=%b%b\n" % (
        request,
        escape(name.encode()),
        uid,
        gid,
        escape(home.encode()),
        relay,
    )


def user_as_told(request: bytes, *, name: str, fields: tuple[bytes, ...]) -> bytes:
    """A mailbox in the words of another Dovecot: parameters of one line of its own."""
    return b"\t".join((b"USER", request, escape(name.encode()), *fields)) + b"\n"


def not_found(request: bytes) -> bytes:
    """There is no such user."""
    return b"NOTFOUND\t%b\n" % request


def listed(request: bytes, name: str) -> bytes:
    """One of the users asked for by LIST."""
    return b"LIST\t%b\t%b\n" % (request, escape(name.encode()))


def list_done(request: bytes, *, failed: bool = False) -> bytes:
    """The end of a LIST."""
    return b"DONE\t%b\t%b\n" % (request, b"fail" if failed else b"")


def flushed(request: bytes, count: int) -> bytes:
    """How many entries of a cache were forgotten."""
    return b"OK\t%b\t%d\n" % (request, count)
