"""An SMS centre (the npm package `smpp`, on Node) on a free loopback port, which takes orders."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from child import free_ports
from peers import missing, require

CENTRE = Path(__file__).parent / "sms_centre" / "centre.js"
PACKAGES = Path(__file__).resolve().parents[2] / ".cache" / "sms-centre"
SYSTEM_ID = "sidegate"
PASSWORD = "zebra8"  # at most 8 characters: SMPP 3.4, 5.2.2
PATIENCE = 15.0

Event = dict[str, Any]


@dataclass
class Smsc:
    """A running centre. Each thing that reaches it is an event."""

    port: int
    process: subprocess.Popen[str]
    seen: list[Event] = field(default_factory=list)
    _new: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)

    def order(self, **orders: object) -> None:
        """From now on behave like this; without orders, well."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(orders) + "\n")
        self.process.stdin.flush()
        self.wait("ordered")

    def wait(self, event: str) -> Event:
        """The next event of this name; others before it are passed over."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                found = self._new.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {event!r} came; seen: {self.seen}") from None
            if found["event"] == event:
                return found

    def submitted(self) -> list[Event]:
        return [event for event in self.seen if event["event"] == "submit"]

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = json.loads(line)
            self.seen.append(event)
            self._new.put(event)


@contextmanager
def running_smsc(
    *, port: int | None = None, certificate: Path | None = None, key: Path | None = None
) -> Iterator[Smsc]:
    """Start one; with a certificate and its key it speaks TLS alone."""
    node = require("node")
    if not (PACKAGES / "node_modules" / "smpp").is_dir():
        missing("the npm package smpp is missing (./test installs it, where npm is)")
    port = port or free_ports(1)[0]
    tls = [str(certificate), str(key)] if certificate else []
    process = subprocess.Popen(
        [node, CENTRE, str(port), SYSTEM_ID, PASSWORD, *tls],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "NODE_PATH": str(PACKAGES / "node_modules")},
    )
    smsc = Smsc(port, process)
    reader = threading.Thread(target=smsc.read, daemon=True)
    reader.start()
    try:
        smsc.wait("listening")
        yield smsc
    finally:
        process.kill()
        process.wait(PATIENCE)
        reader.join(PATIENCE)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
