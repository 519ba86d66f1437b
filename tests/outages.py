"""Makes the database of an installation go away, for real, and come back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from django.db import connection

_TABLES = ("account", "event")


@contextmanager
def database_away() -> Iterator[None]:
    """On PostgreSQL no connection lives through it or can be made; on SQLite tables are gone.

    The caller's own thread has closed its connection before.
    """
    if connection.vendor == "postgresql":
        with _postgresql_away():
            yield
        return
    with _sqlite_away():
        yield


@contextmanager
def _sqlite_away() -> Iterator[None]:
    # Open connections would live on with a file that was only renamed.
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as ours:
        for table in _TABLES:
            ours.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        ours.commit()
        try:
            yield
        finally:
            for table in _TABLES:
                ours.execute(f"ALTER TABLE {table}_away RENAME TO {table}")
            ours.commit()


@contextmanager
def _postgresql_away() -> Iterator[None]:
    folder = Path(connection.settings_dict["HOST"])
    ours = psycopg.connect(host=str(folder), user="sidegate", dbname="postgres", autocommit=True)
    socket = folder / ".s.PGSQL.5432"
    kept = socket.rename(folder / "away")
    try:
        ours.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'sidegate' AND pid <> pg_backend_pid()"
        )
        yield
    finally:
        kept.rename(socket)
        ours.close()
