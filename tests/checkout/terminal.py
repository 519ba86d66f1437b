"""A program on a terminal of its own, and somebody who reads and types."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 30.0


class Terminal:
    """Closing it is closing the window: what still runs in it is hung up."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.shown = ""
        self.started = time.monotonic()
        self._main, inner = os.openpty()
        # `setsid --ctty` makes it the controlling terminal: curl reads passwords from /dev/tty.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            cwd=folder,
            env=environment,
        )
        os.close(inner)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGHUP)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        os.close(self._main)

    def _read(self) -> None:
        while True:
            try:
                some = os.read(self._main, 65536)
            except OSError:  # nobody has the other end open any more
                return
            self.shown += some.decode(errors="replace").replace("\r\n", "\n")

    def wait_for(self, pattern: str, *, within: float = PATIENCE) -> re.Match[str]:
        """The first place where it shows PATTERN."""
        deadline = time.monotonic() + within
        while True:
            ended = self.process.poll() is not None
            if ended:
                self._reader.join(PATIENCE)
            if found := re.search(pattern, self.shown):
                return found
            assert not ended, f"it ended without {pattern!r}:\n{self.shown}"
            assert time.monotonic() < deadline, f"no {pattern!r} in {within} s:\n{self.shown}"
            time.sleep(0.02)

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def interrupt(self) -> int:
        """Ctrl-C, and wait for the end; returns the exit status."""
        self.type("\x03")
        return self.finish()

    def finish(self, *, within: float = PATIENCE) -> int:
        """Wait for its own end; returns the exit status."""
        status = self.process.wait(within)
        self._reader.join(PATIENCE)
        return status
