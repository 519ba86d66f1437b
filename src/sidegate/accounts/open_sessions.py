"""Open mail sessions: remembered, compared with what is allowed, and ended."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from django.db import connection, transaction
from django.db.models import Q

from sidegate.decisions.networks import holds, stored
from sidegate.decisions.observing import Enforced
from sidegate.decisions.ports import Unavailable
from sidegate.events.catalogue import Kind, NewEvent
from sidegate.storage.background import Background
from sidegate.storage.mail_models import MailSession
from sidegate.storage.models import Account
from sidegate.storage.writer import Writer

log = logging.getLogger(__name__)

EVERYBODY = Enforced()

WATCH_EVERY = 0.5
"""Seconds between two looks for sessions whose credential is gone (bound: 2 s)."""
SWEEP_EVERY = 60.0
"""Seconds between two sweeps of sessions that ended by themselves."""
TOLD_AGAIN = 5_000
"""Milliseconds after which a mail server that did not end a session is told again."""
SETTLED = 1_000
"""Milliseconds after which a mail server surely knows of its own session."""
MOST_WAITED = 3.0
"""Seconds for which a page waits for sessions to end."""
_UNSEEN_FOR = 24 * 3600 * 1000
"""Milliseconds for which a session is remembered that nobody can look for."""


class Processes(NamedTuple):
    """How mail processes are told apart and ended; given by `mailserver`."""

    started_at: Callable[[int], int | None]
    end: Callable[[int, int], bool]


class Server(Protocol):
    """A mail server that can be told to end sessions; raises `Unavailable` where it is not."""

    async def sessions(self) -> dict[int, str]:
        """Every open session: its process, and its user."""

    async def kick(self, users: Iterable[str]) -> None:
        """End all sessions of these users."""


class Forbidden(NamedTuple):
    """An open session whose credential no longer opens it."""

    id: int
    process_id: int
    process_started: int
    account_id: int
    app_password_id: int | None
    protocol: str


class SessionWatch:
    """Ends open mail sessions whose credential no longer opens them.

    It compares what is open with what is allowed, rather than wait to be told: a
    revocation on any replica, or by the command line, holds within `WATCH_EVERY`. What
    this host cannot end by its process, the mail server is told to end.
    """

    def __init__(
        self,
        *,
        processes: Processes,
        background: Background,
        writer: Writer,
        now: Callable[[], int],
        enforced: Enforced = EVERYBODY,
        server: Server | None = None,
        place: str = "",
    ) -> None:
        """`place` is what sessions are remembered under that only `server` can end."""
        self._processes = processes
        self._background = background
        self._writer = writer
        self._now = now
        self._enforced = enforced
        self._server = server
        self._hosts = list(dict.fromkeys([socket.gethostname(), place or socket.gethostname()]))
        self._stuck: set[int] = set()

    async def run(self) -> None:
        """Watch until cancelled; an outage only pauses it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._again(self._end_by_process, WATCH_EVERY))
            tasks.create_task(self._again(self._sweep, SWEEP_EVERY))
            if self._server is not None:
                tasks.create_task(self._again(partial(self._tell, self._server), WATCH_EVERY))

    async def _again(self, work: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            try:
                await work()
            except Unavailable as problem:
                log.debug("open sessions cannot be looked at: %s", problem)
            except Exception:  # whatever it was, revocations must go on being watched
                log.exception("open sessions could not be looked at")
            await asyncio.sleep(seconds)

    # By their processes ------------------------------------------------------------------

    async def _end_by_process(self) -> None:
        await self._background.run(self._end_forbidden)

    def _end_forbidden(self) -> None:
        for one in _forbidden(self._enforced, self._hosts, now=self._now()):
            # Of a process that was never seen the number here may be anybody's.
            if one.process_started and self._processes.end(one.process_id, one.process_started):
                self._ended([one])
            elif one.id not in self._stuck:
                self._stuck.add(one.id)
                if self._server is None:
                    log.error("the session of process %d cannot be ended here", one.process_id)

    def _ended(self, sessions: Sequence[Forbidden]) -> None:
        MailSession.objects.filter(pk__in=[one.id for one in sessions]).delete()
        for one in sessions:
            self._stuck.discard(one.id)
            self._writer.record(
                NewEvent(
                    at=self._now(),
                    kind=Kind.MAIL_SESSION_ENDED,
                    account_id=one.account_id,
                    protocol=one.protocol,
                    app_password_id=one.app_password_id,
                )
            )

    # By their mail server ----------------------------------------------------------------

    async def _tell(self, server: Server) -> None:
        sessions = await self._background.run(self._to_tell)
        if not sessions:
            return
        try:
            users = await server.sessions()
            await server.kick({users[pid] for _, pid, *_ in sessions if pid in users})
        except Unavailable as problem:
            log.warning("open sessions are not ended yet: %s", problem)
            return
        await self._background.run(partial(self._ended, sessions))

    def _to_tell(self) -> list[Forbidden]:
        """The sessions that this replica tells of now: no other does until `TOLD_AGAIN`."""
        now = self._now()
        due = Q(told_at=None) | Q(told_at__lt=now - TOLD_AGAIN)
        known = Q(opened_at__lte=now - SETTLED)
        rows = [
            one
            for one in _forbidden(self._enforced, self._hosts, now=now)
            if not one.process_started or one.id in self._stuck
        ]
        if not rows:
            return []
        with transaction.atomic():  # in the order of their ids: one of us gets them all
            return [
                one
                for one in rows
                if MailSession.objects.filter(due & known, pk=one.id).update(told_at=now)
            ]

    # Ended by themselves -----------------------------------------------------------------

    async def _sweep(self) -> None:
        await self._background.run(self._sweep_seen)
        users = await self._server.sessions() if self._server is not None else None
        await self._background.run(partial(self._sweep_unseen, users))

    def _sweep_seen(self) -> None:
        rows = MailSession.objects.filter(host=socket.gethostname()).exclude(process_started=0)
        gone = [
            pk
            for pk, process_id, started in rows.values_list("pk", "process_id", "process_started")
            if self._processes.started_at(process_id) != started
        ]
        MailSession.objects.filter(pk__in=gone).delete()

    def _sweep_unseen(self, users: dict[int, str] | None) -> None:
        age = SWEEP_EVERY * 1000 if users is not None else _UNSEEN_FOR
        rows = MailSession.objects.filter(
            host__in=self._hosts, process_started=0, opened_at__lt=self._now() - age
        )
        gone = [
            pk
            for pk, process_id in rows.values_list("pk", "process_id")
            if users is None or process_id not in users
        ]
        MailSession.objects.filter(pk__in=gone).delete()


def remember(session: MailSession, enforced: Enforced = EVERYBODY) -> bool:
    """Remember an open session; False where what opened it was revoked meanwhile."""
    # A process that serves one session after another names the newest.
    MailSession.objects.filter(
        host=session.host,
        process_id=session.process_id,
        process_started=session.process_started,
    ).delete()
    session.save(force_insert=True)
    # Stored first and looked at then: a revocation in between is seen here or by the watch.
    now = session.opened_at
    if any(_forbidden(enforced, [session.host], " AND s.id = %s", session.pk, now=now)):
        session.delete()
        return False
    return True


# What the pages tell ------------------------------------------------------------------------


def of(account: Account) -> set[int]:
    """The ids of the account's open sessions."""
    return set(MailSession.objects.filter(account=account).values_list("pk", flat=True))


def lingering(account: Account, enforced: Enforced = EVERYBODY, *, now: int) -> bool:
    """Whether a session of the account is open that nothing may open any more."""
    return any(_forbidden(enforced, [], " AND s.account_id = %s", account.pk, now=now))


def seconds_until_ended(
    account: Account, enforced: Enforced = EVERYBODY, *, now: int
) -> float | None:
    """How long it took until no such session was open; `None` where one still is."""
    started = time.monotonic()
    while lingering(account, enforced, now=now):
        if time.monotonic() - started > MOST_WAITED:
            return None
        time.sleep(0.05)
    return time.monotonic() - started


def _forbidden(
    enforced: Enforced, hosts: Sequence[str], narrowed: str = "", *values: int, now: int
) -> Iterator[Forbidden]:
    """Of these hosts, or of all."""
    where = f" AND s.host IN ({', '.join(['%s'] * len(hosts))})" if hosts else ""
    with connection.cursor() as cursor:
        parameters: list[int | str] = [now, now, now, *hosts, *values]
        cursor.execute(f"{_FORBIDDEN}{where}{narrowed} ORDER BY s.id", parameters)
        for *session, address, by_two_step, networks, came_from in cursor.fetchall():
            if networks and holds(stored(networks), came_from):
                continue
            if not by_two_step or enforced.holds_for(address):
                yield Forbidden(*session)


_GONE = (
    "(NOT a.enabled OR p.revoked_at IS NOT NULL OR p.paused_at IS NOT NULL OR p.expires_at <= %s"
    # Taken out of its scopes, which stand between commas.
    " OR ',' || p.scopes || ',' NOT LIKE '%%,' || s.protocol || ',%%')"
)
_FORBIDDEN = (
    "SELECT s.id, s.process_id, s.process_started,"  # noqa: S608 - it is our own words alone
    " s.account_id, s.app_password_id, s.protocol, a.address,"
    " a.enabled AND s.app_password_id IS NULL AND s.password_version = a.password_version,"
    # Whether the networks forbid it is not for the database to say.
    " CASE WHEN " + _GONE + " THEN '' ELSE COALESCE(p.networks, '') END, s.address"
    " FROM mail_session s JOIN account a ON a.id = s.account_id"
    " LEFT JOIN app_password p ON p.id = s.app_password_id"
    " LEFT JOIN grace_window g ON g.id = s.grace_window_id"
    " WHERE (" + _GONE + " OR p.networks <> ''"
    " OR (s.app_password_id IS NULL AND (s.password_version <> a.password_version"
    " OR (a.two_step_since IS NOT NULL"
    " AND (g.id IS NULL OR g.ended_at IS NOT NULL OR g.until <= %s)))))"
)
