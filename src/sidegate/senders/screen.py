"""The gateway `screen`: codes for trying Sidegate out, shown where it runs."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from sidegate.config.gateways import SCREEN
from sidegate.senders.gateway import Message, NotNow, Sent

OUTBOX = "outbox.jsonl"


class ScreenGateway:
    """Writes each code to DIR/outbox.jsonl (0600), and to the terminal where there is one."""

    name = SCREEN
    patience = 10.0

    def __init__(self, *, data: Path, terminal: TextIO | None, now: Callable[[], int]) -> None:
        self._outbox = data / OUTBOX
        self._terminal = terminal
        self._now = now

    async def send(self, message: Message) -> Sent:
        """Show a code; raises `NotNow` where the outbox cannot be written."""
        try:
            if message.code:  # the outbox holds codes alone
                await asyncio.to_thread(self._append, self._line(message))
        except OSError:
            raise NotNow("broken") from None
        if self._terminal is not None:
            said = f"{message.channel} to {message.number}: {message.code or message.text}"
            print(said, file=self._terminal, flush=True)
        return Sent()

    async def check(self) -> str | None:
        """There is nobody to ask."""
        return None

    async def close(self) -> None:
        """Nothing is open between two sends."""

    def _line(self, message: Message) -> bytes:
        at = datetime.fromtimestamp(self._now() / 1000, UTC).isoformat(timespec="milliseconds")
        entry = {
            "at": at,
            "channel": message.channel,
            "to": message.number,
            "code": message.code,
            "text": message.text,
        }
        return json.dumps(entry, ensure_ascii=False).encode() + b"\n"

    def _append(self, line: bytes) -> None:
        # One write to a file that only grows: lines of several processes stay apart.
        descriptor = os.open(self._outbox, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)
