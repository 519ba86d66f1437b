"""Whether answers tell by their time which addresses exist: pages, mail door, settings.

Run as a program of its own:
`python -m sidegate.bench.timing [--quick] [--only PART] [--output FILE]`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import secrets
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from sidegate.bench.askers import SECONDS, Door, NotRefused, Portal
from sidegate.bench.pairs import Ask, apart, asked, row
from sidegate.bench.processes import cores, end, pinned
from sidegate.bench.running import Row
from sidegate.bench.servers import CannotStart, run_child, started

PAIRS, QUICK_PAIRS = 2_000, 20
MOST_A_SECOND = 8
"""Questions to the door. Refusals leave after two seconds: many are under way at once."""

_SHARE = 2
"""How many times as long as one password takes to judge the next one is waited for."""
_MANY = 50
"""Addresses of each kind, each asked about with one wrong password: fewer than would throttle."""
_FORGETFUL = 1_000
"""More addresses, each asked for five links at most: the sixth in an hour would not be sent."""
_TRIES = 9
_FEWER = 4
"""So many times fewer pairs where each answer takes more than a second."""
_LOOK_AGAIN = 0.1
_CONFIGURATION = """\
[server]
url = "http://localhost:{portal}"

[mailserver]
private = false

[listen]
portal = "127.0.0.1:{portal}"
dovecot_client = ["unix:run/auth-client.sock"]
dovecot_master = ""
http = ""

[notices]
smtp = "127.0.0.1:{smtp}"
from_address = "no-reply@example.test"
"""

KNOWN = [f"known{number}@example.test" for number in range(_MANY)]
GUARDED = [f"guarded{number}@example.test" for number in range(_MANY)]
"""Known, with 2-step on."""
UNKNOWN = [f"unknown{number}@example.test" for number in range(_MANY)]
_KINDS = (("known", KNOWN), ("with 2-step", GUARDED))
FORGETFUL = [f"forgetful{number}@example.test" for number in range(_FORGETFUL)]
"""Known, and asked for a link alone."""
NOWHERE = [f"nowhere{number}@example.test" for number in range(_FORGETFUL)]
"""Unknown, and as many."""


class Served(NamedTuple):
    """A Sidegate that is running: where it is asked, and its database."""

    port: int
    door: Path
    database: Path


def main(arguments: list[str]) -> int:
    """Measure, tell, write; 1 where something could not be measured."""
    parser = argparse.ArgumentParser(prog="sidegate.bench.timing", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few pairs, which mean little")
    parser.add_argument("--only", action="append", choices=_PARTS, help="this part (repeatable)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the results as JSON")
    wanted = parser.parse_args(arguments)
    try:
        rows = measured(
            parts=wanted.only or [*_PARTS], pairs=QUICK_PAIRS if wanted.quick else PAIRS
        )
    except (CannotStart, NotRefused, OSError, http.client.HTTPException) as problem:
        sys.stderr.write(f"sidegate: bench: {problem}\n")
        return 1
    if wanted.output is not None:
        wanted.output.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def measured(*, parts: Sequence[str], pairs: int) -> list[Row]:
    """Every comparison of these parts, told as it is done."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="sidegate-bench-") as name, _serving(Path(name)) as at:
        for part in parts:
            for what, differences in _PARTS[part](at, pairs):
                rows.append(row(what, apart(differences)))
                sys.stdout.write(f"{rows[-1]['name']}: {rows[-1]['ratio']}; {rows[-1]['note']}\n")
                sys.stdout.flush()
    return rows


_Compared = Iterator[tuple[str, list[float]]]
"""What is compared, and the differences in milliseconds."""


def _settings(at: Served, pairs: int) -> _Compared:
    with closing(Portal(at.port)) as portal:
        differences = asked(portal.settings, KNOWN, UNKNOWN, pairs=pairs)
    yield "settings for mail programs, known and unknown", differences


def _sign_in(at: Served, pairs: int) -> _Compared:
    for word, addresses in _KINDS:
        # A connection each: it is closed where it rests while the last one is reckoned up.
        with closing(Portal(at.port)) as portal:
            differences = asked(portal.sign_in, addresses, UNKNOWN, pairs=pairs)
        yield f"sign-in page, {word} and unknown", differences


def _mail_door(at: Served, pairs: int) -> _Compared:
    for word, addresses in _KINDS:
        every = _bearable(at.port)
        with closing(Door(at.door)) as door:
            ask = _at_the_door(door, addresses, pairs, every=every)
        differences = asked(ask, addresses, UNKNOWN, pairs=pairs)
        yield f"mail door, {word} and unknown", differences


def _forgotten(at: Served, pairs: int) -> _Compared:
    """Asked for a link: that answer, and what is answered while the job may be at work."""
    ways: dict[str, tuple[Callable[[Portal], Ask], int]] = {
        "forgotten password": (lambda portal: portal.forgot, pairs),
        "the next page": (lambda portal: portal.page_after, pairs),
        "the slowest page of the next second": (
            lambda portal: portal.slowest_after,
            pairs // _FEWER,
        ),
    }
    asked_for = 0
    for what, (way, many) in ways.items():
        with closing(Portal(at.port)) as portal:
            differences = asked(way(portal), FORGETFUL, NOWHERE, pairs=many)
        asked_for += many
        _all_sent(at.database, asked_for)
        yield f"{what}, known and unknown", differences


_PARTS: dict[str, Callable[[Served, int], _Compared]] = {
    "settings": _settings,
    "forgotten": _forgotten,
    "sign-in": _sign_in,
    "door": _mail_door,
}


def _all_sent(database: Path, asked_for: int) -> None:
    """Wait for the jobs. Raises `NotRefused` where a known address was not sent its link."""
    deadline = time.monotonic() + SECONDS
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as stored:
        while stored.execute("SELECT 1 FROM job WHERE finished_at IS NULL LIMIT 1").fetchone():
            if time.monotonic() > deadline:
                raise NotRefused("a job does not end")
            time.sleep(_LOOK_AGAIN)
        counting = "SELECT count(*) FROM event WHERE kind = 'password-reset-asked'"
        sent = stored.execute(counting).fetchone()[0]
    if sent != asked_for:
        raise NotRefused(f"{asked_for} links were asked for, and {sent} sent")


def _bearable(port: int) -> float:
    """Seconds between two questions to the door that leave room in the pool of hashes."""
    with closing(Portal(port)) as portal:
        took = statistics.median(portal.sign_in(UNKNOWN[number]) for number in range(_TRIES))
    return max(1 / MOST_A_SECOND, _SHARE * took)


def _at_the_door(door: Door, addresses: list[str], pairs: int, *, every: float) -> Ask:
    """The same, all asked beforehand: in the order in which `asked` will want them."""
    order: list[str] = []

    def note(address: str) -> float:
        order.append(address)
        return 0.0

    asked(note, addresses, UNKNOWN, pairs=pairs)
    took = iter(door.refused(order, every=every))
    return lambda _address: next(took)


@contextmanager
def _serving(folder: Path) -> Iterator[Served]:
    """Sidegate as it is, but for its mail server: one that takes all mail stands in."""
    at = Served(_free_port(), folder / "run" / "auth-client.sock", folder / "sidegate.sqlite3")
    smtp = _free_port()
    (folder / "sidegate.toml").write_text(_CONFIGURATION.format(portal=at.port, smtp=smtp))
    sidegate, where = [sys.executable, "-m", "sidegate"], ["--data", str(folder)]
    run_child([*sidegate, "migrate", *where])
    add = [*sidegate, "account", "add", KNOWN[0], "--password-stdin", *where]
    run_child(add, said=secrets.token_urlsafe(16))
    _fill(at.database)
    server_core, _asking = cores()
    with (
        pinned(server_core),
        _taking_mail(smtp),
        started([*sidegate, "serve", *where], at.door, folder),
    ):
        _until_open(at.port)
        yield at


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@contextmanager
def _taking_mail(port: int) -> Iterator[None]:
    """An SMTP server that takes every message and forgets it."""
    words = ["-n", "-c", "aiosmtpd.handlers.Sink", "-l", f"127.0.0.1:{port}"]
    process = subprocess.Popen([sys.executable, "-m", "aiosmtpd", *words])  # noqa: S603 - our own words
    try:
        _until_open(port)
        yield
    finally:
        end(process)


def _fill(database: Path) -> None:
    """The other accounts: as the first one is, those that are guarded with 2-step on."""
    with closing(sqlite3.connect(database)) as connection, connection:
        names = [fact[1] for fact in connection.execute("PRAGMA table_info(account)")]
        first = dict(
            zip(names, connection.execute("SELECT * FROM account").fetchone(), strict=True)
        )
        for number, address in enumerate([*KNOWN[1:], *GUARDED, *FORGETFUL], 2):
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
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise CannotStart(f"nobody listens at port {port}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
