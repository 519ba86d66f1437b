"""Sidegate commands, each as a child process, for tests that look at what people see."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PASSWORD = "correct horse battery staple"
ALWAYS = '[policy]\naccount_password_for_mail = "always-app-password"\n'


@dataclass
class Commands:
    """Runs sidegate commands on one data folder, each in a process of its own."""

    data: Path

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "sidegate", *arguments, "--data", str(self.data)]
        return subprocess.run(
            words, input=stdin, capture_output=True, text=True, check=False, timeout=60
        )

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
    commands = Commands(data)
    commands.done("migrate")
    return commands
