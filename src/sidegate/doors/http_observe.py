"""`POST /v1/observe`: an operator's own Dovecot reports each sign-in, after it is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from sidegate.decisions.observing import Observed
from sidegate.decisions.ports import Observer
from sidegate.decisions.words import PROTOCOL_NAMES, Protocol
from sidegate.doors.http_answers import NO_STORE, error, json
from sidegate.doors.http_bodies import Wrong, body_of
from sidegate.wire import auth_policy

MAX_BODY = 16_384
"""Bytes of a report: an IMAP ID may be long."""


class ObserveParts(NamedTuple):
    """What the endpoint works with."""

    observer: Observer
    now: Callable[[], int]


class ObserveDoor:
    """Takes each report, and answers before anything is done with it."""

    def __init__(self, parts: ObserveParts) -> None:
        self._parts = parts

    async def answer(self, request: Request) -> Response:
        """One report."""
        arrived = self._parts.now()
        if request.query_params.get("command") == "allow":
            # Asked before a sign-in, against our lines: nobody is refused and nobody waits.
            return json({"status": 0, "msg": ""})
        try:
            report = auth_policy.parse(await body_of(request, "application/json", most=MAX_BODY))
        except Wrong as wrong:
            return error(wrong.status, wrong.text, headers=wrong.headers)
        except auth_policy.BadReport as problem:
            return error(422, str(problem))
        observed = _observed(report, arrived)
        if observed is not None:
            self._parts.observer.observe(observed)
        return Response(status_code=204, headers=NO_STORE)


def _observed(report: auth_policy.Report, arrived: int) -> Observed | None:
    """What counts: an owner's own right password, given by a mail program.

    A failure says nothing of who would be refused, and a master's sign-in nothing of the
    owner's programs. Dovecot's sign-in processes name the session; Postfix cannot. Without
    a session it was something else that asked the same Dovecot: our own portal, for one.
    """
    protocol = PROTOCOL_NAMES.get(report.protocol)
    if not report.success or report.master or protocol is None:
        return None
    if not report.session and protocol is not Protocol.SUBMISSION:
        return None
    return Observed(
        login=report.login,
        protocol=protocol,
        address=report.address,
        program=report.program,
        mechanism=report.mechanism,
        at=arrived,
    )
