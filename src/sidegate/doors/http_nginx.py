"""`GET /nginx`: nginx's `auth_http` for IMAP, POP3 and SMTP."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from sidegate.config import TcpEndpoint
from sidegate.decisions.ports import SignIn
from sidegate.decisions.words import (
    PROTOCOL_NAMES,
    Allow,
    Attempt,
    CannotTell,
    Protocol,
    Reason,
    Refuse,
    Verdict,
    Why,
)
from sidegate.doors.asking import Waiting
from sidegate.doors.http_answers import Texts, error
from sidegate.doors.replies import ACCOUNT
from sidegate.wire import auth_http
from sidegate.wire.auth_http import Headers, NginxRequest
from sidegate.wire.sasl import Malformed

log = logging.getLogger(__name__)


class Form(NamedTuple):
    """How one protocol says no: what stands before the text, and SMTP's code."""

    refused: str
    unavailable: str
    throttled: str
    refused_code: int | None = None
    temporary_code: int | None = None


FORMS = {
    Protocol.IMAP: Form("[ALERT]", "[UNAVAILABLE]", "[LIMIT]"),
    Protocol.POP3: Form("[AUTH]", "[SYS/TEMP]", "[SYS/TEMP]"),
    Protocol.SUBMISSION: Form("5.7.8", "4.7.0", "4.7.0", 535, 454),
}


class Upstreams(NamedTuple):
    """Where nginx goes on to, and under which name."""

    servers: Mapping[Protocol, TcpEndpoint]
    user: str = ACCOUNT
    password: str = ""
    """Empty: the password that was given is passed on."""

    def __repr__(self) -> str:
        return f"Upstreams(servers={dict(self.servers)!r}, user={self.user!r})"


class NginxParts(NamedTuple):
    """What the endpoint works with."""

    sign_in: SignIn
    waiting: Waiting
    texts: Texts
    upstreams: Upstreams
    now: Callable[[], int]
    refusal_delay: int
    """Milliseconds after which an attempt that could not be read is refused."""


class NginxDoor:
    """Answers each request in the form of the protocol that nginx speaks for."""

    def __init__(self, parts: NginxParts) -> None:
        self._parts = parts
        self._told: set[str] = set()

    async def answer(self, request: Request) -> Response:
        """One `auth_http` request."""
        arrived = self._parts.now()
        try:
            asked = auth_http.parse(request.headers.raw)
            protocol = _protocol(asked)
        except auth_http.NotAsked as problem:
            return error(400, f"This is where nginx asks by auth_http: {problem}.")
        verdict = await self._verdict(asked, protocol, arrived)
        return _response(self._headers(verdict, protocol))

    async def _verdict(self, asked: NginxRequest, protocol: Protocol, arrived: int) -> Verdict:
        parts = self._parts
        if protocol not in parts.upstreams.servers:
            self._tell(
                f"nginx asks for {protocol}, and [upstream] {protocol} names no server to go on to:"
                " every such sign-in gets a temporary refusal"
            )
            return CannotTell(Why.OUTAGE)
        try:
            login, secret = _credentials(asked)
        except Malformed as problem:
            self._tell_unread(asked, str(problem))
            return await parts.waiting.refuse_unread(parts.refusal_delay)
        attempt = Attempt(
            login=login,
            secret=secret,
            protocol=protocol,
            address=asked.address,
            program="",
            tls=asked.tls,
            session="",
            authzid="",
            arrived=arrived,
        )
        return await parts.waiting.ask(parts.sign_in, attempt)

    def _headers(self, verdict: Verdict, protocol: Protocol) -> Headers:
        texts, form = self._parts.texts, FORMS[protocol]
        match verdict:
            case Allow():
                return self._go_on(verdict, protocol)
            case Refuse(reason=Reason.ACCOUNT_DISABLED):
                # The decision gives this reason behind a right secret alone.
                return _no(form.refused, texts.disabled, form.refused_code)
            case Refuse():
                return _no(form.refused, texts.refusal, form.refused_code)
            case CannotTell(why=Why.THROTTLED):
                return _no(form.throttled, texts.cannot_tell, form.temporary_code)
            case CannotTell():
                return _no(form.unavailable, texts.cannot_tell, form.temporary_code)

    def _go_on(self, verdict: Allow, protocol: Protocol) -> Headers:
        upstreams = self._parts.upstreams
        server = upstreams.servers[protocol]
        try:
            return auth_http.go_on(
                address=server.host,
                port=server.port,
                user=upstreams.user.replace(ACCOUNT, verdict.account),
                password=upstreams.password or None,
            )
        except ValueError as problem:
            log.warning("nginx cannot be told where to go on: %s", problem)
            return self._headers(CannotTell(Why.OUTAGE), protocol)

    def _tell_unread(self, asked: NginxRequest, problem: str) -> None:
        log.info("nginx: a sign-in from %s was not read: %s", asked.address or "?", problem)
        if asked.method != auth_http.PASSWORD_METHOD:
            self._tell(
                f"nginx offers {asked.protocol} sign-ins without a password to look at:"
                " leave imap_auth, pop3_auth and smtp_auth at plain and login; refused"
            )

    def _tell(self, text: str) -> None:
        """Once: nginx would ask again and again."""
        if text not in self._told:
            self._told.add(text)
            log.warning("%s", text)


def _protocol(asked: NginxRequest) -> Protocol:
    protocol = PROTOCOL_NAMES.get(asked.protocol)
    if protocol not in FORMS:
        raise auth_http.NotAsked("auth-protocol is none of imap, pop3 and smtp")
    return protocol


def _credentials(asked: NginxRequest) -> auth_http.NginxCredentials:
    if asked.method != auth_http.PASSWORD_METHOD:
        raise Malformed("a method that shows no password")
    return auth_http.credentials(asked)


def _no(what: str, text: str, code: int | None) -> Headers:
    return auth_http.say(f"{what} {text}", error_code=code)


def _response(headers: Headers) -> Response:
    response = Response(status_code=200)
    response.raw_headers += [*headers, (b"Cache-Control", b"no-store")]
    return response
