"""How mail programs ask for the settings of an address: autoconfig, Autodiscover, PACC.

Public, and the same for every address: no account and no directory is asked, so neither
an answer nor its time tells who there is. Asked under many names (`autoconfig.DOMAIN`,
`autodiscover.DOMAIN`, the domain itself), which is why the pages, bound to one name and to
sessions, do not answer here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sidegate.clients import autoconfig, autodiscover, pacc
from sidegate.clients.offer import Offer
from sidegate.config.endpoints import check_host
from sidegate.config.errors import NotAllowed
from sidegate.doors.http_answers import NO_STORE
from sidegate.doors.http_bodies import Wrong, body_of

AUTODISCOVER = "/autodiscover/autodiscover.xml"

MAX_BODY = 16_384
"""Bytes of what Outlook asks in."""

_HEADERS = {
    **NO_STORE,
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_XML, _JSON = "text/xml; charset=utf-8", "application/json"
_PREFIXES = ("autoconfig.", "autodiscover.", "ua-auto-config.")
_NOT_WHOLE = (
    "No settings: mail is not both read from and sent by servers of this service. "
    "Whoever runs it sets them under [clients].\n"
)
_NO_PACC = "No settings: this form knows TLS at ports 993, 995 and 465 alone.\n"


class SetUpParts(NamedTuple):
    """What the door works with."""

    offer: Offer
    domains: Sequence[str]
    """Those that the operator has named; empty for whichever is asked about."""
    portal_host: str
    autodiscover: str
    """The web address at which the XML of Autodiscover is asked for."""
    how_to: Mapping[str, str]
    """What the page of app passwords is, in each language."""
    now: Callable[[], int]


class SetUpDoor:
    """An ASGI application: it answers its own addresses, and hands all others on."""

    def __init__(self, parts: SetUpParts, *, others: ASGIApp) -> None:
        self._parts = parts
        self._others = others
        self._pacc = pacc.answer(parts.offer)
        self._answers: dict[str, tuple[tuple[str, ...], _Answer]] = {
            "/mail/config-v1.1.xml": (_READ, self._autoconfig),
            "/.well-known/autoconfig/mail/config-v1.1.xml": (_READ, self._autoconfig),
            AUTODISCOVER: ((*_READ, "POST"), self._autodiscover),
            "/autodiscover/autodiscover.json": (_READ, self._autodiscover_json),
            "/.well-known/user-agent-configuration.json": (_READ, self._user_agents),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        # Outlook writes the same path in several ways.
        path = scope["path"].lower() if scope["type"] == "http" else ""
        methods, answer = self._answers.get(path, ((), None))
        if answer is None:
            await self._others(scope, receive, send)
            return
        request = Request(scope, receive)
        if request.method in methods:
            response = await answer(request)
        else:
            response = _said("This address is not asked so.\n", 405, {"Allow": ", ".join(methods)})
        await response(scope, receive, send)

    async def _autoconfig(self, request: Request) -> Response:
        parts = self._parts
        if not parts.offer.is_whole:
            return _said(_NOT_WHOLE, 404)
        address = request.query_params.get("emailaddress", "")
        host = request.headers.get("host", "")
        domain = domain_of(address, host=host, domains=parts.domains, otherwise=parts.portal_host)
        return _answer(autoconfig.answer(parts.offer, domain=domain, how_to=parts.how_to), _XML)

    async def _autodiscover(self, request: Request) -> Response:
        if request.method != "POST":
            return self._no_settings(autodiscover.INVALID_REQUEST)
        try:
            body = await body_of(request, "text/xml", "application/xml", most=MAX_BODY)
            address = autodiscover.asked(body)
        except Wrong as wrong:
            return _said(f"{wrong.text}\n", wrong.status, wrong.headers)
        except autodiscover.NotUnderstood:
            return self._no_settings(autodiscover.INVALID_REQUEST)
        if not self._parts.offer.is_whole:
            return self._no_settings(autodiscover.NO_PROVIDER)
        return _answer(autodiscover.answer(self._parts.offer, address=address), _XML)

    def _no_settings(self, why: tuple[int, str]) -> Response:
        """The error form, which comes with status 200."""
        at = datetime.fromtimestamp(self._parts.now() / 1000, UTC)
        return _answer(autodiscover.error(*why, time=f"{at:%H:%M:%S}"), _XML)

    async def _autodiscover_json(self, request: Request) -> Response:
        asked = {name.lower(): value for name, value in request.query_params.items()}
        if asked.get("protocol", "").lower() != "autodiscoverv1":
            return _answer(autodiscover.no_such_protocol(), _JSON, 400)
        return _answer(autodiscover.leads_to(self._parts.autodiscover), _JSON)

    async def _user_agents(self, _request: Request) -> Response:
        return _said(_NO_PACC, 404) if self._pacc is None else _answer(self._pacc, _JSON)


_READ = ("GET", "HEAD")
_Answer = Callable[[Request], Awaitable[Response]]


def domain_of(address: str, *, host: str, domains: Sequence[str], otherwise: str) -> str:
    """The mail domain that is asked about: that of the address, or of the name we are asked under.

    Where the operator has named domains, one of them; nothing else is looked at, so a
    domain without accounts is answered as one with many.
    """
    under = host.partition(":")[0].lower()
    for prefix in _PREFIXES:
        under = under.removeprefix(prefix)
    for domain in (address.rpartition("@")[2].lower() if "@" in address else "", under):
        if domain in domains or (not domains and _is_host(domain)):
            return domain
    return domains[0] if domains else otherwise


def _is_host(name: str) -> bool:
    try:
        return bool(check_host(name))
    except NotAllowed:
        return False


def _answer(content: bytes, kind: str, status: int = 200) -> Response:
    return Response(content, status, {**_HEADERS, "Content-Type": kind})


def _said(text: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(text, status, {**_HEADERS, **(headers or {})})
