"""Tells this process's runner that a job was added."""

from __future__ import annotations

from collections.abc import Callable


class Bell:
    """In a command nobody hears it: a running Sidegate finds the job by itself."""

    def __init__(self) -> None:
        self._heard: Callable[[], None] | None = None

    def answered_by(self, heard: Callable[[], None] | None) -> None:
        """Let `heard` be called, from any thread; `None` for nobody."""
        self._heard = heard

    def ring(self) -> None:
        """There is something to do."""
        heard = self._heard
        if heard is not None:
            heard()
