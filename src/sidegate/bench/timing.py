"""Whether answers tell by their time which addresses exist: the sign-in page, reset, the door.

Run as a program of its own: `python -m sidegate.bench.timing [--quick] [--output FILE]`.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import math
import re
import secrets
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from sidegate.bench.pairs import apart, asked, row
from sidegate.bench.processes import cores, pinned
from sidegate.bench.running import Row
from sidegate.bench.servers import CannotStart, run_child, started

PAIRS, QUICK_PAIRS = 2_000, 20
MAIL_PAIRS_A_SECOND = 4
"""Refusals of the door leave after two seconds: many are under way at once."""

_MANY = 50
"""Addresses of each kind, each asked about with one wrong password: fewer than would throttle."""
_WRONG = "a wrong password of the bench"
_SIGN_IN = "/signin"
_FORGOT = "/signin/forgot"
_SECONDS = 30.0
_CONFIGURATION = """\
[server]
url = "http://localhost:{port}"

[mailserver]
private = false

[listen]
portal = "127.0.0.1:{port}"
dovecot_client = ["unix:run/auth-client.sock"]
dovecot_master = ""
http = ""

[notices]
smtp = "127.0.0.1:9"  # nobody is there: what is to be sent waits
from_address = "no-reply@example.test"
"""

KNOWN = [f"known{number}@example.test" for number in range(_MANY)]
GUARDED = [f"guarded{number}@example.test" for number in range(_MANY)]
"""Known, with 2-step on."""
UNKNOWN = [f"unknown{number}@example.test" for number in range(_MANY)]


class NotRefused(Exception):  # noqa: N818 - what happened, by its name
    """An answer was not the one that is compared: its time would say nothing."""


class Portal:
    """One browser at the sign-in page and at "forgot": it is never signed in."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("localhost", port, timeout=_SECONDS)
        self._cookies: SimpleCookie = SimpleCookie()
        page = self._sent("GET", _SIGN_IN)[1]
        found = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page)
        if found is None:
            raise NotRefused("the sign-in page has no form")
        self._token = found[1]

    def sign_in(self, address: str) -> float:
        """Seconds until a wrong password was refused."""
        return self._posted(_SIGN_IN, expected=200, email=address, password=_WRONG)

    def forgot(self, address: str) -> float:
        """Seconds until a link was promised."""
        return self._posted(_FORGOT, expected=302, email=address)

    def close(self) -> None:
        """Leave."""
        self._connection.close()

    def _posted(self, path: str, *, expected: int, **fields: str) -> float:
        body = urlencode({**fields, "csrfmiddlewaretoken": self._token})
        began = time.perf_counter()
        status, _page = self._sent("POST", path, body)
        took = time.perf_counter() - began
        if status != expected:
            raise NotRefused(f"{path} answered {status}")
        return took

    def _sent(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        if self._cookies:
            headers["Cookie"] = self._cookies.output(attrs=[], header="", sep=";").strip()
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        page = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self._cookies.load(cookie)
        return answer.status, page


class Door:
    """A mail server that asks, with many questions under way."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_SECONDS)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("rb")
        self._socket.sendall(b"VERSION\t1\t2\nCPID\t1\n")
        while self._lines.readline() != b"DONE\n":
            pass

    def refused(self, addresses: list[str], *, every: float) -> list[float]:
        """The seconds that each refusal took; one question goes out in `every` seconds."""
        asked_at: dict[int, float] = {}
        took: dict[int, float] = {}
        begin = time.perf_counter()
        for number, address in enumerate(addresses, 1):
            self._take(asked_at, took, until=begin + number * every)
            asked_at[number] = time.perf_counter()
            self._socket.sendall(_question(number, address))
        self._take(asked_at, took, until=time.perf_counter() + _SECONDS)
        if len(took) < len(addresses):
            raise NotRefused("the door left questions open")
        return [took[number] for number in range(1, len(addresses) + 1)]

    def close(self) -> None:
        """Leave."""
        self._lines.close()
        self._socket.close()

    def _take(self, asked_at: dict[int, float], took: dict[int, float], *, until: float) -> None:
        """Take answers until then, or until nothing is open that would have to come."""
        while (left := until - time.perf_counter()) > 0:
            if asked_at.keys() == took.keys() and left > 1:
                return
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(65_536)
            except TimeoutError:
                return
            now = time.perf_counter()
            for line in data.split(b"\n"):
                verdict, _, rest = line.partition(b"\t")
                if verdict == b"OK":
                    raise NotRefused("the door let a wrong password in")
                if verdict == b"FAIL":
                    number = int(rest.partition(b"\t")[0])
                    # A machine with much to do cannot tell now: that compares with nothing.
                    took[number] = math.nan if b"temp" in rest else now - asked_at[number]


def _question(number: int, address: str) -> bytes:
    plain = base64.b64encode(f"\0{address}\0{_WRONG}".encode())
    return (
        b"AUTH\t%d\tPLAIN\tservice=imap\tsecured=tls\tsession=s%d\tlip=192.0.2.1\trip=192.0.2.7"
        b"\tlport=993\trport=%d\tresp=%b\n"
    ) % (number, number, 1024 + number, plain)


def main(arguments: list[str]) -> int:
    """Measure, tell, write; 1 where something could not be measured."""
    parser = argparse.ArgumentParser(prog="sidegate.bench.timing", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few pairs, which mean little")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the results as JSON")
    wanted = parser.parse_args(arguments)
    try:
        rows = measured(pairs=QUICK_PAIRS if wanted.quick else PAIRS)
    except (CannotStart, NotRefused, OSError, http.client.HTTPException) as problem:
        sys.stderr.write(f"sidegate: bench: {problem}\n")
        return 1
    if wanted.output is not None:
        wanted.output.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def measured(*, pairs: int) -> list[Row]:
    """Every comparison, told as it is done."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="sidegate-bench-") as name, _serving(Path(name)) as at:
        for what, differences in _compared(*at, pairs=pairs):
            rows.append(row(what, apart(differences)))
            sys.stdout.write(f"{rows[-1]['name']}: {rows[-1]['ratio']}; {rows[-1]['note']}\n")
            sys.stdout.flush()
    return rows


def _compared(port: int, path: Path, *, pairs: int) -> Iterator[tuple[str, list[float]]]:
    kinds = (("known", KNOWN), ("with 2-step", GUARDED))
    with closing(Portal(port)) as portal:
        differences = asked(portal.forgot, KNOWN, UNKNOWN, pairs=pairs)
    yield "forgotten password, known and unknown", differences
    for word, addresses in kinds:
        # A connection each: it is closed where it rests while the last one is reckoned up.
        with closing(Portal(port)) as portal:
            differences = asked(portal.sign_in, addresses, UNKNOWN, pairs=pairs)
        yield f"sign-in page, {word} and unknown", differences
    for word, addresses in kinds:
        with closing(Door(path)) as door:
            ask = _at_the_door(door, addresses, pairs)
        differences = asked(ask, addresses, UNKNOWN, pairs=pairs)
        yield f"mail door, {word} and unknown", differences


def _at_the_door(door: Door, addresses: list[str], pairs: int) -> Callable[[str], float]:
    """The same, all asked beforehand: in the order in which `asked` will want them."""
    order: list[str] = []

    def note(address: str) -> float:
        order.append(address)
        return 0.0

    asked(note, addresses, UNKNOWN, pairs=pairs)
    took = iter(door.refused(order, every=1 / (2 * MAIL_PAIRS_A_SECOND)))
    return lambda _address: next(took)


@contextmanager
def _serving(folder: Path) -> Iterator[tuple[int, Path]]:
    """Sidegate as it is, but for its mail server: the portal's port, and the door's socket."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "sidegate.toml").write_text(_CONFIGURATION.format(port=port))
    sidegate, where = [sys.executable, "-m", "sidegate"], ["--data", str(folder)]
    run_child([*sidegate, "migrate", *where])
    add = [*sidegate, "account", "add", KNOWN[0], "--password-stdin", *where]
    run_child(add, said=secrets.token_urlsafe(16))
    _fill(folder / "sidegate.sqlite3")
    path, (server_core, _asking) = folder / "run" / "auth-client.sock", cores()
    with pinned(server_core), started([*sidegate, "serve", *where], path, folder):
        _until_open(port)
        yield port, path


def _fill(database: Path) -> None:
    """The other accounts: as the first one is, for half of them with 2-step on."""
    with closing(sqlite3.connect(database)) as connection, connection:
        names = [fact[1] for fact in connection.execute("PRAGMA table_info(account)")]
        first = dict(
            zip(names, connection.execute("SELECT * FROM account").fetchone(), strict=True)
        )
        for number, address in enumerate([*KNOWN[1:], *GUARDED], 2):
            since = first["created_at"] if address in GUARDED else None
            more = {"id": number, "address": address, "two_step_since": since}
            values = {**first, **more}
            connection.execute(
                f"INSERT INTO account ({', '.join(values)})"  # noqa: S608 - the table's own names
                f" VALUES ({', '.join('?' * len(values))})",
                [*values.values()],
            )
        connection.execute("UPDATE account SET recovery_address = 'elsewhere@example.org'")


def _until_open(port: int) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise CannotStart("the portal did not open")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
