from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidegate.mailserver.sessions import end, mail_process_started_at, started_at


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait()


def test_ends_the_process_that_it_was_told(process: subprocess.Popen[bytes]) -> None:
    born = started_at(process.pid)
    assert born is not None
    assert end(process.pid, born)
    assert process.wait(2) == -signal.SIGTERM


def test_never_ends_another_process_with_that_number(process: subprocess.Popen[bytes]) -> None:
    born = started_at(process.pid)
    assert born is not None
    assert end(process.pid, born - 1)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)


def test_hers_are_mail_processes_alone(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    assert mail_process_started_at(process.pid) is None
    assert mail_process_started_at(2**22 + 1) is None
    imap = tmp_path / "imap"
    imap.symlink_to("/bin/sleep")
    with subprocess.Popen([imap, "60"]) as mail:
        try:
            _await_name(mail.pid, "imap")
            assert mail_process_started_at(mail.pid) == started_at(mail.pid) is not None
        finally:
            mail.kill()


def _await_name(pid: int, name: str) -> None:
    """Wait for it: the kernel names a process a moment after its new program is loaded."""
    until = time.monotonic() + 5
    while Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() != name:
        assert time.monotonic() < until, "it never got its name"
        time.sleep(0.01)


def test_what_is_gone_is_gone(process: subprocess.Popen[bytes]) -> None:
    born = started_at(process.pid)
    assert born is not None
    process.kill()
    process.wait()
    assert started_at(process.pid) is None
    assert end(process.pid, born)


@pytest.mark.parametrize("pid", [0, -1, 1])
def test_never_signals_a_group_or_init(pid: int) -> None:
    assert not end(pid, 0)


def test_a_name_with_brackets_and_spaces_does_not_shift_the_fields() -> None:
    rename = "import ctypes,time; ctypes.CDLL(None).prctl(15, b') R 1 (2'); print('x', flush=True)"
    command = [sys.executable, "-c", f"{rename}; time.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        ticks = os.sysconf("SC_CLK_TCK")
        born, own = started_at(child.pid), started_at(os.getpid())
        child.kill()
    assert born is not None
    assert own is not None
    assert 0 <= born - own < 3600 * ticks
