"""Takes jobs that are due and has them done, in every process that runs the portal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol, TypeVar

from django.db import transaction

from sidegate.accounts.bell import Bell
from sidegate.decisions.ports import Unavailable
from sidegate.storage import jobs
from sidegate.storage.background import Background
from sidegate.storage.jobs import EXPIRED, LEASE, Ended, Taken

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_AT_ONCE = 32
"""Jobs that one process works on at the same time."""
POLL_SECONDS = 1.0
"""After which we look for what others added, or left behind."""
OUTAGE_SECONDS = 2.0
"""Between two tries while the database is away."""
RENEW_SECONDS = LEASE / 5000
FINISH_SECONDS = 1.5
"""What is under way may take this long once we are told to stop."""
MARK_SECONDS = 1.0
"""And this long to say how it ended."""


class Again(NamedTuple):
    """Not done; to be tried again after a pause."""

    why: str


class Pauses(NamedTuple):
    """Milliseconds between tries: the first pause, twice as long each time, up to the most."""

    first: int
    most: int

    def after(self, tries: int) -> int:
        """The pause after so many tries."""
        return min(self.most, self.first << min(tries - 1, 30))


class Handler(Protocol):
    """Does the jobs of one kind."""

    pauses: Pauses

    async def work(self, job: Taken) -> Ended | Again:
        """Do it. Cancelled when we have to stop: it may then still say how it ended."""
        ...

    def ended(self, job: Taken, ended: Ended) -> None:
        """Write what follows, in the transaction that ends the job; called once a job."""
        ...


class JobRunner:
    """Runs until it is stopped; an outage of the database only delays it."""

    def __init__(
        self,
        *,
        handlers: Mapping[str, Handler],
        background: Background,
        bell: Bell,
        now: Callable[[], int],
    ) -> None:
        self._handlers = handlers
        self._background = background
        self._bell = bell
        self._now = now
        self._wake = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._taking: asyncio.Task[None] | None = None
        self._stopping = False
        self._patient_until = 0

    def start(self) -> None:
        """Take and do jobs from now on."""
        loop = asyncio.get_running_loop()

        def heard() -> None:
            loop.call_soon_threadsafe(self._wake.set)

        self._bell.answered_by(heard)
        self._taking = asyncio.ensure_future(self._take_on())

    async def stop(self) -> None:
        """Take nothing more, let what is under way end, and cancel what takes too long."""
        self._stopping = True
        self._bell.answered_by(None)
        self._wake.set()
        if self._taking is not None:
            await asyncio.wait([self._taking], timeout=FINISH_SECONDS)
            self._taking.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=FINISH_SECONDS)
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=MARK_SECONDS)

    async def _take_on(self) -> None:
        while not self._stopping:
            self._wake.clear()
            seconds = await self._take()
            if not self._stopping:
                await self._pause(seconds)

    async def _take(self) -> float:
        """Begin with what is due; returns for how long to wait at most."""
        free = MOST_AT_ONCE - len(self._under_way)
        if free <= 0:
            return POLL_SECONDS
        kinds, now = list(self._handlers), self._now()
        # Others could not renew theirs while the database was away: they are given the time.
        patience = LEASE if now < self._patient_until else 0
        try:
            taken = await self._background.run(
                lambda: jobs.take(kinds=kinds, most=free, now=now, patience=patience)
            )
        except Unavailable:
            self._patient_until = self._now() + LEASE
            return OUTAGE_SECONDS
        for job in taken:
            task = asyncio.ensure_future(self._do(job))
            self._under_way.add(task)
            task.add_done_callback(self._done)
        return POLL_SECONDS

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._wake.set()  # there is room for another one

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _do(self, job: Taken) -> None:
        handler = self._handlers[job.kind]
        async with self._kept(job):
            outcome = await outcome_of(handler, job, now=self._now())
            await self._mark(handler, job, outcome)

    @asynccontextmanager
    async def _kept(self, job: Taken) -> AsyncIterator[None]:
        """Renew our hold on a job for as long as it takes."""

        async def keep() -> None:
            while True:
                await asyncio.sleep(RENEW_SECONDS)
                with contextlib.suppress(Unavailable):
                    await self._background.run(lambda: jobs.renew(job, now=self._now()))

        keeping = asyncio.ensure_future(keep())
        try:
            yield
        finally:
            keeping.cancel()

    async def _mark(self, handler: Handler, job: Taken, outcome: Ended | Again) -> None:
        """Write how it ended, however long the database is away: nobody else knows it."""
        while True:
            try:
                return await self._background.run(
                    lambda: write(handler, job, outcome, now=self._now())
                )
            except Unavailable:
                if self._stopping:
                    log.warning("job %d of kind %s ended unmarked", job.id, job.kind)
                    return None
                await asyncio.sleep(OUTAGE_SECONDS)


def write(handler: Handler, job: Taken, outcome: Ended | Again, *, now: int) -> None:
    """Write what became of a job, and what follows from it, in one transaction."""
    if isinstance(outcome, Again):
        due_at = min(now + handler.pauses.after(job.tries), job.expires_at)
        jobs.put_back(job, due_at=due_at, why=outcome.why)
        return
    with transaction.atomic():
        if jobs.end(job, outcome, now=now):
            handler.ended(job, outcome)


async def outcome_of(handler: Handler, job: Taken, *, now: int) -> Ended | Again:
    """Have a job done, unless its time is over; whatever is raised, it is tried again."""
    if job.expires_at <= now:
        return Ended(EXPIRED)
    try:
        return await handler.work(job)
    except Exception as problem:  # noqa: BLE001 - one job must not end the others
        # Its text is left out: it may hold what the job holds.
        log.error("job %d of kind %s: %s", job.id, job.kind, type(problem).__name__)  # noqa: TRY400
        return Again("error")
