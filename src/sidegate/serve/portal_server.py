"""What the portal's HTTP server serves: `/healthz`, set-up answers, and Django behind a bound."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from django.core.asgi import get_asgi_application
from starlette.types import ASGIApp

from sidegate import texts
from sidegate.accounts.context import Context
from sidegate.clients.offer import offer_of
from sidegate.config.options import languages
from sidegate.doors.set_up import AUTODISCOVER, SetUpDoor, SetUpParts

VIEWS_AT_ONCE = 8
"""Views that run at the same time; each holds a thread and a database connection."""
VIEWS_WAITING = 128
"""Requests that may wait for their turn; more are told to come back."""


Health = Callable[[], Awaitable[list[str]]]
"""Names of what does not work now."""


def portal_application(ctx: Context, missing: Health, warnings: Health) -> ASGI3Application:
    """The pages, what mail programs ask for, and `/healthz`."""
    pages = cast("ASGIApp", _bounded(_django()))
    answers = cast("ASGI3Application", SetUpDoor(_set_up_parts(ctx), others=pages))
    return _with_health(answers, missing, warnings)


def _set_up_parts(ctx: Context) -> SetUpParts:
    config = ctx.config
    return SetUpParts(
        offer=offer_of(config),
        domains=config.clients.domains,
        portal_host=config.portal_host,
        autodiscover=config.server.url.rstrip("/") + AUTODISCOVER,
        how_to={language: texts.app_passwords_page(language) for language in languages()},
        now=ctx.now,
    )


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
