"""The database away: "cannot tell now" in every protocol, and never "wrong password"."""

from __future__ import annotations

import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import pytest

from child import Child, running
from clients.conftest import open_folder
from clients.desk import AppPassword, Desk, Person, desk_for
from clients.ways import LIBRARIES, all_of, everywhere, let_in
from peers import require
from postgres import Postgres, private_postgres

EVERYTHING = {way.name for way in LIBRARIES}
ONE_EACH = [way for way in LIBRARIES if way.name in ("imaplib LOGIN TLS", "poplib TLS")]
ONE_EACH += [way for way in LIBRARIES if way.name == "smtplib PLAIN TLS"]
STARTS = {"imap": "[UNAVAILABLE]", "pop3": "-ERR [SYS/TEMP]", "submission": "454 4.7.0"}
AGAIN = 15.0


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with private_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def on_postgres(postgres: Postgres) -> Iterator[Child]:
    require("dovecot")
    more = f'[database]\nurl = "{postgres.url}"\n'
    with open_folder() as folder, running(folder, more=more) as started:
        yield started


@pytest.fixture(scope="module")
def anna(on_postgres: Child) -> Iterator[Person]:
    with desk_for(on_postgres.data) as desk:
        person = desk.person()
        person.turn_on()
        yield person


@pytest.fixture(scope="module")
def key(anna: Person) -> AppPassword:
    return anna.app_password()


def health(child: Child) -> int:
    try:
        with urllib.request.urlopen(f"{child.url}/healthz", timeout=20) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def until_healthy(child: Child) -> None:
    deadline = time.monotonic() + AGAIN
    while health(child) != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_stopped_postgresql_is_no_wrong_password(
    on_postgres: Child, postgres: Postgres, anna: Person, key: AppPassword
) -> None:
    child = on_postgres
    asked = {
        "a right app password": (anna.address, key.secret),
        "the account password": (anna.address, anna.password),
        "an unknown address": ("nobody@example.test", "a wrong password"),
    }
    assert let_in(everywhere(child, anna.address, key.secret, LIBRARIES)) == EVERYTHING
    assert health(child) == 200
    postgres.stop()
    try:
        for why, outcomes in all_of(child, asked, ONE_EACH).items():
            assert let_in(outcomes) == set(), why
            for way in ONE_EACH:
                assert outcomes[way.name].said.startswith(STARTS[way.protocol]), (why, way.name)
        assert health(child) == 503
    finally:
        postgres.start()
    until_healthy(child)
    assert let_in(everywhere(child, anna.address, key.secret, LIBRARIES)) == EVERYTHING
    assert let_in(everywhere(child, anna.address, anna.password, LIBRARIES)) == set()


@pytest.mark.long
def test_a_frozen_postgresql_is_no_wrong_password(
    on_postgres: Child, postgres: Postgres, anna: Person, key: AppPassword
) -> None:
    child = on_postgres
    with postgres.frozen():
        began = time.monotonic()
        outcomes = everywhere(child, anna.address, key.secret, ONE_EACH)
        assert time.monotonic() - began < 20
        assert let_in(outcomes) == set()
        for way in ONE_EACH:
            assert outcomes[way.name].said.startswith(STARTS[way.protocol]), way.name
    until_healthy(child)
    assert let_in(everywhere(child, anna.address, key.secret, LIBRARIES)) == EVERYTHING


@pytest.mark.long
def test_a_locked_sqlite_is_no_wrong_password(child: Child, desk: Desk) -> None:
    anna = desk.person()
    anna.turn_on()
    key = anna.app_password()
    asked = {
        "a right app password": (anna.address, key.secret),
        "the account password": (anna.address, anna.password),
    }
    with closing(sqlite3.connect(child.data / "sidegate.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        # Read, but nothing can be written: a failure could not be counted.
        outcomes = all_of(child, asked, ONE_EACH)
        other.execute("ROLLBACK")
    # A right one is let in by the door and turned away behind it, where Dovecot says little.
    for why, each in outcomes.items():
        assert let_in(each) == set(), why
        for way in ONE_EACH:
            assert "Sign-in refused" not in each[way.name].said, (why, way.name)
    for way in ONE_EACH:
        said = outcomes["the account password"][way.name].said
        assert said.startswith(STARTS[way.protocol]), way.name
    until_healthy(child)
    assert let_in(everywhere(child, anna.address, key.secret, LIBRARIES)) == EVERYTHING
    assert let_in(everywhere(child, anna.address, anna.password, LIBRARIES)) == set()
