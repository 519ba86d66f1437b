"""Codes survive a Sidegate that is killed, on SQLite and PostgreSQL; replicas share the work."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from child import Child, running

HERE = Path(__file__).parent
BEFORE, AFTER, FREE = "+37120000001", "+37120000002", "+37120000003"
STATES = "SELECT state, why, payload IS NULL FROM job ORDER BY id"


@dataclass
class Scene:
    """A data folder for each replica, one database, one gateway."""

    folder: Path
    url: str

    def data(self, name: str = "data") -> Path:
        return self.folder / name

    def more(self) -> str:
        command = json.dumps([sys.executable, "-S", str(HERE / "gateway.py"), str(self.folder)])
        return (
            '[codes]\nsms = "mine"\nvoice = []\ncountries = ["LV"]\n'
            '[gateway.mine]\nkind = "exec"\n'
            f"command = {command}\n[mailserver]\nprivate = false\n"
            f'[database]\nurl = "{self.url}"\n'
        )

    def hold(self, name: str, digits: str) -> None:
        (self.folder / name).write_text(digits)

    def release(self) -> None:
        for name in ("hold-before", "hold-after"):
            (self.folder / name).unlink(missing_ok=True)

    def order(self, *numbers: str) -> None:
        command = [sys.executable, str(HERE / "order.py"), str(self.data()), *numbers]
        subprocess.run(command, check=True, timeout=60)

    def log(self, what: str) -> list[tuple[str, ...]]:
        """The gateway's lines of one kind: message id, number, code."""
        file = self.folder / "log"
        lines = file.read_text().splitlines() if file.exists() else []
        return [tuple(line.split()[1:]) for line in lines if line.startswith(what)]

    def sent(self) -> Counter[str]:
        return Counter(number for _id, number, _code in self.log("sent"))

    def states(self) -> list[tuple[str, str, bool]]:
        if self.url:
            with psycopg.connect(self.url) as database:
                rows = database.execute(STATES).fetchall()
        else:
            with sqlite3.connect(self.data() / "sidegate.sqlite3") as file:
                rows = file.execute(STATES).fetchall()
        return [(state, why, bool(wiped)) for state, why, wiped in rows]


@pytest.fixture(params=["sqlite", "postgresql"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    if request.param == "sqlite":
        yield Scene(tmp_path, "")
        return
    url = request.getfixturevalue("postgres_url")
    name = f"sending_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name}")
    yield Scene(tmp_path, url.replace("/postgres?", f"/{name}?"))
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(f"DROP DATABASE {name} WITH (FORCE)")


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kill(child: Child) -> None:
    child.process.send_signal(signal.SIGKILL)
    child.process.wait(10)


def test_killed_between_write_and_send_and_between_send_and_mark(scene: Scene) -> None:
    scene.hold("hold-before", BEFORE[-1])
    scene.hold("hold-after", AFTER[-1])
    with running(scene.data(), more=scene.more()) as child:
        scene.order(BEFORE, AFTER, FREE)
        until(lambda: len(scene.log("began")) == 3)
        until(lambda: scene.sent() == {AFTER: 1, FREE: 1})
        until(lambda: [state for state, _why, _wiped in scene.states()].count("sent") == 1)
        kill(child)
    scene.release()
    with running(scene.data()):
        until(lambda: {state for state, _why, _wiped in scene.states()} == {"sent"})
    assert scene.states() == [("sent", "", True)] * 3
    # What was written and not sent came once; what was sent and not marked came twice,
    # under the same id and with the same code; what was marked never came again.
    assert scene.sent() == {BEFORE: 1, AFTER: 2, FREE: 1}
    assert len(set(scene.log("sent"))) == 3


@pytest.mark.parametrize("scene", ["sqlite"], indirect=True)
def test_told_to_stop_nothing_is_sent_twice(scene: Scene) -> None:
    scene.hold("hold-after", AFTER[-1])
    with running(scene.data(), more=scene.more()) as child:
        scene.order(AFTER)
        until(lambda: scene.sent() == {AFTER: 1})
        assert child.stop() == 0
        assert scene.states() == [("unsure", "stopped", True)]
    scene.release()
    with running(scene.data()):
        time.sleep(1.5)
    assert scene.sent() == {AFTER: 1}


@pytest.mark.parametrize("scene", ["postgresql"], indirect=True)
def test_two_replicas_share_the_work_and_send_nothing_twice(scene: Scene) -> None:
    numbers = [f"+3712000{number:04}" for number in range(100, 112)]
    with ExitStack() as stack:
        for name in ("data", "other"):
            if name == "other":  # a replica has a copy of the keys
                shutil.copytree(scene.data() / "keys", scene.data(name) / "keys")
            stack.enter_context(running(scene.data(name), more=scene.more()))
        scene.order(*numbers)
        until(lambda: len(scene.states()) == 12 and {s for s, *_ in scene.states()} == {"sent"})
    assert scene.sent() == dict.fromkeys(numbers, 1)
