"""The client socket: login processes, Postfix and Exim ask whether a login may come in."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import logging
import os
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

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
from sidegate.doors.replies import Replies
from sidegate.doors.stream import LineConnection
from sidegate.wire import dovecot_auth as wire
from sidegate.wire import sasl
from sidegate.wire.text import one_line

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 16384
"""Sign-ins under way on one connection; beyond it, nothing more is read.

A refusal stays under way for the whole refusal delay, so that this bounds refusals
a second (8,192 at 2 s), while it keeps one connection below some 32 MB.
"""

MAX_TALKS = 1024
"""Sign-ins on one connection that wait for the program's next message."""

TICKET_SECONDS = 150.0
"""How long an OK waits for the master's REQUEST: Dovecot's AUTH_REQUEST_TIMEOUT_SECS."""

MAX_TICKETS = 4096
"""OKs of one connection that wait for the master; the oldest is forgotten."""

GREET_ANYWAY = 0.2
"""Seconds after which a client that says nothing is greeted: Exim waits to be."""

_RESUME_AT = MAX_IN_FLIGHT * 3 // 4
_NO_MECHANISM = b"Unsupported authentication mechanism"


class Ticket(NamedTuple):
    """An OK that a master may ask for once."""

    verdict: Allow
    protocol: Protocol
    address: str
    given: float


class Talk(NamedTuple):
    """A request that waits for the program's next message."""

    request: wire.AuthRequest
    name: bytes | None
    """LOGIN's first answer, once it is there."""


class Clients:
    """The living client connections, by the process that each says it is."""

    def __init__(self) -> None:
        self._by_process: dict[bytes, list[ClientConnection]] = {}

    def add(self, process: bytes, connection: ClientConnection) -> None:
        """Remember a connection; process ids of two containers may be the same."""
        self._by_process.setdefault(process, []).append(connection)

    def remove(self, process: bytes, connection: ClientConnection) -> None:
        """Forget it, and with it what it was told."""
        others = [one for one in self._by_process.get(process, ()) if one is not connection]
        if others:
            self._by_process[process] = others
        else:
            self._by_process.pop(process, None)

    def claim(self, asked: wire.MasterRequest, at: float) -> Ticket | None:
        """The OK that a master asks for; the cookie proves that a login process sent it.

        Each connection has a cookie of its own, as in Dovecot, so that a process id
        alone never leads to somebody else's sign-in.
        """
        cookie = asked.cookie.lower()
        for connection in self._by_process.get(asked.client_process, ()):
            if hmac.compare_digest(connection.cookie, cookie):
                return connection.take(asked.client_request, at)
        return None


class ClientParts(NamedTuple):
    """What every client connection of a door works with."""

    sign_in: SignIn
    replies: Replies
    clients: Clients
    now: Callable[[], int]
    refusal_delay: int
    """Milliseconds after which an attempt that could not be read is refused."""
    numbers: itertools.count[int]


class ClientConnection(LineConnection):
    """One login process, or one Postfix or Exim process."""

    def __init__(self, parts: ClientParts, *, name: str, handshake_timeout: float) -> None:
        super().__init__(name=name, handshake_timeout=handshake_timeout)
        self._parts = parts
        self._submit = parts.sign_in.submit
        self.cookie = os.urandom(16).hex().encode()
        self._process = b""
        self._arrived = 0
        self._in_flight = 0
        self._pending: dict[bytes, wire.AuthRequest] = {}
        self._talks: dict[bytes, Talk] = {}
        self._tickets: OrderedDict[bytes, Ticket] = OrderedDict()
        self._told_service = False
        self._closing = False
        self._greeting: asyncio.TimerHandle | None = None

    # Handshake and stream -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the other side to speak first, and do not let Exim wait for us."""
        super().connection_made(transport)
        self._greeting = self._loop.call_later(GREET_ANYWAY, self._greet)

    def greeted(self) -> None:
        """Send our side of the handshake; 2.4 wants it after its own version only."""
        self._greet()
        self._handle = self._second_line

    def handshake_done(self) -> None:
        """End the handshake's time limits."""
        super().handshake_done()
        self._forget_greeting()

    def _greet(self) -> None:
        if self._greeting is None:
            return
        self._forget_greeting()
        self.send(
            wire.client_handshake(
                process=os.getpid(), connection=next(self._parts.numbers), cookie=self.cookie
            )
        )

    def _forget_greeting(self) -> None:
        if self._greeting is not None:
            self._greeting.cancel()
            self._greeting = None

    def _second_line(self, line: bytes) -> None:
        if not line.startswith(b"CPID\t"):
            raise wire.BadLine("CPID has to follow VERSION")
        self._process = wire.parse_process_id(line)
        self._name = f"{self._name} (process {self._process.decode()})"
        self._parts.clients.add(self._process, self)
        self.handshake_done()
        self._handle = self._request

    def data_received(self, data: bytes) -> None:
        """Handle the chunk; everything in it arrived now."""
        self._arrived = self._parts.now()
        super().data_received(data)

    def full(self, *, paused: bool) -> bool:
        """Enough sign-ins are under way."""
        return self._in_flight >= (_RESUME_AT if paused else MAX_IN_FLIGHT)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever asked is gone: nothing of theirs is answered or kept."""
        super().connection_lost(exc)
        self._forget()

    def drop(self) -> None:
        """Close; nothing of this connection is answered or kept any more."""
        super().drop()
        self._forget()

    def _forget(self) -> None:
        self._parts.clients.remove(self._process, self)
        self._pending.clear()
        self._talks.clear()
        self._tickets.clear()

    def shut(self) -> None:
        """End: whoever waits is told that we cannot tell now."""
        waiting = [*self._pending.values(), *(talk.request for talk in self._talks.values())]
        for request in waiting:
            reply = Replies.cannot_tell(request)
            if reply is not None:
                self.send(reply)
        self._pending.clear()
        self._talks.clear()
        self._closing = True

    def take(self, request: bytes, at: float) -> Ticket | None:
        """The OK of this request, once, and not for ever."""
        ticket = self._tickets.pop(request, None)
        return ticket if ticket and at - ticket.given <= TICKET_SECONDS else None

    # Commands -----------------------------------------------------------------------------

    def _request(self, line: bytes) -> None:
        if line.startswith(b"AUTH\t"):
            self._begin(wire.parse_auth(line))
        elif line.startswith(b"CONT\t"):
            self._continue(wire.parse_continuation(line))
        elif line.startswith(b"CANCEL\t"):
            self._cancel(wire.parse_cancel(line))
        else:
            self.unknown(line)

    def _begin(self, request: wire.AuthRequest) -> None:
        if request.id in self._pending or request.id in self._talks:
            raise wire.BadLine("an id that is still in use")
        if self._closing:
            # Dovecot would make a wrong password of a connection that only ends.
            self._reply(request, Replies.cannot_tell(request))
        elif request.mechanism == b"PLAIN":
            if request.response:
                self._read(request, sasl.plain, request.response)
            else:
                self._ask(Talk(request, None), b"")
        elif request.mechanism != b"LOGIN":
            self.send(wire.fail(request.id, reason=_NO_MECHANISM))
        elif request.response:
            self._ask(Talk(request, request.response), sasl.LOGIN_PASSWORD)
        else:
            self._ask(Talk(request, None), sasl.LOGIN_USERNAME)

    def _ask(self, talk: Talk, challenge: bytes) -> None:
        request = talk.request
        if len(self._talks) >= MAX_TALKS:
            self._reply(request, Replies.cannot_tell(request))
            return
        self._talks[request.id] = talk
        self.send(wire.challenge(request.id, challenge))

    def _continue(self, continuation: wire.Continuation) -> None:
        talk = self._talks.pop(continuation.id, None)
        if talk is None:
            # It was cancelled, or answered: the other side has not read that yet.
            return
        request, name = talk
        if request.mechanism == b"PLAIN":
            self._read(request, sasl.plain, continuation.response)
        elif name is None:
            self._ask(Talk(request, continuation.response), sasl.LOGIN_PASSWORD)
        else:
            self._read(request, sasl.login, name, continuation.response)

    def _cancel(self, request: bytes) -> None:
        self._pending.pop(request, None)
        self._talks.pop(request, None)
        self._tickets.pop(request, None)

    # Sign-ins -----------------------------------------------------------------------------

    def _read(
        self,
        request: wire.AuthRequest,
        decode: Callable[..., sasl.Credentials],
        *messages: bytes,
    ) -> None:
        self._pending[request.id] = request
        self._in_flight += 1
        protocol = PROTOCOL_NAMES.get(request.service)
        try:
            credentials = decode(*messages)
        except sasl.Malformed as problem:
            self._refuse_unread(request, protocol, str(problem))
            return
        if protocol is None:
            self._tell_service(request.service)
            self._refuse_unread(request, None, "a service that is no mail protocol")
            return
        attempt = Attempt(
            credentials.login,
            credentials.secret,
            protocol,
            request.address,
            request.program,
            request.secured,
            request.session,
            credentials.authzid,
            self._arrived,
            request.service,
            request.mechanism.decode(),
        )
        answer = partial(self._answer, request, protocol, credentials.login)
        try:
            self._submit(attempt, answer)
        except Exception:
            log.exception("%s: a sign-in could not be decided", self._name)
            answer(CannotTell(Why.OUTAGE))

    def _refuse_unread(
        self, request: wire.AuthRequest, protocol: Protocol | None, problem: str
    ) -> None:
        """Refuse like every other refusal: with the same text, at the same time."""
        address = one_line(request.address, 45)
        log.info("%s: a sign-in from %s was not read: %s", self._name, address, problem)
        self._loop.call_later(
            self._parts.refusal_delay / 1000,
            partial(self._answer, request, protocol, "", Refuse(Reason.BAD_REQUEST)),
        )

    def _tell_service(self, service: str) -> None:
        if not self._told_service:
            self._told_service = True
            shown = one_line(service, 32)
            log.warning("%s: service %r is none of ours; refused", self._name, shown)

    def _answer(
        self, request: wire.AuthRequest, protocol: Protocol | None, login: str, verdict: Verdict
    ) -> None:
        self._in_flight -= 1
        if self._pending.get(request.id) is not request:
            # Cancelled, or the connection is gone.
            return
        del self._pending[request.id]
        if not self._reading:
            self.pace()
        if type(verdict) is Allow and protocol is not None and not request.no_login:
            ticket = Ticket(verdict, protocol, request.address, self._loop.time())
            self._keep(request.id, ticket)
        self._reply(request, self._parts.replies.reply(verdict, request, protocol, login))

    def _keep(self, request: bytes, ticket: Ticket) -> None:
        self._tickets[request] = ticket
        if len(self._tickets) > MAX_TICKETS:
            self._tickets.popitem(last=False)

    def _reply(self, request: wire.AuthRequest, reply: bytes | None) -> None:
        if reply is not None:
            self.send(reply)
            return
        log.info("%s: request %s dropped: cannot tell now", self._name, request.id.decode())
        self.drop()
