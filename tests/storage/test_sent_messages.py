"""Messages a day: counted once, whoever counts at the same time."""

from __future__ import annotations

import threading

from django.db import connection

from installation import START, Installation
from sidegate.storage import sent_messages
from sidegate.storage.models import AppPassword

DAY = 24 * 3600 * 1000


def scanner(house: Installation, most: int) -> int:
    row = AppPassword.objects.create(
        account=house.add(), digest=b"x" * 32, key_id="1", app="mail", device="printer",
        scopes="submission", created_at=START, daily_most=most,
    )  # fmt: skip
    return row.pk


def test_a_day_holds_so_many_and_the_next_as_many_again(
    installation_on_each: Installation,
) -> None:
    one = scanner(installation_on_each, 5)

    def take(messages: int, now: int = START) -> bool:
        return sent_messages.take(app_password_id=one, messages=messages, now=now)

    assert not take(6)
    assert [take(3), take(3), take(2), take(1)] == [True, False, True, False]
    sent_messages.give_back(app_password_id=one, messages=2, now=START)
    assert [take(2), take(1)] == [True, False]
    assert [take(5, START + DAY), take(1, START + DAY)] == [True, False]
    sent_messages.give_back(app_password_id=one, messages=5, now=START)  # of the day before
    assert not take(1, START + DAY)


def test_at_once_no_more_than_so_many(installation_on_each: Installation) -> None:
    one = scanner(installation_on_each, 3)
    start, taken = threading.Barrier(8), []

    def take() -> None:
        start.wait()
        taken.append(sent_messages.take(app_password_id=one, messages=1, now=START))
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 5 + [True] * 3
