"""Gammu's SMS daemon (gammu-smsd) with its files backend: a file in its outbox is a message.

The daemon tells what became of it by where it moves the file: `sent` or `errors`. The
file holds the code, so it is taken away from there, and from an outbox that nobody
empties once the code has ended.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import time
from pathlib import Path

from sidegate.config.gateways import Gammu
from sidegate.senders.gateway import Message, NotNow, Receipt, Sent

PATIENCE = 10.0
WATCH_EVERY = 1.0
"""Seconds between two looks at where a file is."""
LIFETIME = 600.0
"""Seconds after which a message that still waits is withdrawn: its code has ended."""
_FOR_US_AND_THE_DAEMON = 0o640
_OURS = "OUTA*_sidegate-*.txt"


class GammuGateway:
    """Writes messages for one daemon."""

    patience = PATIENCE

    def __init__(
        self,
        name: str,
        options: Gammu,
        receipt: Receipt,
        *,
        every: float = WATCH_EVERY,
        lifetime: float = LIFETIME,
    ) -> None:
        self.name = name
        self._outbox = Path(options.outbox)
        self._sent = Path(options.sent)
        self._errors = Path(options.errors)
        self._receipt = receipt
        self._every = every
        self._lifetime = lifetime
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, message: Message) -> Sent:
        """Write it into the outbox; raises `NotNow`."""
        name = _file_name(message)
        try:
            await asyncio.to_thread(self._write, name, message.text)
        except OSError:
            raise NotNow("broken") from None
        task = asyncio.create_task(self._follow(name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return Sent(name)

    async def check(self) -> str | None:
        """Whether the folders are there and ours to use; the phone cannot be asked."""
        for folder in (self._outbox, self._sent, self._errors):
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                raise NotNow("broken")
        return "its three folders can be used; the phone itself was not asked"

    async def close(self) -> None:
        """Look after no file any more."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _write(self, name: str, text: str) -> None:
        # What an earlier process left behind holds codes too.
        for folder in (self._outbox, self._sent, self._errors):
            for file in folder.glob(_OURS):
                if _age(file) > self._lifetime:
                    _take_away(file)
        _write(self._outbox, name, text)

    async def _follow(self, name: str) -> None:
        until = time.monotonic() + self._lifetime
        while time.monotonic() < until:
            await asyncio.sleep(self._every)
            if _take_away(self._sent / name):
                return  # the network took it over: "sent", as is known already
            if _take_away(self._errors / name):
                self._receipt(name, "failed")
                return
        if _take_away(self._outbox / name):
            self._receipt(name, "failed")


def _file_name(message: Message) -> str:
    """OUT<priority><date>_<time>_<serial>_<number>_<note>.txt (gammu-smsd-files(7))."""
    at = time.strftime("%Y%m%d_%H%M%S", time.gmtime())
    return f"OUTA{at}_00_{message.number}_sidegate-{message.id}.txt"


def _write(outbox: Path, name: str, text: str) -> None:
    """Write the whole file under a name that the daemon passes over, then give it its own.

    UTF-16 with its mark is read the same whatever the daemon's locale is.
    """
    new = outbox / f".{name}"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FOR_US_AND_THE_DAEMON)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor, no path
            with contextlib.suppress(PermissionError):
                os.fchown(descriptor, -1, outbox.stat().st_gid)
            stream.write(codecs.BOM_UTF16_LE + text.encode("utf-16-le"))
        new.rename(outbox / name)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def _age(file: Path) -> float:
    """Seconds since it was written; 0 where the daemon just moved it."""
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _take_away(file: Path) -> bool:
    """Delete it where it is there; one that cannot be deleted was there too."""
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    except OSError:
        return file.exists()
    return True
