"""A running HTTP door over a null sign-in, in a thread of its own, and a plain way to ask it."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from child import free_ports
from doors.nullparts import REFUSAL_DELAY, NullObserver, NullSignIn
from sidegate.config import Endpoint, TcpEndpoint, UnixEndpoint
from sidegate.decisions.own_questions import OwnQuestions
from sidegate.decisions.words import Protocol
from sidegate.doors.http import HttpDoor, HttpParts
from sidegate.doors.http_answers import texts
from sidegate.doors.http_metrics import Gauge
from sidegate.doors.http_nginx import Upstreams
from sidegate.doors.meter import Meter
from sidegate.serve.http_server import HttpServer

TOKEN = "t" * 43
REFUSAL = "Sign-in refused. Use an app password: https://example.test/x"
DISABLED = "This account is disabled."
CANNOT_TELL = "Not just now."
OWN = OwnQuestions(b"k" * 32)
UPSTREAMS = Upstreams(
    servers={
        Protocol.IMAP: TcpEndpoint("127.0.0.1", 10143),
        Protocol.POP3: TcpEndpoint("::1", 10110),
        Protocol.SUBMISSION: TcpEndpoint("127.0.0.1", 10587),
    }
)


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class RunningHttp:
    """The door, its sign-in, and where it listens."""

    endpoint: Endpoint
    sign_in: NullSignIn
    observer: NullObserver
    door: HttpDoor
    loop: asyncio.AbstractEventLoop
    token: str = TOKEN
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.endpoint}"

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        started = time.monotonic()
        connection = http.client.HTTPConnection("localhost", timeout=10)
        connection.sock = self._connected()
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        connection.request(method, path, body=body, headers=sent | dict(headers or {}))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        seconds = time.monotonic() - started
        return Answer(answer.status, dict(answer.getheaders()), content, seconds)

    def verify(self, body: object, *, kind: str = "application/json") -> Answer:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", "/v1/verify", headers={"Content-Type": kind}, body=content)

    def nginx(self, **headers: str) -> Answer:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("GET", "/nginx", headers=names)

    def _connected(self) -> socket.socket:
        if isinstance(self.endpoint, TcpEndpoint):
            return socket.create_connection(self.endpoint, timeout=10)
        connected = socket.socket(socket.AF_UNIX)
        connected.settimeout(10)
        connected.connect(str(self.endpoint.path))
        return connected


@contextmanager
def running_http(
    *,
    path: Path | None = None,
    upstreams: Upstreams = UPSTREAMS,
    trusted_proxies: tuple[str, ...] = (),
    refusal_delay: int = REFUSAL_DELAY,
) -> Iterator[RunningHttp]:
    """On a free port, or on a Unix socket without a token."""
    endpoint = UnixEndpoint(path) if path else TcpEndpoint("127.0.0.1", free_ports(1)[0])
    token = "" if path else TOKEN
    sign_in, observer = NullSignIn(refusal_delay), NullObserver()
    door = HttpDoor(
        HttpParts(
            sign_in=sign_in,
            observer=observer,
            texts=texts(refusal=REFUSAL, disabled=DISABLED, cannot_tell=CANNOT_TELL),
            upstreams=upstreams,
            meter=Meter(),
            gauges=_gauges,
            now=lambda: time.time_ns() // 1_000_000,
            refusal_delay=refusal_delay,
            token=token,
            version="1.2.3",
            own_questions=OWN,
        )
    )
    with _loop() as (loop, call):
        server = HttpServer(
            door.application, endpoint=endpoint, trusted_proxies=trusted_proxies, stop_seconds=1
        )
        call(server.start(failed=lambda: None))
        try:
            yield RunningHttp(endpoint, sign_in, observer, door, loop, token)
        finally:
            loop.call_soon_threadsafe(door.close)
            call(server.stop())


async def _gauges() -> Mapping[str, Gauge]:
    return {
        "events_waiting": Gauge("Events.", 3),
        "by_prefix": Gauge("Codes.", label="prefix", values={"+371200": 2}),
    }


@contextmanager
def _loop() -> Iterator[
    tuple[asyncio.AbstractEventLoop, Callable[[Coroutine[Any, Any, None]], None]]
]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def call(work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(10)

    try:
        yield loop, call
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
