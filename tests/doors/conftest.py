"""A running door with null implementations of what it asks."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from doors.nullparts import REFUSAL_DELAY, NullMailboxes, NullSignIn, OpenDoor, RunningDoor
from sidegate.config import UnixEndpoint
from sidegate.doors.dovecot import DovecotDoor


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: a socket's path has room for 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="sg-") as name:
        yield Path(name)


@pytest.fixture
def open_door(folder: Path) -> OpenDoor:
    @contextlib.asynccontextmanager
    async def opened(
        *,
        handshake_timeout: float = 30.0,
        mailboxes: NullMailboxes | None = None,
        refusal_text: str = "Sign-in refused. Use an app password: https://example.test/x",
        socket_mode: int = 0o660,
    ) -> AsyncIterator[RunningDoor]:
        sign_in = NullSignIn()
        mailboxes = mailboxes or NullMailboxes()
        door = DovecotDoor(
            sign_in=sign_in,
            mailboxes=mailboxes,
            now=lambda: int(time.time() * 1000),
            refusal_text=refusal_text,
            disabled_text="This account is disabled.",
            refusal_delay=REFUSAL_DELAY,
            handshake_timeout=handshake_timeout,
        )
        client, master = folder / "client.sock", folder / "master.sock"
        await door.start([UnixEndpoint(client)], UnixEndpoint(master), socket_mode=socket_mode)
        running = RunningDoor(door, client, master, sign_in, mailboxes)
        try:
            yield running
        finally:
            await running.close()

    return opened
