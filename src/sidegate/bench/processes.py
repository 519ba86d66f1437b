"""Child processes: pinned to a core, measured with all of theirs, ended by their own id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_STOP_SECONDS = 6.0
_USER_FIELD, _SYSTEM_FIELD = 11, 12


def cores() -> tuple[int, int]:
    """The core for the server and the one for who asks; the same where there is one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


@contextlib.contextmanager
def pinned(core: int) -> Iterator[None]:
    """Run on one core for a while; children started meanwhile stay there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(root: int) -> float:
    """User and system time of a process and all of its living descendants."""
    parents: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(") ")[2].split()
        except OSError:  # it ended meanwhile
            continue
        pid = int(folder.name)
        parents.setdefault(int(fields[1]), []).append(pid)
        ticks[pid] = int(fields[_USER_FIELD]) + int(fields[_SYSTEM_FIELD])
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        total += ticks.get(pid, 0)
        waiting.extend(parents.get(pid, ()))
    return total / _TICKS


def settled_cpu_seconds(root: int, *, quiet: float) -> float:
    """The same, once it has stood still for `quiet` seconds: nothing is left behind."""
    last, since = cpu_seconds(root), time.monotonic()
    while time.monotonic() - since < quiet:
        time.sleep(0.05)
        now = cpu_seconds(root)
        if now - last > 1.5 / _TICKS:  # more than the odd timer
            last, since = now, time.monotonic()
    return cpu_seconds(root)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a child of ours, gently first."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
