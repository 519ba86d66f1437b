"""A running `sidegate serve` as a child process, on free ports and in a temporary folder."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 90.0
LOWEST_PORT = 12_000
PORT_NAMES = (
    "portal", "imap", "imaps", "pop3", "pop3s", "submission", "submissions", "http",
)  # fmt: skip


@dataclass
class Child:
    """A running Sidegate."""

    data: Path
    ports: dict[str, int]
    process: subprocess.Popen[str]
    output: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.ports['portal']}"

    @property
    def authority(self) -> Path:
        """The certificate that mail programs must trust."""
        return self.data / "tls" / "certificate.pem"

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))

    def first_password(self) -> str:
        return (self.data / "first-account.txt").read_text().split()[1]

    def command(
        self,
        *arguments: str,
        stdin: str = "",
        check: bool = True,
        through: Callable[[list[str]], list[str]] = list,
    ) -> subprocess.CompletedProcess[str]:
        """Run another sidegate command on the same data folder; `through` what starts it."""
        words = [sys.executable, "-m", "sidegate", *arguments, "--data", str(self.data)]
        done = subprocess.run(
            through(words), input=stdin, capture_output=True, text=True, check=False, timeout=60
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def add_account(self, address: str, password: str) -> None:
        self.command("account", "add", address, "--password-stdin", stdin=f"{password}\n")

    def codes(self) -> list[dict[str, str]]:
        """What the `screen` sender wrote, oldest first."""
        outbox = self.data / "outbox.jsonl"
        lines = outbox.read_text().splitlines() if outbox.exists() else []
        return [json.loads(line) for line in lines]

    def wait_for_code(self, *, after: int) -> dict[str, str]:
        """The first code after so many earlier ones."""
        deadline = time.monotonic() + PATIENCE
        while len(codes := self.codes()) <= after:
            assert time.monotonic() < deadline, "no code was sent"
            time.sleep(0.05)
        return codes[after]

    def stop(self) -> int:
        """End it as an operator does; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def free_ports(count: int) -> list[int]:
    """Below those that the system gives to outgoing connections, one of which may come between."""
    held: list[socket.socket] = []
    while len(held) < count:
        port = LOWEST_PORT + secrets.randbelow(32_768 - LOWEST_PORT)
        with contextlib.suppress(OSError):  # taken
            held.append(socket.create_server(("127.0.0.1", port)))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def configuration(
    ports: dict[str, int], more: str = "", listen: Mapping[str, str] | None = None
) -> str:
    values = {name: f"127.0.0.1:{port}" for name, port in ports.items()} | dict(listen or {})
    lines = "\n".join(f'{name} = "{value}"' for name, value in values.items())
    url = f"http://localhost:{ports['portal']}"
    return f'[server]\nurl = "{url}"\n\n[listen]\n{lines}\n\n{more}\n'


def as_user(name: str) -> dict[str, Any]:
    """Popen's options for running as somebody else, with nothing of ours left."""
    entry = pwd.getpwnam(name)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextmanager
def running(
    data: Path,
    *,
    more: str = "",
    listen: Mapping[str, str] | None = None,
    environment: dict[str, str] | None = None,
    program: Sequence[str] = (sys.executable, "-m", "sidegate"),
    user: str | None = None,
) -> Iterator[Child]:
    """Start in a folder, new or used before; ended on leaving."""
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    if user is not None:
        shutil.chown(data, user)
    file = data / "sidegate.toml"
    ports_file = data / "ports.json"
    if not ports_file.exists():
        ports = dict(zip(PORT_NAMES, free_ports(len(PORT_NAMES)), strict=True))
        ports_file.write_text(json.dumps(ports))
        file.write_text(configuration(ports, more, listen))
    ports = json.loads(ports_file.read_text())
    process = subprocess.Popen(
        [*program, "serve", "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(environment or {})},
        **(as_user(user) if user is not None else {}),
    )
    child = Child(data, ports, process)
    reader = threading.Thread(target=_read, args=(child,), daemon=True)
    reader.start()
    try:
        _until_ready(child)
        yield child
    finally:
        child.stop()
        reader.join(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()


def _read(child: Child) -> None:
    assert child.process.stdout is not None
    for line in child.process.stdout:
        child.output.append(line.rstrip("\n"))


def _until_ready(child: Child) -> None:
    deadline = time.monotonic() + PATIENCE
    while "Sidegate is ready." not in child.output:
        text = "\n".join(child.output)
        assert child.process.poll() is None, f"it ended before it was ready:\n{text}"
        assert time.monotonic() < deadline, f"it is not ready:\n{text}"
        time.sleep(0.05)
    with urllib.request.urlopen(f"{child.url}/healthz", timeout=5) as answer:  # noqa: S310 - our own address
        assert answer.status == 200
