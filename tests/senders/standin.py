"""A stand-in for gateways that are services of others: an HTTP server that keeps each request,
byte by byte, and answers what the test wants. It is none of the real services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import NamedTuple


class Request(NamedTuple):
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


class Wanted(NamedTuple):
    """How to answer one request."""

    status: int = 200
    body: bytes = b""
    delay: float = 0.0
    headers: str = ""
    drop: bool = False
    """Close the connection once the request is read, without a word."""


@dataclass
class StandIn:
    """A running one. Answers are given in order; the last one stays."""

    port: int = 0
    answers: list[Wanted] = field(default_factory=lambda: [Wanted()])
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, *answers: Wanted) -> None:
        self.answers = list(answers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.requests.append(await _request(reader))
            wanted = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            await asyncio.sleep(wanted.delay)
            if not wanted.drop:
                head = f"HTTP/1.1 {wanted.status} Said\r\nContent-Length: {len(wanted.body)}\r\n"
                writer.write(f"{head}{wanted.headers}Connection: close\r\n\r\n".encode())
                writer.write(wanted.body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # whoever asked went away
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in rest)}
    return Request(line, headers, await reader.readexactly(int(headers.get("content-length", 0))))


@asynccontextmanager
async def stand_in(tls: SSLContext | None = None) -> AsyncIterator[StandIn]:
    made = StandIn()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made
