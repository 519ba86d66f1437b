"""What both sockets of the door share: lines in, replies out, limits and time-outs."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import struct
from collections.abc import Callable
from typing import cast

from sidegate.wire.dovecot_auth import MAJOR, BadLine, parse_version
from sidegate.wire.lines import LineSplitter, LineTooLong

log = logging.getLogger(__name__)

_COMMAND = re.compile(rb"[A-Z][A-Z-]{0,30}")


_NO_LINGER = struct.pack("ii", 1, 0)


def _reset_at_close(transport: asyncio.Transport) -> None:
    """Make Postfix see at once that a TCP connection is gone.

    It keeps the connection of a sign-in that ended without an answer, and sends the next
    one into it. On a Unix socket that fails, and it connects anew; on TCP only after a reset.
    """
    peer: socket.socket | None = transport.get_extra_info("socket")
    if peer is not None and peer.family != socket.AF_UNIX:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


class LineConnection(asyncio.Protocol):
    """A connection that takes whole chunks of lines and writes once per loop iteration.

    Reading pauses while `full()` says that enough is in hand, and while the other
    side does not read what we write.
    """

    def __init__(self, *, name: str, handshake_timeout: float) -> None:
        self._name = name
        self._handshake_timeout = handshake_timeout
        self._loop = asyncio.get_running_loop()
        self._lines = LineSplitter()
        self._handle: Callable[[bytes], None] = self._first_line
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._open = False
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._reading = True
        self._writable = True
        self._told_unknown = False

    # What a socket's own protocol adds ------------------------------------------------

    def greeted(self) -> None:
        """The other side's version is right: greet it, and set `_handle` to go on."""
        raise NotImplementedError

    def full(self, *, paused: bool) -> bool:
        """Whether nothing more should be read for now."""
        raise NotImplementedError

    # asyncio's side ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the other side to speak first, but not for ever."""
        self._transport = cast(asyncio.Transport, transport)
        self._open = True
        self._timer = self._loop.call_later(self._handshake_timeout, self._handshake_missing)

    def data_received(self, data: bytes) -> None:
        """Handle every line of the chunk at once."""
        try:
            for line in self._lines.feed(data):
                self._handle(line)
                if not self._open:
                    return
        except (BadLine, LineTooLong) as problem:
            self.give_up(str(problem))
        else:
            self.pace()

    def pause_writing(self) -> None:
        """Read nothing more from somebody who does not read."""
        self._writable = False
        self.pace()

    def resume_writing(self) -> None:
        """Go on."""
        self._writable = True
        self.pace()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        """Forget everything."""
        self._open = False
        self._transport = None
        self._out.clear()
        self.handshake_done()
        self.ended.set_result(None)

    # For the protocol of one socket -----------------------------------------------------

    def send(self, reply: bytes) -> None:
        """Write the reply together with the others of this loop iteration."""
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(reply)

    def flush(self) -> None:
        """Write what waits."""
        if self._out and self._transport is not None and self._open:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def pace(self) -> None:
        """Read on, or not, by what is in hand."""
        read_on = self._writable and not self.full(paused=not self._reading)
        if self._transport is None or not self._open or read_on == self._reading:
            return
        self._reading = read_on
        if read_on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def handshake_done(self) -> None:
        """End the handshake's time limit."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def drop(self) -> None:
        """Close after what was written."""
        self.flush()
        self._open = False
        self.handshake_done()
        if self._transport is not None:
            _reset_at_close(self._transport)
            self._transport.close()

    def abort(self) -> None:
        """Close without waiting for the other side to read."""
        if self._transport is not None:
            self._transport.abort()

    def give_up(self, problem: str) -> None:
        """Close because of what the other side did; `problem` never holds what it sent."""
        log.warning("%s: %s; connection closed", self._name, problem)
        self.drop()

    def unknown(self, line: bytes) -> None:
        """Ignore a line of a command that we do not know, saying so once."""
        if self._told_unknown:
            return
        self._told_unknown = True
        found = _COMMAND.fullmatch(line.split(b"\t", 1)[0])
        command = found.group().decode() if found else "unreadable"
        log.warning("%s: unknown command (%s) ignored", self._name, command)

    def _first_line(self, line: bytes) -> None:
        major = parse_version(line)
        if major != MAJOR:
            self.give_up(f"authentication protocol {major}, where this is {MAJOR}")
            return
        self.greeted()

    def _handshake_missing(self) -> None:
        self._timer = None
        self.give_up(f"no handshake within {self._handshake_timeout:g} s")
