"""The runner: woken, retried with pauses, ended once, stopped, through outages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from django.db.utils import OperationalError

from installation import Installation
from sidegate.accounts import job_runner
from sidegate.accounts.job_runner import Again, JobRunner, Pauses
from sidegate.accounts.queue import add_job
from sidegate.storage import jobs
from sidegate.storage.background import Background
from sidegate.storage.jobs import EXPIRED, Ended, Taken
from sidegate.storage.models import Job

Work = Callable[[Taken], Awaitable[Ended | Again]]


class Kept:
    """A handler that does what it is told, and keeps what it saw."""

    pauses = Pauses(first=2000, most=5000)

    def __init__(self, work: Work) -> None:
        self._work = work
        self.worked: list[int] = []
        self.ends: list[str] = []

    async def work(self, job: Taken) -> Ended | Again:
        self.worked.append(job.tries)
        return await self._work(job)

    def ended(self, job: Taken, ended: Ended) -> None:
        del job
        self.ends.append(ended.state)


async def _sent(_job: Taken) -> Ended:
    return Ended("sent")


def add(house: Installation) -> int:
    return add_job(
        house.context,
        kind="letter",
        account_id=None,
        payload=b"x",
        expires_at=house.clock.ms + 60_000,
    )


@asynccontextmanager
async def running(house: Installation, handler: Kept) -> AsyncIterator[Background]:
    background = Background()
    runner = JobRunner(
        handlers={"letter": handler},
        background=background,
        bell=house.context.bell,
        now=house.clock,
    )
    runner.start()
    try:
        yield background
    finally:
        await runner.stop()
        await asyncio.to_thread(background.close)


async def until(background: Background, seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if await background.run(seen):
                return
            await asyncio.sleep(0.02)


def state(job_id: int) -> str:
    return Job.objects.get(pk=job_id).state


def test_the_pauses_grow_up_to_the_most() -> None:
    pauses = Pauses(first=2000, most=60_000)
    assert [pauses.after(tries) for tries in range(1, 8)] == [
        2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000,
    ]  # fmt: skip
    assert pauses.after(10_000) == 60_000


def test_a_job_added_here_is_done_at_once(
    installation_on_each: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, handler = installation_on_each, Kept(_sent)
    monkeypatch.setattr(job_runner, "POLL_SECONDS", 60)

    async def scene() -> None:
        async with running(house, handler) as background:
            await asyncio.sleep(0.1)
            job_id = await background.run(lambda: add(house))
            await until(background, lambda: state(job_id) == "sent")

    asyncio.run(scene())
    assert (handler.worked, handler.ends) == ([1], ["sent"])


def test_one_that_was_left_behind_is_found(installation: Installation) -> None:
    handler = Kept(_sent)
    job_id = add(installation)
    jobs.take(kinds=["letter"], most=1, now=installation.clock.ms)  # by one that died with it

    async def scene() -> None:
        async with running(installation, handler) as background:
            await asyncio.sleep(0.1)
            assert handler.worked == []
            installation.clock.forward(seconds=jobs.LEASE / 1000)
            await until(background, lambda: state(job_id) == "sent")

    asyncio.run(scene())
    assert handler.worked == [2]


def test_it_is_tried_again_after_pauses_until_it_expires(installation: Installation) -> None:
    async def away(_job: Taken) -> Again:
        return Again("away")

    handler = Kept(away)
    job_id = add(installation)

    async def scene() -> None:
        async with running(installation, handler) as background:
            for tries, pause in ((1, 2), (2, 4), (3, 5), (4, 5)):
                await until(background, lambda tries=tries: _put_back(job_id, tries))  # type: ignore[misc]  # mypy cannot infer a lambda's default
                job = await background.run(lambda: Job.objects.get(pk=job_id))
                assert job.due_at == installation.clock.ms + pause * 1000
                assert job.why == "away"
                installation.clock.forward(seconds=pause)
            installation.clock.forward(seconds=60)
            await until(background, lambda: state(job_id) == EXPIRED)

    asyncio.run(scene())
    assert handler.ends == [EXPIRED]
    assert Job.objects.get(pk=job_id).payload is None


def _put_back(job_id: int, tries: int) -> bool:
    job = Job.objects.get(pk=job_id)
    return (job.tries, job.taken_until) == (tries, 0)


def test_a_handler_that_fails_ends_no_other_and_tells_nothing(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_job: Taken) -> Ended:
        raise ValueError("428117")

    handler = Kept(fail)
    job_id = add(installation)

    async def scene() -> None:
        async with running(installation, handler) as background:
            await until(background, lambda: _put_back(job_id, 1))

    asyncio.run(scene())
    assert "ValueError" in caplog.text
    assert "428117" not in caplog.text


def test_told_to_stop_it_lets_a_job_say_how_it_ended(installation: Installation) -> None:
    async def long(_job: Taken) -> Ended:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return Ended("unsure", "stopped")
        return Ended("sent")

    handler = Kept(long)
    job_id = add(installation)

    async def scene() -> None:
        async with running(installation, handler) as background:
            await until(background, lambda: Job.objects.get(pk=job_id).tries == 1)
            begun = time.monotonic()
        assert time.monotonic() - begun < 4

    asyncio.run(scene())
    assert state(job_id) == "unsure"


def test_told_to_stop_it_takes_nothing_more(installation: Installation) -> None:
    handler = Kept(_sent)

    async def scene() -> None:
        async with running(installation, handler):
            await asyncio.sleep(0.1)
        await asyncio.to_thread(_add_and_close, installation)
        await asyncio.sleep(0.2)

    asyncio.run(scene())
    assert handler.worked == []


def _add_and_close(house: Installation) -> None:
    from django.db import connection  # noqa: PLC0415 - this thread's own

    add(house)
    connection.close()


def test_the_end_is_written_once_the_database_is_back(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_runner, "OUTAGE_SECONDS", 0.05)
    true_end, tries = jobs.end, [0]

    def end(job: Taken, ended: Ended, *, now: int) -> bool:
        tries[0] += 1
        if tries[0] < 4:
            raise OperationalError("away")
        return true_end(job, ended, now=now)

    monkeypatch.setattr(jobs, "end", end)
    handler = Kept(_sent)
    job_id = add(installation)

    async def scene() -> None:
        async with running(installation, handler) as background:
            await until(background, lambda: state(job_id) == "sent")

    asyncio.run(scene())
    assert (handler.worked, handler.ends, tries[0]) == ([1], ["sent"], 4)
