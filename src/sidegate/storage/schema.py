"""The database's shape: which migrations it lacks, and applying them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from sidegate.storage import targets

_LOCK = 0x51DE6A7E
"""PostgreSQL's advisory lock that keeps two replicas from migrating at once."""
_APP = "storage"


def pending() -> list[str]:
    """The names of the migrations that were not applied yet, in their order."""
    # Not by Django's plan: it loads every migration, and each command asks this.
    applied = MigrationRecorder(connection).applied_migrations()
    return [f"{_APP}.{name}" for name in targets.migrations() if (_APP, name) not in applied]


def migrate() -> list[str]:
    """Apply what is pending; returns the names."""
    if not pending():
        return []
    with _alone():
        names = pending()
        call_command("migrate", verbosity=0, interactive=False)
    return names


@contextmanager
def _alone() -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        # The limit is for pages and sign-ins: a migration may take long, and who waits for it too.
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
            cursor.execute("RESET statement_timeout")
