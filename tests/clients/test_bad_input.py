"""What no program would send: refused or cut off, and the service lives on."""

from __future__ import annotations

import base64
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from child import Child
from clients.desk import Desk
from clients.test_outage import health
from clients.ways import LIBRARIES, everywhere, let_in

MEGABYTE = b"x" * (1 << 20)


def plain(*parts: bytes) -> bytes:
    return base64.b64encode(b"\0".join(parts))


MESSAGES = {
    "broken base64": b"AGFu=bmE!!",
    "base64 cut off": plain(b"", b"anna", b"secret")[:-3],
    "no NUL": plain(b"anna"),
    "NUL upon NUL": base64.b64encode(b"\0" * 400),
    "a NUL in the secret": plain(b"", b"anna@example.test", b"se", b"cret"),
    "invalid UTF-8": plain(b"", b"ann\xff\xfe@example.test", b"\x80\x81"),
    "surrogates": plain(b"", b"\xed\xa0\x80@example.test", b"\xed\xbf\xbf"),
    "line breaks": plain(b"", b"anna\r\nb NOOP@example.test", b"\r\n"),
    "tabs": plain(b"", b"anna\tnologin@example.test", b"\x01t\t"),
    "long": plain(b"", b"a" * 3000, b"b" * 3000),
}
COMMANDS = {
    "imaps": b"a AUTHENTICATE PLAIN %s\r\n",
    "pop3s": b"AUTH PLAIN %s\r\n",
    "submissions": b"EHLO x\r\nAUTH PLAIN %s\r\n",
}
RAW = {
    "a megabyte without an end": MEGABYTE,
    "a megabyte with one": MEGABYTE + b"\r\n",
    "NULs": b"\0" * 4096 + b"\r\n",
    "every byte": bytes(range(256)) * 16 + b"\r\n",
    "a literal of a gigabyte": b"a LOGIN {1073741824}\r\n",
    "a huge login": b'a LOGIN "' + MEGABYTE + b'" x\r\nUSER ' + MEGABYTE + b"\r\n",
    "half a handshake": b"a AUTHENTICATE PLAIN\r\n",
    "an unknown mechanism": b"a AUTHENTICATE CRAM-MD5\r\nAUTH CRAM-MD5\r\nAUTH \r\n",
}


def answers(child: Child, service: str, sent: bytes) -> bytes:
    """Everything that comes back within some seconds."""
    address = ("localhost", child.ports[service])
    with (
        socket.create_connection(address, 10) as raw,
        child.tls.wrap_socket(raw, server_hostname="localhost") as secured,
    ):
        try:
            secured.sendall(sent)
            return _until_silent(secured)
        except OSError:  # cut off in the middle of it
            return b""


def _until_silent(connection: socket.socket) -> bytes:
    connection.settimeout(3)
    got = b""
    deadline = time.monotonic() + 6
    try:
        while time.monotonic() < deadline and (more := connection.recv(65536)):
            got += more
    except TimeoutError:
        pass
    return got


def test_broken_messages_are_refused_in_every_protocol(child: Child) -> None:
    asked = [(service, name) for service in COMMANDS for name in MESSAGES]
    with ThreadPoolExecutor(len(asked)) as pool:
        got = list(
            pool.map(lambda one: answers(child, one[0], COMMANDS[one[0]] % MESSAGES[one[1]]), asked)
        )
    for (service, name), said in zip(asked, got, strict=True):
        lines = said.splitlines()
        refusals = (b"a NO", b"a BAD", b"-ERR", b"5", b"* BYE")
        assert any(line.startswith(refusals) for line in lines), (service, name, said)
        assert not any(line.startswith((b"a OK", b"235")) for line in lines), (service, name)
        assert b"b NOOP" not in said


def test_no_bytes_end_the_mail_services(child: Child, desk: Desk) -> None:
    anna = desk.person()
    anna.turn_on()
    key = anna.app_password()
    asked = [(service, sent) for service in COMMANDS for sent in RAW.values()]
    with ThreadPoolExecutor(len(asked)) as pool:
        for said in pool.map(lambda one: answers(child, *one), asked):
            assert not any(line.startswith((b"a OK", b"235")) for line in said.splitlines())
    lives(child, anna.address, key.secret)


def lives(child: Child, login: str, secret: str) -> None:
    assert let_in(everywhere(child, login, secret, LIBRARIES)) == {way.name for way in LIBRARIES}
    assert health(child) == 200
    assert not [line for line in child.output if "Traceback" in line]


HELLO = b"VERSION\t1\t2\nCPID\t4242\n"
AUTH = b"AUTH\t%d\tPLAIN\tservice=imap\tresp=%s\n"
TO_CLIENT_SOCKET = {
    "a megabyte": MEGABYTE,
    "a megabyte of one request": HELLO + b"AUTH\t1\tPLAIN\tservice=imap\tresp=" + MEGABYTE + b"\n",
    "NULs": HELLO + b"\0" * 4096 + b"\n",
    "every byte": HELLO + bytes(range(256)) * 16 + b"\n",
    "half a handshake": b"VERSION\t1",
    "another version": b"VERSION\t9\t9\n",
    "ids that are none": HELLO + b"AUTH\t-1\tPLAIN\nAUTH\tx\tPLAIN\nAUTH\n",
    "the same id twice": HELLO + b"AUTH\t1\tLOGIN\tservice=imap\n" * 2,
    "an answer to nothing": HELLO + b"CONT\t7\tAAAA\nCANCEL\t9\n",
}
TO_MASTER_SOCKET = {
    "a megabyte": MEGABYTE,
    "a guess at a cookie": b"VERSION\t1\t1\nREQUEST\t1\t4242\t1\t%s\tsession_pid=1\n" % (b"0" * 32),
    "a client's hello": HELLO,
    "nobody": b"VERSION\t1\t1\nUSER\t1\t\xff\xfe\tservice=imap\nPASS\t2\tanna\tservice=imap\n",
    "every byte": b"VERSION\t1\t1\n" + bytes(range(256)) * 16 + b"\n",
}


def on_socket(path: Path, sent: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        try:
            connection.sendall(sent)
            return _until_silent(connection)
        except ConnectionError:
            return b""


@pytest.fixture
def sockets(child: Child) -> tuple[Path, Path]:
    run = child.data / "run"
    return run / "auth-client.sock", run / "auth-master.sock"


def test_broken_messages_on_the_door_are_refused_one_by_one(
    desk: Desk, sockets: tuple[Path, Path]
) -> None:
    anna = desk.person()
    anna.turn_on()
    key = anna.app_password()
    good = plain(b"", anna.address.encode(), key.secret.encode())
    requests = [*MESSAGES.values(), good]
    lines = [AUTH % (number, sent) for number, sent in enumerate(requests, start=1)]
    said = on_socket(sockets[0], HELLO + b"".join(lines))
    replies = {
        int(line.split(b"\t")[1]): line.split(b"\t")[0]
        for line in said.splitlines()
        if line.startswith((b"OK", b"FAIL"))
    }
    last = len(requests)
    assert replies == dict.fromkeys(range(1, last), b"FAIL") | {last: b"OK"}


def test_no_bytes_end_the_door(child: Child, desk: Desk, sockets: tuple[Path, Path]) -> None:
    anna = desk.person()
    anna.turn_on()
    key = anna.app_password()
    asked = [(sockets[0], sent) for sent in TO_CLIENT_SOCKET.values()]
    asked += [(sockets[1], sent) for sent in TO_MASTER_SOCKET.values()]
    with ThreadPoolExecutor(len(asked)) as pool:
        for said in pool.map(lambda one: on_socket(*one), asked):
            assert not any(line.startswith((b"OK\t", b"USER\t")) for line in said.splitlines())
    lives(child, anna.address, key.secret)
