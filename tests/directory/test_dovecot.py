"""The real Dovecot as the directory: what it is asked, and what its answers mean."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

from her_dovecot import HerDovecot, HerUser, Kind, her_dovecot
from sidegate.config import TcpEndpoint, UnixEndpoint
from sidegate.decisions.directory import Home, Judged, Question, Seen
from sidegate.decisions.mail import PasswordCheck, Presence
from sidegate.directory.asking import FRESH, QUIET
from sidegate.directory.dovecot import DovecotDirectory

T = TypeVar("T")
ADA = HerUser("ada@example.test", "ada's own password", aliases=("boss@example.test",))
OFF = HerUser("off@example.test", "off's own password", disabled=True)
BARE = HerUser("carl", "carl's own password")


KINDS = ["passwd-file", "sql", pytest.param("passwd-file on 2.4", marks=pytest.mark.long)]


@pytest.fixture(scope="module", params=KINDS)
def her(request: pytest.FixtureRequest) -> Iterator[HerDovecot]:
    kind: Kind = request.param
    with her_dovecot(kind, ADA, OFF, BARE) as dovecot:
        yield dovecot


def directory_of(her: HerDovecot, patience: float = 8.0) -> DovecotDirectory:
    return DovecotDirectory(
        auth=UnixEndpoint(her.auth), userdb=UnixEndpoint(her.userdb), patience=patience
    )


@asynccontextmanager
async def attached(directory: DovecotDirectory) -> AsyncIterator[DovecotDirectory]:
    directory.attach()
    try:
        yield directory
    finally:
        await directory.close()


def run(
    directory: DovecotDirectory, ask: Callable[[DovecotDirectory], Coroutine[Any, Any, T]]
) -> T:
    async def inside() -> T:
        async with attached(directory) as asked:
            return await ask(asked)

    return asyncio.run(inside())


def question(name: str, secret: str = "", master: str = "") -> Question:
    return Question(name, secret, "imap", "192.0.2.7", session="s1", tls=True, master=master)


def judged(her: HerDovecot, name: str, secret: str, master: str = "") -> Judged:
    return run(directory_of(her), lambda one: one.judge(question(name, secret, master)))


def seen(her: HerDovecot, name: str) -> Seen:
    return run(directory_of(her), lambda one: one.look_up(question(name)))


def test_who_is_there(her: HerDovecot) -> None:
    assert seen(her, ADA.name) == Seen(Presence.HERE, ADA.name)
    assert seen(her, "ADA@Example.test") == Seen(Presence.HERE, ADA.name)
    assert seen(her, "boss@example.test") == Seen(Presence.HERE, ADA.name)
    assert seen(her, OFF.name) == Seen(Presence.DISABLED, OFF.name)
    assert seen(her, BARE.name) == Seen(Presence.HERE, BARE.name)
    assert seen(her, "no@example.test") == Seen(Presence.GONE, "no@example.test")
    assert seen(her, "") == Seen(Presence.GONE, "")
    assert seen(her, "\ud800") == Seen(Presence.GONE, "\ud800")


def test_passwords(her: HerDovecot) -> None:
    assert judged(her, ADA.name, ADA.password) == Judged(PasswordCheck.RIGHT, ADA.name)
    assert judged(her, "boss@example.test", ADA.password) == Judged(PasswordCheck.RIGHT, ADA.name)
    assert judged(her, OFF.name, OFF.password).check is PasswordCheck.DISABLED
    for secret in ("", "\0", "\ud800", "x" * 2000):
        assert judged(her, ADA.name, secret).check is PasswordCheck.WRONG


def test_refusals_take_their_time_and_are_remembered(her: HerDovecot) -> None:
    async def ask(one: DovecotDirectory) -> tuple[list[Judged], float, float]:
        started = time.monotonic()
        wrong = [question(ADA.name, "wrong"), question("no@example.test", "wrong")]
        answers = await asyncio.gather(*(one.judge(each) for each in wrong))
        return answers, time.monotonic() - started, one.refusals_take

    answers, took, remembered = run(directory_of(her), ask)
    assert {answer.check for answer in answers} == {PasswordCheck.WRONG}
    assert took < 5
    assert remembered == pytest.approx(took, abs=0.2)


def test_many_at_a_time_on_one_connection(her: HerDovecot) -> None:
    async def ask(one: DovecotDirectory) -> list[Judged]:
        wrong = [one.judge(question(ADA.name, f"wrong {number}")) for number in range(50)]
        slow = [asyncio.ensure_future(each) for each in wrong]
        right = [one.judge(question(ADA.name, ADA.password)) for _ in range(50)]
        answers = await asyncio.gather(*right)
        assert not all(task.done() for task in slow), "a right one never waits for a wrong one"
        await asyncio.gather(*slow)
        return answers

    answers = run(directory_of(her), ask)
    assert set(answers) == {Judged(PasswordCheck.RIGHT, ADA.name)}


def test_a_right_password_is_not_held_back_by_wrong_ones(her: HerDovecot) -> None:
    async def ask(one: DovecotDirectory) -> float:
        for _ in range(3):
            await asyncio.gather(*(one.judge(question(ADA.name, "wrong")) for _ in range(5)))
        started = time.monotonic()
        assert (await one.judge(question(ADA.name, ADA.password))).check is PasswordCheck.RIGHT
        return time.monotonic() - started

    assert run(directory_of(her), ask) < 1


def test_a_master_of_hers(her: HerDovecot) -> None:
    right = judged(her, ADA.name, "a master's secret", master="gate")
    assert right == Judged(PasswordCheck.RIGHT, ADA.name)
    assert judged(her, ADA.name, ADA.password, master="gate").check is PasswordCheck.WRONG


def test_the_mailbox_in_her_own_words(her: HerDovecot) -> None:
    home = run(directory_of(her), lambda one: one.home(ADA.name, "imap"))
    assert isinstance(home, Home)
    assert home.name == ADA.name
    limit = b"quota_storage_size=1G" if her.is_24 else b"quota_rule=*:storage=1G"
    assert limit in home.fields
    assert f"home={her.folder}/mail/{ADA.name}".encode() in home.fields
    assert run(directory_of(her), lambda one: one.home("no@example.test", "imap")) is None
    assert run(directory_of(her), lambda one: one.home("", "imap")) is None


def test_over_tcp_on_loopback(her: HerDovecot) -> None:
    directory = DovecotDirectory(
        auth=TcpEndpoint("127.0.0.1", her.port), userdb=UnixEndpoint(her.userdb)
    )
    answer = run(directory, lambda one: one.judge(question(ADA.name, ADA.password)))
    assert answer.check is PasswordCheck.RIGHT


def test_for_threads_without_a_loop_of_their_own(her: HerDovecot) -> None:
    directory = directory_of(her)
    assert directory.look_up_blocking(question(ADA.name)).presence is Presence.HERE
    answer = directory.judge_blocking(question(ADA.name, ADA.password))
    assert answer.check is PasswordCheck.RIGHT

    async def beside(one: DovecotDirectory) -> Judged:
        return await asyncio.to_thread(one.judge_blocking, question(ADA.name, ADA.password))

    assert run(directory_of(her), beside).check is PasswordCheck.RIGHT


def test_stopped_is_cannot_tell_and_started_again_is_found_again(her: HerDovecot) -> None:
    async def ask(one: DovecotDirectory) -> None:
        right = question(ADA.name, ADA.password)
        assert (await one.judge(right)).check is PasswordCheck.RIGHT
        waiting = asyncio.ensure_future(one.judge(question(ADA.name, "wrong")))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(her.stop)
        # Dovecot still says what it knew of it, or nothing.
        assert (await waiting).check in (PasswordCheck.WRONG, PasswordCheck.OUTAGE)
        try:
            await asyncio.sleep(FRESH)
            started = time.monotonic()
            assert (await one.judge(right)).check is PasswordCheck.OUTAGE
            assert (await one.look_up(right)).presence is Presence.OUTAGE
            assert time.monotonic() - started < 2 * QUIET + 1, "its old process may hold us"
        finally:
            await asyncio.to_thread(her.start)
        assert (await one.judge(right)).check is PasswordCheck.RIGHT
        assert (await one.look_up(right)).presence is Presence.HERE

    run(directory_of(her), ask)
