"""The worker: everything that waits in one batch, and an end that leaves nothing behind."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from django.db import OperationalError

from installation import Installation
from sidegate.storage.worker import Worker


class Kept:
    """What a worker was given, and what it was told had failed."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.failed: list[tuple[list[int], Exception]] = []

    def work(self, batch: Sequence[int]) -> None:
        self.batches.append(list(batch))
        for item in batch:
            if item < 0:
                raise {-1: OperationalError, -2: ValueError}[item]("away with it")

    def give_up(self, batch: Sequence[int], problem: Exception) -> None:
        self.failed.append((list(batch), problem))


def make(kept: Kept, most: int = 3) -> Worker[int]:
    return Worker(name="test", work=kept.work, failed=kept.give_up, most=most)


def test_what_waits_is_one_batch_up_to_the_most(installation: Installation) -> None:
    del installation
    kept = Kept()
    worker = make(kept)
    for number in range(7):
        worker.put(number)
    assert worker.waiting() == 7
    worker.start()
    assert worker.close()
    assert kept.batches == [[0, 1, 2], [3, 4, 5], [6]]
    assert worker.waiting() == 0


@pytest.mark.parametrize("trouble", [-1, -2])
def test_a_failed_batch_is_told_and_the_next_goes_on(
    installation: Installation, trouble: int
) -> None:
    del installation
    kept = Kept()
    worker = make(kept, most=2)
    for number in (1, trouble, 2, 3):
        worker.put(number)
    worker.start()
    assert worker.close()
    assert [batch for batch, _ in kept.failed] == [[1, trouble]]
    assert kept.batches[-1] == [2, 3]


def test_what_was_put_before_the_close_is_worked_off(installation: Installation) -> None:
    del installation
    for _ in range(300):
        kept = Kept()
        worker = make(kept)
        worker.start()
        worker.put(1)
        worker.put(2)
        assert worker.close()
        assert [item for batch in kept.batches for item in batch] == [1, 2]


def test_what_is_put_between_the_last_look_and_the_close_is_worked_off(
    installation: Installation,
) -> None:
    del installation
    kept = Kept()

    def put_and_close() -> None:
        # Called when nothing waits any more, before the worker looks whether it should end.
        if len(kept.batches) == 1 and not worker._closing:
            worker.put(2)
            worker._closing = True
            worker._wake.set()

    worker = Worker[int](
        name="test", work=kept.work, failed=kept.give_up, most=3, between=put_and_close
    )
    worker.put(1)
    worker.start()
    worker._thread.join(5)
    assert kept.batches == [[1], [2]]


def test_a_stuck_batch_is_said(installation: Installation) -> None:
    del installation
    go_on = threading.Event()

    def stuck(_batch: Sequence[int]) -> None:
        go_on.wait(5)

    worker = Worker[int](
        name="test",
        work=stuck,
        failed=lambda _batch, _problem: None,
        most=1,
    )
    worker.start()
    worker.put(1)
    assert not worker.close(0.05)
    go_on.set()
    assert worker.close()
