"""Sidegate commands, for tests that look at what people see."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from django.utils import translation

from installation import _point_django, close_database
from sidegate.cli import main
from sidegate.serve import setting_up
from sidegate.storage.database import SQLITE_FILE

PASSWORD = "correct horse battery staple"
ALWAYS = '[policy]\naccount_password_for_mail = "always-app-password"\n'

_MADE: list[bytes] = []
"""The first database that `migrate` made: the others begin with it, which spares their time."""


@dataclass(frozen=True)
class Commands:
    """Runs sidegate commands on one data folder: in this process, which spares their start.

    Where the process itself matters (what it imports first, its signals and pipes), or a
    server runs on the folder: `apart`.
    """

    data: Path
    in_processes: bool = False

    @property
    def apart(self) -> Commands:
        """The same, each in a process of its own."""
        return replace(self, in_processes=True)

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        words = [*arguments, "--data", str(self.data)]
        if not self.in_processes:
            return _here(words, stdin)
        return subprocess.run(
            [sys.executable, "-m", "sidegate", *words],
            input=stdin, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def done(self, *arguments: str, stdin: str = "") -> str:
        result = self.run(*arguments, stdin=stdin)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def facts(self, *arguments: str, stdin: str = "") -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.done(*arguments, "--json", stdin=stdin))

    def failed(self, *arguments: str, stdin: str = "", status: int = 1) -> str:
        result = self.run(*arguments, stdin=stdin)
        assert result.returncode == status, result.stdout + result.stderr
        assert result.stdout == ""
        assert result.stderr.startswith("sidegate: ")
        assert result.stderr.count("\n") == 1, result.stderr
        return result.stderr

    def add(self, address: str) -> None:
        self.done("account", "add", address, "--password-stdin", stdin=f"{PASSWORD}\n")


def migrated(data: Path, toml: str = "") -> Commands:
    data.mkdir()
    (data / "sidegate.toml").write_text(toml)
    commands, file = Commands(data), data / SQLITE_FILE
    if _MADE and "[database]" not in toml:
        file.touch(mode=0o600)
        file.write_bytes(_MADE[0])
    commands.done("migrate")
    if not _MADE and file.exists():
        _MADE.append(file.read_bytes())
    return commands


def _here(words: list[str], stdin: str) -> subprocess.CompletedProcess[str]:
    out, aside = io.StringIO(), io.StringIO()
    typed = io.TextIOWrapper(io.BytesIO(stdin.encode()))
    with redirect_stdout(out), redirect_stderr(aside), patch("sys.stdin", typed), _as_started():
        status = main(words)
    return subprocess.CompletedProcess(words, status, out.getvalue(), aside.getvalue())


@contextmanager
def _as_started() -> Iterator[None]:
    """Let a command find this process as it would find its own, and leave none of it behind."""
    settings = SimpleNamespace(configure=lambda **wanted: _point_django(wanted))
    with (
        patch.object(setting_up, "settings", settings),
        # What nobody handles is printed, from warnings on.
        patch.object(logging.getLogger(), "handlers", []),
        translation.override(None),
    ):
        translation.deactivate()  # nobody chose a language yet
        try:
            yield
        finally:
            close_database()
