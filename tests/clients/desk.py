"""Accounts for the tests, made by another process on the same data folder."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCOPES = ("imap", "pop3", "submission")


@dataclass
class AppPassword:
    id: int
    secret: str

    @property
    def grouped(self) -> str:
        return " ".join(self.secret[start : start + 4] for start in range(0, 16, 4))


@dataclass
class Person:
    """An account, and what its owner does on the pages."""

    desk: Desk
    address: str
    password: str

    def turn_on(self) -> None:
        self.desk.ask("two_step_on", address=self.address)

    def turn_off(self) -> None:
        self.desk.ask("two_step_off", address=self.address)

    def app_password(
        self,
        scopes: Sequence[str] = SCOPES,
        **choices: Any,  # noqa: ANN401 - JSON
    ) -> AppPassword:
        made = self.desk.ask("app_password", address=self.address, scopes=list(scopes), **choices)
        return AppPassword(made["id"], made["secret"])

    def revoke(self, one: AppPassword) -> None:
        self.desk.ask("revoke", address=self.address, app_password_id=one.id)

    def pause(self, one: AppPassword, *, on: bool) -> None:
        self.desk.ask("pause", address=self.address, app_password_id=one.id, on=on)

    def may_do(self, one: AppPassword, *protocols: str) -> None:
        self.desk.ask("may_do", address=self.address, app_password_id=one.id, protocols=protocols)

    def enable(self, *, enabled: bool) -> None:
        self.desk.ask("enable", address=self.address, enabled=enabled)

    def change_password(self, password: str, *, keep: bool) -> None:
        self.desk.ask("password", address=self.address, password=password, keep=keep)


@dataclass
class Desk:
    """One process that takes actions, one after the other."""

    process: subprocess.Popen[str]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def ask(self, action: str, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self._lock:
            self.process.stdin.write(json.dumps({"action": action, **given}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        assert line, f"{action} failed; its error is above"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def person(self, name: str = "person") -> Person:
        """Add an account that nobody else uses."""
        number = next(self._numbers)
        person = Person(self, f"{name}{number}@example.test", f"a long password no {number}")
        self.ask("add", address=person.address, password=person.password)
        return person


@contextmanager
def desk_for(data: Path, *more: str) -> Iterator[Desk]:
    command = [sys.executable, str(Path(__file__).with_name("actions.py")), str(data), *more]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        yield Desk(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0
