"""The floor: what a decision costs at least in Python, and nothing of what Sidegate adds.

An HMAC over login and secret, and one indexed read for all that one chunk brought, on
the loop's own thread: no policy, no event, no last use, no second step, no thread, no
check of what was sent. Run as a program of its own:
`python -m sidegate.bench.floor SOCKET DATABASE`.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import signal
import sqlite3
import sys
from binascii import a2b_base64
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import cast

import uvloop

from sidegate.bench.accounts import People

_KEY = b"the floor's key, which opens nothing."
_MMAP_BYTES = 1 << 30
_MOST = 256
_SIZES = tuple(1 << power for power in range(_MOST.bit_length()))
_QUERIES = {
    size: f"SELECT digest, address FROM known WHERE digest IN ({','.join('?' * size)})"  # noqa: S608 - question marks
    for size in _SIZES
}
_GREETING = (
    b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\n"
    b"COOKIE\t00112233445566778899aabbccddeeff\nDONE\n"
)


def fill(database: Path, people: People) -> None:
    """Make the one table, whose key is the digest."""
    rows: Iterable[tuple[bytes, str]] = sorted(
        (_digest(person.address.encode(), secret.encode()), person.address)
        for person in people
        for secret in person.secrets
    )
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(
            "CREATE TABLE known (digest BLOB PRIMARY KEY, address TEXT) WITHOUT ROWID"
        )
        connection.executemany("INSERT INTO known VALUES (?, ?)", rows)


def _digest(login: bytes, secret: bytes) -> bytes:
    return hmac.digest(_KEY, b"%b\0%b" % (login, secret), "sha256")


class Floor(asyncio.Protocol):
    """One connection."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._execute = database.cursor().execute
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(_GREETING)

    def data_received(self, data: bytes) -> None:
        """Answer all of the chunk with one read."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        while lines:
            self._answer(lines[:_MOST])
            del lines[:_MOST]

    def _answer(self, lines: list[bytes]) -> None:
        asked: list[tuple[bytes, bytes]] = []
        for line in lines:
            if line.startswith(b"AUTH\t"):
                _, number, _ = line.split(b"\t", 2)
                message = a2b_base64(line[line.rindex(b"\tresp=") + 6 :])
                _, login, secret = message.split(b"\0")
                asked.append((number, _digest(login, secret)))
        if not asked or self._transport is None:
            return
        digests = [digest for _, digest in asked]
        size = 1 << (len(digests) - 1).bit_length()
        digests += digests[-1:] * (size - len(digests))
        known = dict(self._execute(_QUERIES[size], digests).fetchall())
        self._transport.write(
            b"".join(
                b"OK\t%b\tuser=%b\n" % (number, known[digest].encode())
                if digest in known
                else b"FAIL\t%b\n" % number
                for number, digest in asked
            )
        )


async def serve(path: str, database: sqlite3.Connection) -> None:
    """Serve until told to stop."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    server = await loop.create_unix_server(lambda: Floor(database), path)
    await told.wait()
    server.close()
    os.unlink(path)  # noqa: PTH108 - a path as the program was given it


def main(path: str, file: str) -> None:
    """Open the table and serve it."""
    database = sqlite3.connect(file, cached_statements=256)
    database.execute(f"PRAGMA mmap_size={_MMAP_BYTES}")
    uvloop.run(serve(path, database))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
