"""The database as it is at one moment, into a file and back, while others use it."""

# ruff: noqa: SLF001 - Django documents the names with an underscore that are used here

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder

from sidegate.storage.mail_models import MailSession
from sidegate.storage.models import Challenge, WebSession

APP = "storage"
_ROWS_AT_ONCE = 500


class SnapshotProblem(Exception):  # noqa: N818 - says what is wrong with a snapshot
    """A snapshot cannot be loaded; the text says why."""


def last_migration() -> str:
    """The newest migration that the database has."""
    names = [name for app, name in MigrationRecorder(connection).applied_migrations() if app == APP]
    return max(names)


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite database that is in use, as it is at one moment."""
    target.touch(mode=0o600)
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
        # One file, with no log beside it.
        new.execute("PRAGMA journal_mode=DELETE")


def dump_rows(file: IO[bytes]) -> None:
    """Write every row, as of one moment, as lines of JSON that any database can take."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
        for model in _models():
            fields = model._meta.concrete_fields
            columns = [field.column for field in fields]
            _write_line(file, {"table": model._meta.db_table, "columns": columns})
            rows = model._default_manager.values_list(*(field.attname for field in fields))
            for row in rows.iterator(_ROWS_AT_ONCE):
                _write_line(file, [_plain(value) for value in row])


def load_rows(file: Iterable[bytes], *, migration: str) -> None:
    """Make the tables as they were at `migration`, and fill them; all rows or none."""
    call_command("migrate", APP, migration, verbosity=0, interactive=False)
    known = {model._meta.db_table: model for model in _models()}
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL statement_timeout = 0")
        for table, columns, rows in _tables(file):
            if table not in known:
                raise SnapshotProblem(f"the backup has a table {table!r} that is not known here")
            _insert(cursor, table, columns, rows)
        for statement in connection.ops.sequence_reset_sql(no_style(), list(known.values())):
            cursor.execute(statement)


def forget_what_was_open() -> None:
    """Remove what belonged to the moment: browsers, codes waited for, mail sessions."""
    for model in (WebSession, Challenge, MailSession):
        model.objects.all().delete()


def _models() -> list[type[models.Model]]:
    """Every model, those that others point to first."""
    return list(apps.get_app_config(APP).get_models())


def _plain(value: object) -> object:
    return {"hex": bytes(value).hex()} if isinstance(value, bytes | memoryview) else value


def _write_line(file: IO[bytes], value: object) -> None:
    file.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")


def _tables(lines: Iterable[bytes]) -> Iterator[tuple[str, list[str], Iterator[list[Any]]]]:
    """Each table with its rows, to be read before the next is asked for."""
    reader = _Lines(lines)
    while isinstance(head := reader.peek(), dict):
        reader.take()
        yield head["table"], head["columns"], reader.rows()


class _Lines:
    """Lines of JSON with one line of looking ahead."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._next: Any = None

    def peek(self) -> Any:  # noqa: ANN401 - JSON
        if self._next is None:
            line = next(self._lines, None)
            self._next = json.loads(line) if line is not None else None
        return self._next

    def take(self) -> Any:  # noqa: ANN401 - JSON
        value, self._next = self.peek(), None
        return value

    def rows(self) -> Iterator[list[Any]]:
        while isinstance(self.peek(), list):
            yield [
                bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
                for value in self.take()
            ]


def _insert(
    cursor: Any,  # noqa: ANN401 - Django's cursor wrapper
    table: str,
    columns: list[str],
    rows: Iterator[list[Any]],
) -> None:
    quoted = ", ".join(connection.ops.quote_name(column) for column in columns)
    places = ", ".join(["%s"] * len(columns))
    statement = f"INSERT INTO {table} ({quoted}) VALUES ({places})"  # noqa: S608 - names of models
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        cursor.executemany(statement, batch)
