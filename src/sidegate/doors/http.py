"""The HTTP door: `auth_http`, JSON, reports, metrics, their description; behind a token."""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sidegate.decisions.own_questions import OwnQuestions
from sidegate.decisions.ports import Observer, SignIn
from sidegate.doors.asking import Waiting
from sidegate.doors.http_answers import Texts, error, json
from sidegate.doors.http_metrics import Gauges, MetricsDoor
from sidegate.doors.http_nginx import NginxDoor, NginxParts, Upstreams
from sidegate.doors.http_observe import ObserveDoor, ObserveParts
from sidegate.doors.http_openapi import document
from sidegate.doors.http_verify import VerifyDoor, VerifyParts
from sidegate.doors.meter import Meter
from sidegate.doors.rates import Rates

__all__ = ["HttpDoor", "HttpParts", "Upstreams"]

log = logging.getLogger(__name__)

_TELL_EVERY = 60.0
_HOW_TO_SEND_IT = (
    "Send the header Authorization: Bearer TOKEN with the text of the file http-token in"
    " Sidegate's folder of keys; nginx sends it by auth_http_header. A Unix socket needs none."
)


class HttpParts(NamedTuple):
    """What the door works with."""

    sign_in: SignIn
    observer: Observer
    texts: Texts
    upstreams: Upstreams
    meter: Meter
    gauges: Gauges
    now: Callable[[], int]
    refusal_delay: int
    """Milliseconds after which an attempt that could not be read is refused."""
    token: str
    """Empty for a Unix socket alone: its mode and group say who may ask."""
    version: str
    own_questions: OwnQuestions | None = None
    """Where a directory of the operator's is asked."""


class HttpDoor:
    """An ASGI application; `close` ends what waits in it."""

    def __init__(self, parts: HttpParts, *, more: Sequence[Route] = ()) -> None:
        self._waiting = Waiting()
        application = Starlette(
            routes=[*_routes(parts, self._waiting), *more],
            exception_handlers={HTTPException: _http_error, Exception: _mistake},
        )
        application.router.redirect_slashes = False
        self.application: ASGIApp = _Guard(application, token=parts.token, meter=parts.meter)

    def close(self) -> None:
        """Tell whoever waits that we cannot tell now."""
        self._waiting.close()


def _routes(parts: HttpParts, waiting: Waiting) -> list[Route]:
    nginx = NginxDoor(
        NginxParts(
            sign_in=parts.meter.measured(parts.sign_in, door="nginx"),
            waiting=waiting,
            texts=parts.texts,
            upstreams=parts.upstreams,
            now=parts.now,
            refusal_delay=parts.refusal_delay,
        )
    )
    verify = VerifyDoor(
        VerifyParts(
            sign_in=parts.meter.measured(parts.sign_in, door="json"),
            lua=parts.meter.measured(parts.sign_in, door="lua"),
            waiting=waiting,
            texts=parts.texts,
            rates=Rates(clock=time.monotonic),
            now=parts.now,
            own_questions=parts.own_questions,
        )
    )
    observe = ObserveDoor(ObserveParts(observer=parts.observer, now=parts.now))
    described = document(parts.version, token=bool(parts.token))

    async def openapi(_: Request) -> Response:
        return json(described)

    return [
        Route("/nginx", nginx.answer, methods=["GET"]),
        Route("/v1/verify", verify.answer, methods=["POST"]),
        Route("/v1/observe", observe.answer, methods=["POST"]),
        Route("/metrics", MetricsDoor(parts.meter, parts.gauges).answer, methods=["GET"]),
        Route("/openapi.json", openapi, methods=["GET"]),
    ]


class _Guard:
    """Lets nobody in without the token, and counts what is turned away."""

    def __init__(self, application: ASGIApp, *, token: str, meter: Meter) -> None:
        self._application = application
        self._digest = _digest(b"Bearer " + token.encode()) if token else None
        self._meter = meter
        self._told = -_TELL_EVERY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:  # noqa: PLR2004
                self._meter.turned_away[str(message["status"])] += 1
            await send(message)

        application = self._application if self._let_in(scope) else self._refusal(scope)
        await application(scope, receive, counted)

    def _let_in(self, scope: Scope) -> bool:
        if self._digest is None:
            return True
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        # Compared as digests: neither the place of a difference nor the length shows.
        return len(given) == 1 and hmac.compare_digest(_digest(given[0]), self._digest)

    def _refusal(self, scope: Scope) -> ASGIApp:
        if time.monotonic() - self._told >= _TELL_EVERY:
            self._told = time.monotonic()
            client = scope.get("client")
            log.warning(
                "HTTP door: a request from %s without the right token; 401 (said once a minute)",
                client[0] if client else "?",
            )
        return error(401, _HOW_TO_SEND_IT, headers={"WWW-Authenticate": 'Bearer realm="Sidegate"'})


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


async def _http_error(_: Request, problem: Exception) -> Response:
    """404 and 405, in JSON as all errors here."""
    if not isinstance(problem, HTTPException):
        raise problem
    return error(problem.status_code, f"{problem.detail}.", headers=problem.headers)


async def _mistake(_: Request, problem: Exception) -> Response:  # noqa: ARG001 - Starlette's way
    """A mistake of ours; it goes to the log by its traceback, which holds no values."""
    return error(500, "Sidegate failed to answer: see its log.")
