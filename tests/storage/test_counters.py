"""Wrong secrets are counted: distinct ones, for a time, and never against the familiar."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from installation import START, Installation
from sidegate.decisions.throttle import DAY, FAMILIAR_FOR, HOUR, Counters
from sidegate.storage import counters
from sidegate.storage.mail_models import FamiliarNetwork, WrongSecret

KEY = bytes(32)
HOME, AWAY = "192.0.2.0/24", "198.51.100.0/24"
ANNA = counters.login_digest(key=KEY, login="anna@example.test")
BERTA = counters.login_digest(key=KEY, login="berta@example.test")


def secret(text: str, login: str = "anna@example.test") -> bytes:
    return counters.secret_digest(key=KEY, login=login, secret=text)


def add(text: str, *, login: bytes = ANNA, network: str = HOME, now: int = START) -> None:
    counters.add(login=login, network=network, secret=secret(text), now=now)


def read(
    *, login: bytes = ANNA, account: int | None = None, network: str = HOME, now: int = START
) -> Counters:
    return counters.read(login=login, account_id=account, network=network, now=now)


@pytest.fixture(autouse=True)
def _on_each(installation_on_each: Installation) -> None:
    """Every test runs on both databases."""


def test_the_same_wrong_secret_counts_once() -> None:
    for _ in range(5):
        add("forgotten tablet")
    add("another")
    assert read() == Counters(pair=2, login=2, network=2, familiar=False)
    assert read(login=BERTA) == Counters(pair=0, login=0, network=2, familiar=False)
    assert read(network=AWAY) == Counters(pair=0, login=2, network=0, familiar=False)


def test_it_counts_for_an_hour() -> None:
    add("once")
    assert read(now=START + HOUR - 1).pair == 1
    assert read(now=START + HOUR).pair == 0


def test_repeated_all_day_it_counts_once_a_day() -> None:
    for hour in range(25):
        add("tablet", now=START + hour * HOUR)
    counted = [read(now=START + hour * HOUR).pair for hour in range(25)]
    assert counted == [1] + [0] * 24
    add("tablet", now=START + DAY + 1)
    assert read(now=START + DAY + 1).pair == 1
    assert WrongSecret.objects.count() == 1


def test_a_familiar_network_is_known_and_left_out_of_the_login(
    installation_on_each: Installation,
) -> None:
    account = installation_on_each.add().pk
    counters.mark(account_id=account, network=HOME, now=START)
    add("a")
    add("b", network=AWAY)
    assert read(account=account) == Counters(pair=1, login=1, network=1, familiar=True)
    assert not read(account=account, network=AWAY).familiar
    assert not read(account=account + 1).familiar
    late = START + FAMILIAR_FOR
    assert not read(account=account, now=late).familiar
    counters.mark(account_id=account, network=HOME, now=late)
    assert read(account=account, now=late + 1).familiar
    assert FamiliarNetwork.objects.count() == 1


def test_nothing_is_kept_for_longer_than_it_may_be(installation_on_each: Installation) -> None:
    account = installation_on_each.add().pk
    add("old")
    add("young", now=START + DAY)
    counters.mark(account_id=account, network=HOME, now=START)
    counters.forget_old(now=START + DAY + 1)
    assert WrongSecret.objects.count() == 1
    assert FamiliarNetwork.objects.count() == 1
    counters.forget_old(now=START + FAMILIAR_FOR + 1)
    assert not WrongSecret.objects.exists()
    assert not FamiliarNetwork.objects.exists()


def test_what_is_stored_tells_neither_login_nor_secret() -> None:
    add("hush hush")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM wrong_secret")
        stored = repr(cursor.fetchall())
    assert "hush" not in stored
    assert "anna" not in stored
    [row] = WrongSecret.objects.all()
    assert len(bytes(row.login_digest)) == 16
    assert len(bytes(row.secret_digest)) == 8


@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_was_typed_can_be_counted(login: str, typed: str) -> None:
    assert len(counters.login_digest(key=KEY, login=login)) == 16
    assert len(counters.secret_digest(key=KEY, login=login, secret=typed)) == 8


def test_digests_differ_by_key_login_and_secret() -> None:
    assert len({secret("a"), secret("b"), secret("a", "berta@example.test")}) == 3
    other = counters.secret_digest(key=b"\1" * 32, login="anna@example.test", secret="a")
    assert other != secret("a")
