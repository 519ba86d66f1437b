"""A private PostgreSQL on a Unix socket, which a test can stop and start again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from peers import require


@dataclass
class Postgres:
    """One server; its one database is empty at first."""

    folder: Path
    owner: str | None
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://sidegate@/postgres?host={self.folder}"

    def start(self) -> None:
        # Nothing here outlives the tests: no write has to reach the disk.
        settings = {"listen_addresses": "", "fsync": "off", "full_page_writes": "off"}
        options: list[str | Path] = [f"--{key}={value}" for key, value in settings.items()]
        command: list[str | Path] = [
            require("postgres"),
            "-D",
            self.folder / "data",
            "-k",
            self.folder,
            *options,
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd="/", stdout=log, stderr=log, user=self.owner
            )
        self._wait_until_it_answers(self._process)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # fast shutdown: it waits for no client
            self._process.wait(timeout=30)
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Its processes hold still: connections stand, and nothing is answered."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        processes = [self._process.pid, *map(int, children.read_text().split())]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    log = (self.folder / "log").read_text()
                    pytest.fail(f"PostgreSQL does not start: {log}")
                time.sleep(0.05)
            else:
                return


@contextmanager
def private_postgres() -> Iterator[Postgres]:
    """Start one in a folder of its own; stopped on leaving."""
    initdb = require("initdb")
    with tempfile.TemporaryDirectory(prefix="sidegate-postgres-") as name:
        server = Postgres(Path(name), _server_user())
        if server.owner is not None:
            shutil.chown(server.folder, server.owner)
        _run_initdb(initdb, server)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _server_user() -> str | None:
    """Name the user for PostgreSQL, which refuses to run as root; None is the one we are."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _run_initdb(initdb: Path, server: Postgres) -> None:
    arguments = ["--auth=trust", "--username=sidegate", "--encoding=UTF8", "--no-locale"]
    subprocess.run(
        [initdb, "--no-sync", *arguments, f"--pgdata={server.folder}/data"],
        check=True,
        cwd="/",
        stdout=subprocess.DEVNULL,
        user=server.owner,
    )
