"""What the portal's HTTP server serves: `/healthz`, and Django behind a bound."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from django.core.asgi import get_asgi_application

VIEWS_AT_ONCE = 8
"""Views that run at the same time; each holds a thread and a database connection."""
VIEWS_WAITING = 128
"""Requests that may wait for their turn; more are told to come back."""


Health = Callable[[], Awaitable[list[str]]]
"""Names of what does not work now."""


def portal_application(missing: Health, warnings: Health) -> ASGI3Application:
    """The pages and `/healthz`."""
    return _with_health(_bounded(_django()), missing, warnings)


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
    application: ASGI3Application, missing: Health, warnings: Health
) -> ASGI3Application:
    async def healthy(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "http" and scope["path"] == "/healthz":
            found = await missing()
            body = {
                "status": "unavailable" if found else "ok",
                "missing": found,
                "warnings": await warnings(),
            }
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
