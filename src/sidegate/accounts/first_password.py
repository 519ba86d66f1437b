"""The first account's password where there is no terminal to print it on: a file, for a while."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from sidegate.storage.models import Account

log = logging.getLogger(__name__)

FILE = "first-account.txt"


def keep(data: Path, *, address: str, password: str) -> Path:
    """Write address and password into the data folder, 0600; returns where."""
    file = data / FILE
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(f"{address}\n{password}\n")
    return file


def forget(data: Path) -> None:
    """Remove the file, if any, once its password is not the account's any more."""
    file = data / FILE
    try:
        address = file.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
        if not Account.objects.filter(address=address, password_version=1).exists():
            file.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except OSError as problem:
        log.warning("%s holds an old password and should be removed: %s", file, problem.strerror)
