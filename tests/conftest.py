"""Fixtures for every room."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

import django_ready  # noqa: F401 - first: models need configured settings
from installation import Installation, install
from peers import require


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
    initdb, postgres = require("initdb"), require("postgres")
    with tempfile.TemporaryDirectory(prefix="sidegate-postgres-") as name:
        folder, owner = Path(name), _server_user()
        if owner is not None:
            shutil.chown(folder, owner)
        _run_initdb(initdb, folder=folder, owner=owner)
        with _running(postgres, folder=folder, owner=owner) as url:
            yield url


def _server_user() -> str | None:
    """Name the user for PostgreSQL, which refuses to run as root; None is the one we are."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _run_initdb(initdb: Path, *, folder: Path, owner: str | None) -> None:
    arguments = ["--auth=trust", "--username=sidegate", "--encoding=UTF8", "--no-locale"]
    subprocess.run(
        [initdb, "--no-sync", *arguments, f"--pgdata={folder}/data"],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
        user=owner,
    )


@contextmanager
def _running(postgres: Path, *, folder: Path, owner: str | None) -> Iterator[str]:
    # Nothing here outlives the tests: no write has to reach the disk.
    settings = {"listen_addresses": "", "fsync": "off", "full_page_writes": "off"}
    options = [f"--{key}={value}" for key, value in settings.items()]
    command = [postgres, "-D", folder / "data", "-k", folder, *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd="/", stdout=log, stderr=log, user=owner)
    try:
        url = f"postgresql://sidegate@/postgres?host={folder}"
        _wait_until_it_answers(url, process=process, log=folder / "log")
        yield url
    finally:
        process.send_signal(signal.SIGINT)  # fast shutdown: it waits for no client
        process.wait(timeout=30)


def _wait_until_it_answers(url: str, *, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL does not start: {log.read_text()}")
            time.sleep(0.05)
        else:
            return
