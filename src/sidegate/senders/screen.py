"""The `screen` sender: codes for trying Sidegate out, shown where it runs."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from sidegate.decisions.ports import Unavailable

OUTBOX = "outbox.jsonl"


class ScreenSender:
    """Writes each code to DIR/outbox.jsonl (0600), and to the terminal where there is one."""

    def __init__(self, *, data: Path, terminal: TextIO | None, now: Callable[[], int]) -> None:
        self._outbox = data / OUTBOX
        self._terminal = terminal
        self._now = now
        self._lock = threading.Lock()

    def send(self, *, channel: str, number: str, code: str, text: str) -> None:
        """Show a code; raises `Unavailable` where the outbox cannot be written."""
        at = datetime.fromtimestamp(self._now() / 1000, UTC).isoformat(timespec="milliseconds")
        entry = {"at": at, "channel": channel, "to": number, "code": code, "text": text}
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        try:
            with self._lock:
                self._append(line.encode())
        except OSError as problem:
            raise Unavailable(f"the outbox cannot be written: {problem.strerror}") from problem
        if self._terminal is not None:
            print(f"{channel} to {number}: {code}", file=self._terminal, flush=True)

    def _append(self, line: bytes) -> None:
        descriptor = os.open(self._outbox, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)
