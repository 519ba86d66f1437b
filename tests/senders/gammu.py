"""A real gammu-smsd with its dummy phone, in folders of its own. It opens no port."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from peers import require
from sidegate.config.gateways import Gammu

PATIENCE = 15.0
_RC = """
[gammu]
model = dummy
connection = none
device = {folder}/phone

[smsd]
service = files
logfile = {folder}/log
debuglevel = {level}
commtimeout = 1
transmitformat = auto
inboxpath = {folder}/inbox/
outboxpath = {folder}/outbox/
sentsmspath = {folder}/sent/
errorsmspath = {folder}/errors/
"""


@dataclass(frozen=True)
class Daemon:
    """A running daemon."""

    folder: Path

    @property
    def options(self) -> Gammu:
        return options(self.folder)

    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text() if file.exists() else ""

    def wait_for_log(self, text: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while text not in self.log():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)
        return self.log()


def options(folder: Path) -> Gammu:
    names = ("outbox", "sent", "errors")
    return Gammu(**{name: str(folder / name) for name in names})


def make_folders(folder: Path) -> Path:
    for name in ("inbox", "outbox", "sent", "errors", "phone/sms/1"):
        (folder / name).mkdir(parents=True)
    return folder


@contextmanager
def running_gammu(folder: Path, *, level: int = 0) -> Iterator[Daemon]:
    """Start one; at level 1 its log says what it read, at 0, as usual, it does not."""
    make_folders(folder)
    file = folder / "gammu-smsdrc"
    file.write_text(_RC.format(folder=folder, level=level))
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [require("gammu-smsd"), "-c", file], stdout=output, stderr=output
        )
        try:
            yield Daemon(folder)
        finally:
            process.kill()
            process.wait(PATIENCE)
