"""Fixtures for every room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import django_ready  # noqa: F401 - first: models need configured settings
from installation import Installation, install
from postgres import private_postgres


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """An empty installation on SQLite."""
    return install(tmp_path / "data")


@pytest.fixture(params=["sqlite", "postgresql"])
def installation_on_each(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    """An empty installation, once on each database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return install(tmp_path / "data", url=url)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start a private PostgreSQL on a Unix socket; its one database is empty at first."""
    with private_postgres() as server:
        yield server.url
