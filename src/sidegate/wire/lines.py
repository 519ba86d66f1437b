"""Lines out of a byte stream, in bounded memory."""

from __future__ import annotations

MAX_LINE = 16384
"""Bytes in the longest line, its LF not counted.

Dovecot's own limit: `AUTH_CLIENT_MAX_LINE_LENGTH` of its auth-client-interface.h, and
the figure that its description of the authentication protocol names.
"""


class LineTooLong(Exception):  # noqa: N818 - what happened, by its name
    """The other side sent a line longer than `MAX_LINE`; the stream cannot be read on."""


class LineSplitter:
    """Cuts chunks into lines; keeps at most one unfinished line."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that this chunk completes, without their LF; raises `LineTooLong`."""
        lines = (self._rest + chunk if self._rest else chunk).split(b"\n")
        if max(map(len, lines)) > MAX_LINE:
            self._rest = b""
            raise LineTooLong(f"a line longer than {MAX_LINE} bytes")
        self._rest = lines.pop()
        return lines
