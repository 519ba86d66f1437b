"""Which migrations the database lacks."""

from __future__ import annotations

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def pending() -> list[str]:
    """The names of the migrations that were not applied yet, in their order."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def apply() -> list[str]:
    """Apply what is pending; returns the names."""
    names = pending()
    call_command("migrate", verbosity=0, interactive=False)
    return names
