"""The accounts that are asked about: made up, the same for every server."""

from __future__ import annotations

import base64
import os
import random
import sqlite3
import string
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sidegate.factors import app_password
from sidegate.storage.keys import open_keys

APP_PASSWORDS_EACH = 3
SHARED_SECRET = "one secret for all, hashed once"  # noqa: S105 - made up
"""What Dovecot's hashed accounts have: 100,000 slow hashes would take hours to make."""

_SEED = 2026
_SCOPES = "imap,pop3,submission"
_PROGRAMS = (
    b'"name" "Thunderbird" "version" "128.5.0"',
    b'"name" "iPhone Mail" "version" "22B91" "os" "iOS" "os-version" "18.1"',
    b'"name" "Microsoft Outlook" "vendor" "Microsoft"',
    b"",
)


class Person(NamedTuple):
    """One account: where it signs in from, with what."""

    id: int
    address: str
    network_address: str
    program: bytes
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class People:
    """All accounts of a run, the same at each run."""

    count: int

    def __iter__(self) -> Iterator[Person]:
        rng = random.Random(_SEED)  # noqa: S311 - made-up people, the same each time
        letters = string.ascii_lowercase
        for number in range(1, self.count + 1):
            yield Person(
                id=number,
                address=f"person{number}@example.test",
                network_address=f"10.{rng.randrange(256)}.{rng.randrange(256)}.{number % 254 + 1}",
                program=rng.choice(_PROGRAMS),
                secrets=tuple(
                    "".join(rng.choices(letters, k=16)) for _ in range(APP_PASSWORDS_EACH)
                ),
            )


def fill_sidegate(database: Path, keys: Path, people: People) -> None:
    """Put the people into Sidegate's own, empty, migrated database."""
    ring = open_keys(keys, random=os.urandom)
    now = time.time_ns() // 1_000_000
    with closing(sqlite3.connect(database)) as connection, connection:
        accounts = _insert(
            connection,
            "account",
            ("id", "address", "enabled", "password_changed_at", "two_step_since", "created_at"),
        )
        connection.executemany(accounts, ((p.id, p.address, 1, now, now, now) for p in people))
        app_passwords = _insert(
            connection, "app_password", ("account_id", "digest", "key_id", "scopes", "created_at")
        )
        connection.executemany(
            app_passwords,
            (
                (p.id, _digest(ring.current, p.id, secret), ring.newest, _SCOPES, now)
                for p in people
                for secret in p.secrets
            ),
        )
        connection.execute("ANALYZE")


def _insert(connection: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> str:
    """The statement for these columns; what else may not be NULL is empty."""
    described = connection.execute(f"PRAGMA table_info({table})").fetchall()
    empty = {
        name: "''" if "char" in kind or kind == "text" else "0"
        for _, name, kind, not_null, default, key in described
        if not_null and default is None and not key and name not in columns
    }
    names, values = (*columns, *empty), (*("?" for _ in columns), *empty.values())
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(values)})"  # noqa: S608 - our own names


def _digest(key: bytes, account_id: int, secret: str) -> bytes:
    return app_password.digest(key=key, account_id=account_id, letters=secret)


def write_passwords(path: Path, people: People, *, shared: str | None, uid: int, gid: int) -> None:
    """A passwd-file of Dovecot's: each one's first secret as it is, or one hash for all."""
    with path.open("w", encoding="ascii") as file:
        for person in people:
            file.write(f"{person.address}:{shared or '{PLAIN}' + person.secrets[0]}\n")
    path.chmod(0o600)
    os.chown(path, uid, gid)


class Questions(NamedTuple):
    """What is asked: an endless line of random picks, without the request's number."""

    own: list[bytes]
    """With any of the app passwords: for the door and the floor."""
    first: list[bytes]
    """With each one's first secret: for Dovecot, which knows one for each account."""
    shared: list[bytes]
    """With the secret that all have."""


def questions(people: People, *, count: int) -> Questions:
    """Random picks, `count` of each kind, which are asked over and over."""
    rng = random.Random(_SEED)  # noqa: S311 - which account is asked for is no secret
    own, first, shared = [], [], []
    everyone = list(people)
    for _ in range(count):
        person = rng.choice(everyone)
        own.append(_question(person, rng.choice(person.secrets)))
        first.append(_question(person, person.secrets[0], b"\tnologin"))
        shared.append(_question(person, SHARED_SECRET, b"\tnologin"))
    return Questions(own, first, shared)


def _question(person: Person, secret: str, more: bytes = b"") -> bytes:
    """An AUTH line after its number, as Dovecot's login processes send it.

    `no-penalty` spares Dovecot the question to anvil, and `nologin` the minutes for
    which it would keep each answered request. Sidegate is spared nothing.
    """
    plain = base64.b64encode(f"\0{person.address}\0{secret}".encode())
    client_id = b"\tclient_id=" + person.program if person.program else b""
    return (
        b"\tPLAIN\tservice=imap\tsecured=tls\tsession=J2vLkE8n%06x\tlip=192.0.2.1\trip=%b"
        b"\tlport=993\trport=%d%b\tno-penalty%b\tresp=%b\n"
    ) % (
        person.id,
        person.network_address.encode(),
        1024 + person.id % 60000,
        client_id,
        more,
        plain,
    )
