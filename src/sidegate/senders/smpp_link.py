"""One SMPP 3.4 session: bound as transceiver, requests and their answers, until it breaks.

`smpplib` makes and reads the PDUs; its own client blocks, sends TLS no server name, and
logs each PDU, so connection and time-outs are ours. What arrives from the centre is never
trusted to be well-formed: a PDU that cannot be read ends the session.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable
from ssl import SSLContext
from typing import Any

from smpplib import smpp
from smpplib.client import SimpleSequenceGenerator

CONNECTING = 5.0
"""Seconds for a connection and its TLS."""
ANSWERING = 15.0
"""Seconds for the answer to a request."""
_LONGEST_PDU = 64 * 1024
_HEADER = 16

Pdu = Any
"""`smpplib` publishes no types."""


class Broken(Exception):  # noqa: N818 - what the session is then
    """The session ended before the answer came."""


class Link:
    """An open session. `delivered` is called with each `deliver_sm`, on the event loop."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        delivered: Callable[[Pdu], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._delivered = delivered
        self._sequences = SimpleSequenceGenerator()
        self._waiting: dict[int, asyncio.Future[Pdu]] = {}
        self._heard = asyncio.get_running_loop().time()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        *,
        tls: SSLContext | None,
        delivered: Callable[[Pdu], None],
    ) -> Link:
        """Connect. Raises `TimeoutError`, or `OSError` with TLS's own among them."""
        async with asyncio.timeout(CONNECTING):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        return cls(reader, writer, delivered)

    @property
    def is_open(self) -> bool:
        """Nothing has ended it yet."""
        return not self._reading.done()

    @property
    def quiet_for(self) -> float:
        """Seconds since anything was heard."""
        return asyncio.get_running_loop().time() - self._heard

    async def ask(self, command: str, *, patience: float | None = None, **fields: object) -> Pdu:
        """Send a request and give its answer, whatever its status.

        Raises `Broken` where the session ended, `TimeoutError` where no answer came.
        """
        pdu = smpp.make_pdu(command, client=self._sequences, **fields)
        if not self.is_open:
            raise Broken
        answer = asyncio.get_running_loop().create_future()
        self._waiting[pdu.sequence] = answer
        try:
            self._write(pdu)
            async with asyncio.timeout(patience or ANSWERING):
                return await answer
        finally:
            self._waiting.pop(pdu.sequence, None)

    async def ended(self) -> None:
        """Wait until it has ended."""
        await asyncio.wait([self._reading])

    async def close(self) -> None:
        """Take leave, and let go."""
        with contextlib.suppress(Broken, TimeoutError):
            await self.ask("unbind", patience=1.0)
        self.drop()
        await self.ended()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def drop(self) -> None:
        """End it now."""
        self._writer.transport.abort()
        self._reading.cancel()

    def _write(self, pdu: Pdu) -> None:
        self._writer.write(pdu.generate())

    async def _read(self) -> None:
        try:
            while True:
                pdu = await self._next()
                self._heard = asyncio.get_running_loop().time()
                if pdu.command == "unbind":
                    self._write(self._answer_to(pdu, "unbind_resp"))
                    return
                self._take(pdu)
        except (OSError, EOFError, ValueError):
            return
        finally:
            self._writer.close()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(Broken())

    async def _next(self) -> Pdu:
        head = await self._reader.readexactly(4)
        (length,) = struct.unpack(">L", head)
        if not _HEADER <= length <= _LONGEST_PDU:
            raise ValueError("no PDU has this length")
        raw = head + await self._reader.readexactly(length - 4)
        try:
            pdu = smpp.parse_pdu(raw, client=self._sequences, allow_unknown_opt_params=True)
        except Exception:  # noqa: BLE001 - the library raises whatever its parsing runs into
            pdu = None
        if pdu is None:
            raise ValueError("a PDU that cannot be read") from None
        return pdu

    def _take(self, pdu: Pdu) -> None:
        if pdu.command == "deliver_sm":
            self._write(self._answer_to(pdu, "deliver_sm_resp"))
            self._delivered(pdu)
        elif pdu.command == "enquire_link":
            self._write(self._answer_to(pdu, "enquire_link_resp"))
        elif pdu.is_response():
            answer = self._waiting.get(pdu.sequence)
            if answer is not None and not answer.done():  # a second answer is none
                answer.set_result(pdu)

    def _answer_to(self, pdu: Pdu, command: str) -> Pdu:
        answer = smpp.make_pdu(command, client=self._sequences)
        answer.sequence = pdu.sequence
        return answer
