"""A real Kannel (bearerbox and smsbox) on free loopback ports, with an SMS centre behind it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from child import free_ports
from peers import require
from senders.smsc import PASSWORD as SMSC_PASSWORD
from senders.smsc import SYSTEM_ID

USERNAME = "sidegate"
PASSWORD = "zebra-kannel-1"
PATIENCE = 15.0

# As docs/operators/gateways.md says, so that no log holds a text: smsbox writes it into its own
# at level 1 and into its access log at any, bearerbox into its access log without this format.
_BOXES = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = {password}
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
dlr-storage = internal
log-file = "{folder}/bearerbox.log"
log-level = 2
access-log = "{folder}/bearerbox-access.log"
access-log-format = "%l [SMSC:%i] [SVC:%n] [from:%p] [to:%P]"

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {boxes}
sendsms-port = {http}
sendsms-interface = 127.0.0.1
log-file = "{folder}/smsbox.log"
log-level = 2

group = sendsms-user
username = {username}
password = {password}
max-messages = 4
concatenation = true
"""
_FAKE = """
group = smsc
smsc = fake
smsc-id = fake
port = {centre}
connect-allow-ip = 127.0.0.1
"""
_SMPP = """
group = smsc
smsc = smpp
smsc-id = smpp
host = 127.0.0.1
port = {centre}
transceiver-mode = true
smsc-username = {system_id}
smsc-password = {smsc_password}
system-type = ""
reconnect-delay = 1
"""


@dataclass
class Kannel:
    """A running Kannel."""

    folder: Path
    http: int
    admin: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}/cgi-bin/sendsms"

    def logs(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def arrived(self) -> list[str]:
        """What fakesmsc was given: each message as it prints it."""
        mark = "Got message "
        lines = (self.folder / "fakesmsc.out").read_text(errors="replace").splitlines()
        return [line.split("<", 1)[1].rstrip(">") for line in lines if mark in line]

    def wait_for(self, count: int) -> list[str]:
        """What arrived at fakesmsc, once there are so many."""
        deadline = time.monotonic() + PATIENCE
        while len(self.arrived()) < count:
            assert time.monotonic() < deadline, f"arrived: {self.arrived()}"
            time.sleep(0.05)
        return self.arrived()


@contextmanager
def running_kannel(folder: Path, *, smpp: int | None = None) -> Iterator[Kannel]:
    """Start one; behind it fakesmsc, or the centre that speaks SMPP on the port `smpp`."""
    folder.mkdir(parents=True, exist_ok=True)
    admin, boxes, http, fake = free_ports(4)
    values = {
        "admin": admin, "boxes": boxes, "http": http, "centre": smpp or fake, "folder": folder,
        "username": USERNAME, "password": PASSWORD,
        "system_id": SYSTEM_ID, "smsc_password": SMSC_PASSWORD,
    }  # fmt: skip
    file = folder / "kannel.conf"
    file.write_text((_BOXES + (_SMPP if smpp else _FAKE)).format(**values))
    kannel = Kannel(folder, http, admin)
    with ExitStack() as stack:
        stack.enter_context(_program(folder, "bearerbox", ["-v", "4", str(file)]))
        _until(lambda: "running" in _status(admin), "bearerbox")
        stack.enter_context(_program(folder, "smsbox", ["-v", "4", str(file)]))
        if not smpp:
            words = ["-H", "127.0.0.1", "-r", str(fake), "-m", "0", "1 2 text nop"]
            stack.enter_context(_program(folder, "fakesmsc", words))
        _until(lambda: "(online " in _status(admin), "its SMS centre")
        _until(lambda: _accepts(http), "smsbox")
        yield kannel


@contextmanager
def _program(folder: Path, name: str, words: Sequence[str]) -> Iterator[None]:
    with (folder / f"{name}.out").open("wb") as output:
        process = subprocess.Popen(
            [require(name), *words], stdout=output, stderr=output, cwd=folder, env=dict(os.environ)
        )
        try:
            yield
        finally:
            process.kill()  # bearerbox takes seconds to end when asked politely
            process.wait(PATIENCE)


def _until(ready: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline, f"{what} is not ready"
        time.sleep(0.05)


def _status(admin: int) -> str:
    url = f"http://127.0.0.1:{admin}/status.txt?password={PASSWORD}"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.URLError:
        return ""


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
