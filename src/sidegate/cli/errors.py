"""How a command ends."""

from __future__ import annotations

DONE = 0
NOT_DONE = 1
USAGE = 2


class Failure(Exception):  # noqa: N818 - what a command ends with
    """The command ends with one line for the person and an exit status."""

    def __init__(self, text: str, *, status: int = NOT_DONE) -> None:
        super().__init__(text)
        self.text = text
        self.status = status
