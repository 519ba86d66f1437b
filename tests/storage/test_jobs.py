"""Jobs: taken by one at a time, put back, ended once; on SQLite and PostgreSQL."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from installation import Installation
from sidegate.accounts.queue import add_job, payload_of
from sidegate.storage import jobs
from sidegate.storage.jobs import CANCELLED, LEASE, WAITING, Ended, Taken
from sidegate.storage.models import Job

SECRET = b"428117"
MINUTE = 60_000


def add(house: Installation, *, subject: str = "challenge:1", kind: str = "letter") -> int:
    return add_job(
        house.context,
        kind=kind,
        account_id=None,
        payload=SECRET,
        expires_at=house.clock.ms + 10 * MINUTE,
        subject=subject,
    )


def take(house: Installation, most: int = 10) -> list[Taken]:
    return jobs.take(kinds=["letter"], most=most, now=house.clock.ms)


def state(job_id: int) -> str:
    return Job.objects.get(pk=job_id).state


def test_a_payload_is_sealed_and_wiped_at_the_end(installation_on_each: Installation) -> None:
    house = installation_on_each
    job_id = add(house)
    assert SECRET not in bytes(Job.objects.get(pk=job_id).payload or b"")
    (job,) = take(house)
    assert payload_of(house.context, job) == SECRET
    assert SECRET.decode() not in repr(job)
    assert jobs.end(job, Ended("sent", by="acme", reference="9"), now=house.clock.ms)
    row = Job.objects.get(pk=job_id)
    assert (row.state, row.by, row.reference, row.payload) == ("sent", "acme", "9", None)
    assert not jobs.end(job, Ended("failed"), now=house.clock.ms)
    assert state(job_id) == "sent"


def test_one_that_was_rolled_back_was_never_there(installation: Installation) -> None:
    rung: list[bool] = []
    installation.context.bell.answered_by(lambda: rung.append(True))

    def halfway() -> None:
        with transaction.atomic():
            add(installation)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        halfway()
    assert take(installation) == []
    assert rung == []
    with transaction.atomic():
        add(installation)
        assert rung == []
    assert rung == [True]


def test_it_is_taken_once_until_the_lease_is_over(installation_on_each: Installation) -> None:
    house = installation_on_each
    job_id = add(house)
    (first,) = take(house)
    assert take(house) == []
    house.clock.forward(seconds=LEASE / 1000 - 1)
    assert jobs.renew(first, now=house.clock.ms)
    house.clock.forward(seconds=LEASE / 1000 - 1)
    assert take(house) == []
    house.clock.forward(seconds=1)
    (second,) = take(house)
    assert (second.id, second.tries) == (job_id, 2)
    assert not jobs.renew(first, now=house.clock.ms)
    assert not jobs.put_back(first, due_at=0, why="late")
    assert jobs.end(first, Ended("sent"), now=house.clock.ms)  # what was done is done
    assert not jobs.end(second, Ended("sent"), now=house.clock.ms)


def test_after_an_outage_a_lease_may_be_renewed_late(installation: Installation) -> None:
    add(installation)
    [job] = take(installation)
    installation.clock.forward(seconds=LEASE / 1000 + 5)
    now = installation.clock.ms
    assert jobs.take(kinds=["letter"], most=1, now=now, patience=LEASE) == []
    assert jobs.renew(job, now=now)
    assert take(installation) == []


def test_put_back_it_comes_again_when_it_is_due(installation_on_each: Installation) -> None:
    house = installation_on_each
    job_id = add(house)
    (job,) = take(house)
    assert jobs.put_back(job, due_at=house.clock.ms + 2000, why="away")
    assert take(house) == []
    assert (state(job_id), Job.objects.get(pk=job_id).why) == (WAITING, "away")
    house.clock.forward(seconds=2)
    assert [again.tries for again in take(house)] == [2]


def test_what_waits_can_be_cancelled_and_what_is_taken_cannot(
    installation_on_each: Installation,
) -> None:
    house = installation_on_each
    first = add(house)
    (taken,) = take(house)
    second, other = add(house), add(house, subject="challenge:2")
    assert jobs.cancel(subject="challenge:1", now=house.clock.ms) == 1
    assert [state(job) for job in (first, second, other)] == [WAITING, CANCELLED, WAITING]
    assert Job.objects.get(pk=second).payload is None
    assert jobs.end(taken, Ended("sent"), now=house.clock.ms)


def test_only_kinds_that_can_be_done_are_taken_and_no_more_than_fit(
    installation: Installation,
) -> None:
    ids = [add(installation) for _ in range(3)]
    add(installation, kind="other")
    assert [job.id for job in take(installation, most=2)] == ids[:2]
    assert [job.id for job in take(installation)] == ids[2:]


def test_old_ones_are_dropped(installation: Installation) -> None:
    add(installation)
    jobs.forget_old(before=installation.clock.ms + 10 * MINUTE)
    assert Job.objects.count() == 1
    jobs.forget_old(before=installation.clock.ms + 10 * MINUTE + 1)
    assert Job.objects.count() == 0


def test_of_ten_takers_one_has_it(installation_on_each: Installation) -> None:
    house = installation_on_each
    ids = [add(house) for _ in range(5)]
    start = threading.Barrier(10)
    taken: list[int] = []

    def one() -> None:
        start.wait()
        taken.extend(job.id for job in take(house))
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == ids
