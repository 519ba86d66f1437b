"""`POST /v1/verify`: the one question, in JSON, for anything that is no mail server of its own."""

from __future__ import annotations

import ipaddress
import json as std_json
from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from sidegate.decisions.own_questions import OwnQuestions
from sidegate.decisions.ports import SignIn
from sidegate.decisions.words import Allow, Attempt, CannotTell, Protocol, Reason, Refuse, Verdict
from sidegate.doors.asking import Waiting
from sidegate.doors.http_answers import Texts, error, json
from sidegate.doors.http_bodies import Wrong, body_of
from sidegate.doors.rates import Rates
from sidegate.wire.program import MAX_PROGRAM, program_of
from sidegate.wire.text import one_line

MAX_BODY = 8192
"""Bytes of a request."""

MAX_TEXT = 1024
"""Characters in a login, a secret or a client id."""

NOT_MINE = "not-mine"
"""Why a refusal is none: the asker judges account passwords itself."""

_JSON = "application/json"
_REQUIRED = ("login", "secret", "protocol", "client_ip")
_OPTIONAL = ("client_id", "tls", "session", "from_directory")
_PROTOCOLS = ", ".join(Protocol)


class VerifyParts(NamedTuple):
    """What the endpoint works with."""

    sign_in: SignIn
    lua: SignIn
    """The same, counted apart: what the operator's own directory asks."""
    waiting: Waiting
    texts: Texts
    rates: Rates
    now: Callable[[], int]
    own_questions: OwnQuestions | None
    """`None` where we ask no directory."""


class VerifyDoor:
    """Answers `allow`, `refuse` or `unavailable`."""

    def __init__(self, parts: VerifyParts) -> None:
        self._parts = parts

    async def answer(self, request: Request) -> Response:
        """One question."""
        arrived = self._parts.now()
        caller = request.client.host if request.client else "the Unix socket"
        if not self._parts.rates.allows(caller):
            return error(429, "Too many requests a second.", headers={"Retry-After": "1"})
        try:
            attempt = _attempt(_parsed(await body_of(request, _JSON, most=MAX_BODY)), arrived)
        except Wrong as wrong:
            return error(wrong.status, wrong.text, headers=wrong.headers)
        return json(_answer(await self._verdict(attempt), self._parts.texts))

    async def _verdict(self, attempt: Attempt) -> Verdict:
        parts, own = self._parts, self._parts.own_questions
        if own is not None and own.knows(
            attempt.session, login=attempt.login, secret=attempt.secret, now=attempt.arrived
        ):
            return Refuse(Reason.NOT_MINE)  # for that we asked: the next passdb there
        return await parts.waiting.ask(
            parts.lua if attempt.from_directory else parts.sign_in, attempt
        )


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = std_json.loads(body.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise Wrong(400, "The body is not JSON in UTF-8, each name once.") from None
    if not isinstance(found, dict):
        raise Wrong(422, "The body is not a JSON object.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _attempt(body: dict[str, Any], arrived: int) -> Attempt:
    for name in _REQUIRED:
        if name not in body:
            raise Wrong(422, f"{name} is missing.")
    if not set(body) <= {*_REQUIRED, *_OPTIONAL}:
        raise Wrong(422, f"Allowed are {', '.join((*_REQUIRED, *_OPTIONAL))} and nothing else.")
    return Attempt(
        login=_text(body, "login"),
        secret=_text(body, "secret"),
        protocol=_protocol(body["protocol"]),
        address=_address(body["client_ip"]),
        program=_program(_text(body, "client_id", least=0)),
        tls=_truth(body, "tls"),
        session=_text(body, "session", least=0),
        authzid="",
        arrived=arrived,
        from_directory=_truth(body, "from_directory"),
    )


def _text(body: dict[str, Any], name: str, *, least: int = 1) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or not least <= len(value) <= MAX_TEXT or "\0" in value:
        raise Wrong(422, f"{name} has to be a text of {least} to {MAX_TEXT} characters, no NUL.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Wrong(422, f"{name} holds half a surrogate pair.") from None
    return value


def _program(text: str) -> str:
    """What the program calls itself: a name, or the whole IMAP ID as Dovecot's Lua has it."""
    named = program_of(text.encode()) if text.startswith('"') else ""
    return named or one_line(text, MAX_PROGRAM)


def _protocol(value: object) -> Protocol:
    if not isinstance(value, str) or value not in tuple(Protocol):
        raise Wrong(422, f"protocol has to be one of {_PROTOCOLS}.")
    return Protocol(value)


def _address(value: object) -> str:
    try:
        if isinstance(value, str) and "%" not in value:
            return str(ipaddress.ip_address(value))
    except ValueError:
        pass
    raise Wrong(422, "client_ip has to be an IPv4 or IPv6 address.")


def _truth(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise Wrong(422, f"{name} has to be true or false.")
    return value


def _answer(verdict: Verdict, texts: Texts) -> dict[str, str]:
    match verdict:
        case Allow():
            return {
                "verdict": "allow",
                "account": verdict.account,
                "credential": verdict.credential.value,
                "text": "",
            }
        case Refuse(reason=Reason.ACCOUNT_DISABLED):
            # The decision gives this reason behind a right secret alone.
            return {"verdict": "refuse", "text": texts.disabled}
        case Refuse(reason=Reason.NOT_MINE):
            return {"verdict": "refuse", "why": NOT_MINE, "text": texts.refusal}
        case Refuse():
            return {"verdict": "refuse", "text": texts.refusal}
        case CannotTell():
            return {
                "verdict": "unavailable",
                "why": verdict.why.value,
                "text": texts.cannot_tell,
            }
