"""Fixtures for every room."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from django.utils import translation
from hypothesis import settings

import django_ready  # noqa: F401 - first: models need configured settings
from installation import Installation, close_database, install
from postgres import private_postgres
from sidegate.factors import account_password

settings.register_profile("patient", deadline=None)  # a busy machine is slow, and no fault
settings.load_profile("patient")

_BUSY_ROOMS = {"bench", "browser", "life"}
_WAITING_ROOMS = {"clients", "connect", "sending"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, so that no worker sits over one when the others are done.

    Those that keep a core busy and those that wait for servers take turns.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    root = Path(__file__).parent
    room = {path: path.relative_to(root).parts[0] for path in files}
    busy = [path for path in files if room[path] in _BUSY_ROOMS]
    waiting = [path for path in files if room[path] in _WAITING_ROOMS]
    turns = (path for pair in zip_longest(busy, waiting) for path in pair if path)
    order = dict.fromkeys([*turns, *files])
    items[:] = [item for path in order for item in files[path]]


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash account passwords at no cost: it is the one thing that makes tests slow."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(account_password, "_HASHER", cheap)


@pytest.fixture(autouse=True)
def _no_language_left() -> Iterator[None]:
    """A page leaves its language to the thread, as it does in a running Sidegate."""
    yield
    translation.deactivate()


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An empty installation on SQLite."""
    yield install(tmp_path / "data")
    close_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def installation_on_each(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """An empty installation, once on each database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    yield install(tmp_path / "data", url=url)
    close_database()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start a private PostgreSQL on a Unix socket; its one database is empty at first."""
    with private_postgres() as server:
        yield server.url
