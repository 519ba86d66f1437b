"""uvicorn in our event loop, on one endpoint: for the pages and for the HTTP door."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import cast

import uvicorn
from asgiref.typing import ASGI3Application

from sidegate.config import Endpoint, UnixEndpoint
from sidegate.doors.listeners import bind


class HttpServer:
    """Serves one application; binds at once and listens from `start` on."""

    def __init__(
        self,
        application: object,
        *,
        endpoint: Endpoint,
        trusted_proxies: tuple[str, ...],
        socket_mode: int = 0o660,
        socket_group: str = "",
        stop_seconds: int = 2,
    ) -> None:
        self._stop_seconds = stop_seconds
        self._socket = bind(endpoint, mode=socket_mode, group=socket_group)
        self._path = endpoint.path if isinstance(endpoint, UnixEndpoint) else None
        self._inode = self._path.lstat().st_ino if self._path is not None else 0
        options = uvicorn.Config(
            cast("ASGI3Application", application),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            loop="none",
            ws="none",
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            timeout_graceful_shutdown=stop_seconds,
        )
        self._server = _Uvicorn(options)
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, failed: Callable[[], None]) -> None:
        """Serve from now on; calls `failed` where the server ends by itself."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        self._task.add_done_callback(lambda _: failed())
        while not self._server.started and not self._task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Take nothing new, and let what runs end, for a short while."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait([self._task], timeout=self._stop_seconds + 1)
        self._socket.close()
        if self._path is not None:
            with contextlib.suppress(FileNotFoundError):
                if self._path.lstat().st_ino == self._inode:
                    self._path.unlink()


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the house."""
        yield
