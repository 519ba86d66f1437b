"""The master socket: mail processes ask for the mailbox behind a sign-in or a name."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from functools import partial
from typing import NamedTuple

from sidegate.decisions.directory import Home
from sidegate.decisions.ports import Mailbox, Mailboxes, SessionStart, Unavailable
from sidegate.decisions.relay import relay_user
from sidegate.decisions.words import Protocol
from sidegate.doors.dovecot_client import Clients, Ticket
from sidegate.doors.stream import LineConnection
from sidegate.wire import dovecot_auth as wire

_Work = Callable[[], Coroutine[None, None, None]]

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 256
"""Look-ups under way on one connection; beyond it, nothing more is read."""

_LISTED_AT_ONCE = 500


class MasterParts(NamedTuple):
    """What every master connection of a door works with."""

    mailboxes: Mailboxes
    clients: Clients


class MasterConnection(LineConnection):
    """One mail process, LMTP or doveadm."""

    def __init__(self, parts: MasterParts, *, name: str, handshake_timeout: float) -> None:
        super().__init__(name=name, handshake_timeout=handshake_timeout)
        self._parts = parts
        self._tasks: dict[asyncio.Task[None], bytes] = {}
        self._room = asyncio.Event()
        self._room.set()

    def greeted(self) -> None:
        """Send our side of the handshake; a master sends nothing but its version."""
        self.send(wire.master_handshake(process=os.getpid()))
        self.handshake_done()
        self._handle = self._request

    def full(self, *, paused: bool) -> bool:  # noqa: ARG002 - look-ups are few
        """Enough look-ups are under way."""
        return len(self._tasks) >= MAX_IN_FLIGHT

    def pause_writing(self) -> None:
        """Let a long list wait."""
        super().pause_writing()
        self._room.clear()

    def resume_writing(self) -> None:
        """Let it go on."""
        super().resume_writing()
        self._room.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits for an answer any more."""
        super().connection_lost(exc)
        for task in self._tasks:
            task.cancel()

    def shut(self) -> None:
        """End: whoever waits is told that we cannot tell now."""
        for task, request in self._tasks.items():
            task.cancel()
            self.send(wire.fail(request, code=b"temp_fail"))
        self.drop()

    def _request(self, line: bytes) -> None:
        command, _, _ = line.partition(b"\t")
        if command == b"REQUEST":
            asked = wire.parse_master_request(line)
            self._start(asked.id, partial(self._session, asked))
        elif command == b"USER":
            lookup = wire.parse_lookup(line)
            self._start(lookup.id, partial(self._user, lookup))
        elif command == b"PASS":
            # A password is never given away here, and nobody comes in by a name alone.
            self.send(wire.not_found(wire.parse_lookup(line).id))
        elif command == b"LIST":
            request = wire.parse_id(line)
            self._start(request, partial(self._list, request))
        elif command == b"CACHE-FLUSH":
            # No verdict is ever cached.
            self.send(wire.flushed(wire.parse_id(line), 0))
        elif command == b"CPID":
            raise wire.BadLine("a login process on the master socket")
        else:
            self.unknown(line)

    def _start(self, request: bytes, work: _Work) -> None:
        task = self._loop.create_task(self._guarded(request, work))
        self._tasks[task] = request
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self.pace()

    async def _guarded(self, request: bytes, work: _Work) -> None:
        try:
            await work()
        except Unavailable:
            self.send(wire.fail(request, code=b"temp_fail"))
        except Exception:
            log.exception("%s: a look-up failed", self._name)
            self.send(wire.fail(request, code=b"temp_fail"))

    async def _session(self, asked: wire.MasterRequest) -> None:
        ticket = self._parts.clients.claim(asked, self._loop.time())
        mailbox = await self._parts.mailboxes.find(ticket.verdict.account) if ticket else None
        if ticket is None or mailbox is None:
            log.warning("%s: request %s is no sign-in of ours", self._name, asked.id.decode())
            self.send(wire.fail(asked.id))
            return
        if asked.session_process is not None:
            # Last, so that what was revoked since the OK opens nothing.
            start = SessionStart(
                asked.session_process, ticket.verdict, ticket.protocol, ticket.address
            )
            if not await self._parts.mailboxes.session_started(start):
                self.send(wire.fail(asked.id))
                return
        self.send(_user_reply(asked.id, mailbox, relay_user=_relay_user(ticket)))

    async def _user(self, lookup: wire.Lookup) -> None:
        mailbox = await self._parts.mailboxes.find(lookup.user)
        reply = _user_reply(lookup.id, mailbox) if mailbox else wire.not_found(lookup.id)
        self.send(reply)

    async def _list(self, request: bytes) -> None:
        try:
            addresses = await self._parts.mailboxes.addresses()
        except Unavailable:
            self.send(wire.list_done(request, failed=True))
            return
        for start in range(0, len(addresses), _LISTED_AT_ONCE):
            for address in addresses[start : start + _LISTED_AT_ONCE]:
                self.send(wire.listed(request, address))
            self.flush()
            await self._room.wait()
        self.send(wire.list_done(request))


def _relay_user(ticket: Ticket) -> str:
    """By this the delivery behind submission learns which app password sends."""
    by = ticket.verdict.app_password_id
    return relay_user(by) if by is not None and ticket.protocol is Protocol.SUBMISSION else ""


def _user_reply(request: bytes, mailbox: Mailbox | Home, *, relay_user: str = "") -> bytes:
    if isinstance(mailbox, Home):
        return wire.user_as_told(request, name=mailbox.name, fields=mailbox.fields)
    return wire.user(
        request,
        name=mailbox.user,
        uid=mailbox.uid,
        gid=mailbox.gid,
        home=mailbox.home,
        relay_user=relay_user,
    )
