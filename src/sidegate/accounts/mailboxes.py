"""Mailboxes as a mail server asks for them, and the open sessions it tells of."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from django.db import connection

from sidegate.decisions.names import canonical
from sidegate.decisions.observing import Enforced
from sidegate.decisions.ports import Mailbox, SessionStart, Unavailable
from sidegate.decisions.words import Allow, CredentialKind
from sidegate.events.catalogue import Kind, NewEvent
from sidegate.storage.background import Background
from sidegate.storage.models import Account, MailSession
from sidegate.storage.writer import Writer

log = logging.getLogger(__name__)

WATCH_EVERY = 0.5
"""Seconds between two looks for sessions whose credential is gone (bound: 2 s)."""
SWEEP_EVERY = 60.0
"""Seconds between two sweeps of sessions that ended by themselves."""


EVERYBODY = Enforced()


class Place(NamedTuple):
    """Where the private mail server keeps mail, and as whom."""

    mail: Path
    uid: int
    gid: int


class Processes(NamedTuple):
    """How mail processes are told apart and ended; given by `mailserver`."""

    started_at: Callable[[int], int | None]
    end: Callable[[int, int], bool]


class OwnMailboxes:
    """Implements `decisions.ports.Mailboxes` for the private mail server."""

    def __init__(
        self,
        *,
        place: Place | None,
        processes: Processes,
        background: Background,
        now: Callable[[], int],
        unseen: bool = False,
        enforced: Enforced = EVERYBODY,
    ) -> None:
        self._place = place
        self._enforced = enforced
        self._unseen = unseen
        """Mail processes may be where they cannot be seen: in a container, or on another host."""
        self._processes = processes
        self._background = background
        self._now = now

    async def find(self, login: str) -> Mailbox | None:
        """The mailbox of an account, disabled or not: mail to it is not to bounce.

        Nobody comes in by this: who is disabled was refused before it is asked.
        """
        address = canonical(login)
        if address is None or self._place is None:
            return None
        found = await self._background.run(lambda: Account.objects.filter(address=address).exists())
        return _mailbox(self._place, address) if found else None

    async def addresses(self) -> list[str]:
        """Every account's address."""
        return await self._background.run(
            lambda: list(Account.objects.values_list("address", flat=True))
        )

    async def session_started(self, start: SessionStart) -> bool:
        """Remember an open session; False where what opened it was revoked meanwhile."""
        verdict = start.verdict
        if not isinstance(verdict, Allow):
            return False
        if verdict.account_id is None or verdict.credential is CredentialKind.MASTER:
            return True  # nothing that an owner could revoke opened it
        process_started = self._processes.started_at(start.process_id)
        if process_started is None and not self._unseen:
            return False
        return await self._background.run(
            partial(
                _remember if process_started is not None else _still_allowed,
                self._enforced,
                MailSession(
                    host=socket.gethostname(),
                    process_id=start.process_id,
                    process_started=process_started or 0,
                    account_id=verdict.account_id,
                    app_password_id=verdict.app_password_id,
                    password_version=verdict.password_version,
                    protocol=start.protocol,
                    opened_at=self._now(),
                ),
            )
        )


class SessionWatch:
    """Ends open mail sessions of this host whose credential no longer opens them.

    It compares what is open with what is allowed, rather than wait to be told: a
    revocation on any replica, or by the command line, holds within `WATCH_EVERY`.
    """

    def __init__(
        self,
        *,
        processes: Processes,
        background: Background,
        writer: Writer,
        now: Callable[[], int],
        enforced: Enforced = EVERYBODY,
    ) -> None:
        self._processes = processes
        self._enforced = enforced
        self._background = background
        self._writer = writer
        self._now = now
        self._stuck: set[int] = set()

    async def run(self) -> None:
        """Watch until cancelled; an outage only pauses it."""
        sweep_due = 0.0
        clock = asyncio.get_running_loop().time
        while True:
            try:
                await self._background.run(self._end_forbidden)
                if clock() >= sweep_due:
                    await self._background.run(self._sweep)
                    sweep_due = clock() + SWEEP_EVERY
            except Unavailable:
                log.debug("open sessions cannot be looked at: the database is away")
            except Exception:  # whatever it was, revocations must go on being watched
                log.exception("open sessions could not be looked at")
            await asyncio.sleep(WATCH_EVERY)

    def _end_forbidden(self) -> None:
        for row_id, process_id, started, account_id, app_password_id, protocol in _forbidden(
            self._enforced
        ):
            if not self._processes.end(process_id, started):
                self._tell_once(row_id, process_id)
                continue
            MailSession.objects.filter(pk=row_id).delete()
            self._writer.record(
                NewEvent(
                    at=self._now(),
                    kind=Kind.MAIL_SESSION_ENDED,
                    account_id=account_id,
                    protocol=protocol,
                    app_password_id=app_password_id,
                )
            )

    def _tell_once(self, row_id: int, process_id: int) -> None:
        if row_id not in self._stuck:
            self._stuck.add(row_id)
            log.error("process %d may not be ended by us: its session stays open", process_id)

    def _sweep(self) -> None:
        rows = MailSession.objects.filter(host=socket.gethostname())
        gone = [
            pk
            for pk, process_id, started in rows.values_list("pk", "process_id", "process_started")
            if self._processes.started_at(process_id) != started
        ]
        MailSession.objects.filter(pk__in=gone).delete()


def _mailbox(place: Place, address: str) -> Mailbox:
    local, _, domain = address.rpartition("@")
    home = place.mail / _folder(domain) / _folder(local)
    return Mailbox(user=address, uid=place.uid, gid=place.gid, home=str(home))


def _still_allowed(enforced: Enforced, session: MailSession) -> bool:
    """Whether it may open now; nothing is remembered of a process that cannot be ended."""
    allowed = _remember(enforced, session)
    if allowed:
        session.delete()
    return allowed


def _remember(enforced: Enforced, session: MailSession) -> bool:
    # A process that serves one session after another names the newest.
    MailSession.objects.filter(
        host=session.host,
        process_id=session.process_id,
        process_started=session.process_started,
    ).delete()
    session.save(force_insert=True)
    # Stored first and looked at then: a revocation in between is seen here or by the watch.
    if any(_forbidden(enforced, " AND s.id = %s", session.pk)):
        session.delete()
        return False
    return True


def _forbidden(
    enforced: Enforced, narrowed: str = "", *values: int
) -> Iterator[tuple[int, int, int, int, int | None, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_FORBIDDEN + narrowed, [socket.gethostname(), *values])
        for *session, address, by_two_step in cursor.fetchall():
            if not by_two_step or enforced.holds_for(address):
                yield tuple(session)


_FORBIDDEN = (
    "SELECT s.id, s.process_id, s.process_started, s.account_id, s.app_password_id, s.protocol,"
    " a.address, a.enabled AND s.app_password_id IS NULL"
    " AND s.password_version = a.password_version"
    " FROM mail_session s JOIN account a ON a.id = s.account_id"
    " LEFT JOIN app_password p ON p.id = s.app_password_id"
    " WHERE s.host = %s AND (NOT a.enabled OR p.revoked_at IS NOT NULL"
    " OR (s.app_password_id IS NULL"
    " AND (a.two_step_since IS NOT NULL OR s.password_version <> a.password_version)))"
)


def _folder(name: str) -> str:
    """A folder's name that no address can turn into a way out."""
    safe = "".join(ch if ch.isalnum() or ch in "-_." else f"={ord(ch):02x}" for ch in name)
    return safe.replace(".", "=2e", 1) if safe.startswith(".") else safe
