"""The migrations hold every table, and are applied once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from installation import Installation, close_database, install
from sidegate.accounts.own_data import ACCOUNT, NOT_TOLD, PARTS, Part
from sidegate.storage import schema
from sidegate.storage.database import database_settings
from sidegate.storage.models import Account, WebSession


def test_no_migration_is_missing(installation: Installation) -> None:
    del installation
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_an_empty_database_gets_them_once(installation_on_each: Installation) -> None:
    del installation_on_each
    assert schema.pending() == []
    call_command("migrate", "storage", "zero", verbosity=0, interactive=False)
    everything = schema.pending()
    assert everything == _as_django_plans()
    done: list[list[str]] = []

    def one() -> None:
        done.append(schema.migrate())
        connection.close()

    # Replicas that start at the same time; on SQLite there is one.
    threads = [threading.Thread(target=one) for _ in range(_replicas())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert schema.pending() == []
    assert sorted(done) == [[]] * (_replicas() - 1) + [everything]


@pytest.fixture
def on_postgresql(tmp_path: Path, postgres_url: str) -> Iterator[None]:
    """An empty installation on PostgreSQL."""
    install(tmp_path / "data", url=postgres_url)
    yield
    close_database()


@pytest.mark.usefixtures("on_postgresql")
def test_a_migration_may_take_longer_than_a_page() -> None:
    """SQLite has no limit."""

    def limit() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return str(cursor.fetchone()[0])

    usual = limit()
    with schema._alone():
        assert limit() == "0" != usual
    assert limit() == usual


def _as_django_plans() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _replicas() -> int:
    return 3 if connection.vendor == "postgresql" else 1


def test_sqlite_writes_ahead(installation: Installation) -> None:
    del installation
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        assert cursor.fetchone() == ("wal",)


def test_a_url_is_read_whole(installation: Installation) -> None:
    url = "postgresql://us%40er:p%2Fw@db.example.test:5433/mail%20db?sslmode=require"
    settings = database_settings(url=url, data=installation.context.config.data)
    assert settings["NAME"] == "mail db"
    assert (settings["USER"], settings["PASSWORD"]) == ("us@er", "p/w")
    assert (settings["HOST"], settings["PORT"]) == ("db.example.test", "5433")
    assert settings["OPTIONS"]["sslmode"] == "require"
    socket = database_settings(
        url="postgresql:///db?host=/run/pg", data=installation.context.config.data
    )
    assert (socket["HOST"], socket["NAME"]) == ("/run/pg", "db")


def test_sessions_that_were_there_get_a_handle_each(installation_on_each: Installation) -> None:
    del installation_on_each
    call_command("migrate", "storage", "0010_code_limits", verbosity=0)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO web_session (key_digest, data, created_at, seen_at, expires_at,"
            " program, address) VALUES (%s, '', 0, 0, 0, '', '')",
            [("a",), ("b",)],
        )
    call_command("migrate", "storage", verbosity=0)
    handles = WebSession.objects.values_list("handle", flat=True)
    assert len({*handles}) == len([handle for handle in handles if handle]) == 2


def test_every_table_of_an_account_is_told_to_its_owner_or_says_why_not() -> None:
    hers = {
        model
        for model in apps.get_app_config("storage").get_models()
        if any(column.related_model is Account for column in model._meta.concrete_fields)
    }
    told = [part.model for part in PARTS]
    assert len(told) == len({*told})
    assert hers == {*told, *NOT_TOLD}
    assert not {*told} & {*NOT_TOLD}


@pytest.mark.parametrize("part", [ACCOUNT, *PARTS], ids=lambda part: part.name)
def test_every_column_of_them_is_told_or_kept_back_on_purpose(part: Part) -> None:
    columns = [column for column in part.model._meta.concrete_fields if column.name != "account"]
    assert sorted([*part.told, *part.secret, *part.ours]) == sorted(one.name for one in columns)
    for column in columns:
        assert column.name not in part.told or column.get_internal_type() != "BinaryField"
        words = {*column.name.split("_")}
        assert column.name not in part.told or not words & {"secret", "digest", "hash", "key"}
