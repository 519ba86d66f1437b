"""The files of Maildirs that are in use: each message once, whatever moves meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_TRIES = 5
_MESSAGES = ("new", "cur")
_REBUILT = ("dovecot.index", "dovecot.list.index", "dovecot-uidlist.lock", "dovecot.lock")
"""What Dovecot makes again by itself; in use it would be copied half written."""


def mail_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Each file below a folder, by its name relative to it, with its content.

    A message that moves from new to cur, or gets another flag, while the folder is
    read is found under its other name and never twice. Links are not followed.
    """
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        is_maildir = {"new", "cur", "tmp"} <= set(folders)
        if is_maildir:
            folders[:] = [name for name in folders if name not in ("new", "cur", "tmp")]
            yield from _messages(here, folder)
        for name in sorted(files):
            content = None if name.startswith(_REBUILT) else _read(here / name)
            if content is not None:
                yield str((here / name).relative_to(folder)), content


def _messages(maildir: Path, folder: Path) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    for _ in range(_TRIES):
        moved = False
        for part in _MESSAGES:
            for path in sorted((maildir / part).iterdir()):
                unique = path.name.partition(":")[0]
                if unique in seen:
                    continue
                content = _read(path)
                if content is None:
                    moved = True
                    continue
                seen.add(unique)
                yield str(path.relative_to(folder)), content
        if not moved:
            return


def _read(path: Path) -> bytes | None:
    """The content of a plain file; `None` where there is none (any more)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
