"""Ends one open mail session by its process, and never a process that is not the same one."""

from __future__ import annotations

import os
import signal
from pathlib import Path

_MAIL_PROCESSES = frozenset({"imap", "pop3", "submission", "managesieve"})
"""What Dovecot calls its processes that serve one session."""
_START_TIME = 19
"""Where the start time stands behind the name: field 22 of /proc/PID/stat, by proc(5)."""


def started_at(pid: int) -> int | None:
    """When a process started, in the kernel's ticks; `None` where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name may hold spaces and brackets; what follows its last bracket never does.
    return int(stat.rpartition(b")")[2].split()[_START_TIME])


def mail_process_started_at(pid: int) -> int | None:
    """The same, where that process is one that serves mail.

    A mail server in a container numbers its processes by itself: here a number of its
    may be anybody's.
    """
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None
    return started_at(pid) if name in _MAIL_PROCESSES else None


def end(pid: int, started_at: int) -> bool:
    """End the process that started then; True when it was told to, or is gone already.

    The process is held by a descriptor before its start time is compared, so that a new
    process with the same number is never hit.
    """
    if pid <= 1:
        return False
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    try:
        if _started_at(pid) == started_at:
            signal.pidfd_send_signal(handle, signal.SIGTERM)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    finally:
        os.close(handle)
    return True


_started_at = started_at  # `end` has an argument of that name
