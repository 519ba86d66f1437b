"""The portal's HTTP server: uvicorn in our event loop, Django behind a bound."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import cast

import uvicorn
from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from django.core.asgi import get_asgi_application

from sidegate.config import Endpoint, UnixEndpoint

log = logging.getLogger(__name__)

VIEWS_AT_ONCE = 8
"""Views that run at the same time; each holds a thread and a database connection."""
VIEWS_WAITING = 128
"""Requests that may wait for their turn; more are told to come back."""
_STOP_SECONDS = 2


class PortalServer:
    """Serves the pages and `/healthz` on one endpoint."""

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        trusted_proxies: tuple[str, ...],
        missing: Callable[[], Awaitable[list[str]]],
    ) -> None:
        self._socket = _bound(endpoint)
        options = uvicorn.Config(
            _with_health(_bounded(_django()), missing),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            loop="none",
            ws="none",
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        self._server = _Uvicorn(options)
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, failed: asyncio.Event) -> None:
        """Serve from now on; sets `failed` where the server ends by itself."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        self._task.add_done_callback(lambda _: failed.set())
        while not self._server.started and not self._task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Take nothing new, let what runs end, at most two seconds."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_STOP_SECONDS + 1)
        self._socket.close()


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the house."""
        yield


def _bound(endpoint: Endpoint) -> socket.socket:
    if isinstance(endpoint, UnixEndpoint):
        endpoint.path.unlink(missing_ok=True)
        bound = socket.socket(socket.AF_UNIX)
        bound.bind(os.fspath(endpoint.path))
        endpoint.path.chmod(0o660)
        return bound
    try:
        return socket.create_server(
            (endpoint.host, endpoint.port),
            family=socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET,
            backlog=512,
        )
    except OSError as problem:
        raise OSError(problem.errno, f"{endpoint}: {problem.strerror}") from None


def _django() -> ASGI3Application:
    return cast("ASGI3Application", get_asgi_application())


def _bounded(application: ASGI3Application) -> ASGI3Application:
    places = asyncio.Semaphore(VIEWS_AT_ONCE)
    waiting = 0

    async def bounded(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        nonlocal waiting
        if waiting >= VIEWS_WAITING:
            await _answer(send, 503, b"Too much to do just now. Try again in a minute.\n")
            return
        waiting += 1
        try:
            async with places:
                await application(scope, receive, send)
        finally:
            waiting -= 1

    return bounded


def _with_health(
    application: ASGI3Application, missing: Callable[[], Awaitable[list[str]]]
) -> ASGI3Application:
    async def healthy(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "http" and scope["path"] == "/healthz":
            found = await missing()
            body = {"status": "unavailable" if found else "ok", "missing": found, "warnings": []}
            await _answer(
                send, 503 if found else 200, json.dumps(body).encode(), b"application/json"
            )
            return
        await application(scope, receive, send)

    return healthy


async def _answer(
    send: ASGISendCallable, status: int, body: bytes, kind: bytes = b"text/plain; charset=utf-8"
) -> None:
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send(
        {"type": "http.response.start", "status": status, "headers": headers, "trailers": False}
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})
