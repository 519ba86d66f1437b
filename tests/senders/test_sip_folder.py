"""The folders of calls: what a killed process left goes at the next start, and nothing else."""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from installation import Installation
from sidegate.senders.making import CALLS
from sidegate.senders.sip_folder import call_folder, clear
from sidegate.serve.sending import code_sending
from sidegate.storage.background import Background

CALLER = """
import sys
from pathlib import Path
from sidegate.senders.sip_folder import call_folder
with call_folder(Path(sys.argv[1])) as folder:
    (folder / "whole.wav").write_bytes(b"a code")
    print(folder, flush=True)
    sys.stdin.read()
"""


def calling(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    """Somebody in a call, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", CALLER, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_start_takes_away_what_killed_calls_left(installation: Installation) -> None:
    parent = installation.context.config.data / CALLS

    async def start() -> None:
        background = Background()
        await code_sending(installation.context, background).close()
        await asyncio.to_thread(background.close)

    lives, kept = calling(parent)
    dies, left = calling(parent)
    with lives, dies, call_folder(parent) as ours:
        asyncio.run(start())
        assert set(parent.iterdir()) == {kept, left, ours}
        dies.send_signal(signal.SIGKILL)
        dies.wait()
        assert (left / "whole.wav").exists()
        asyncio.run(start())
        assert set(parent.iterdir()) == {kept, ours}
        lives.communicate()
    assert list(parent.iterdir()) == []


def test_where_nobody_was_called_nothing_is_made(tmp_path: Path) -> None:
    clear(tmp_path / "calls")
    assert not (tmp_path / "calls").exists()


def test_what_is_no_folder_of_a_call_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "calls").mkdir()
    (tmp_path / "calls" / "note").write_text("mine")
    clear(tmp_path / "calls")
    assert (tmp_path / "calls" / "note").exists()
    with caplog.at_level(logging.WARNING):
        clear(tmp_path / "calls" / "note")
    assert "note cannot be cleared: Not a directory" in caplog.text
