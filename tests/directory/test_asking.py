"""A directory that behaves badly: silent, full, broken, changing its mind about names."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sidegate.config import UnixEndpoint
from sidegate.decisions.directory import Question
from sidegate.decisions.mail import PasswordCheck, Presence
from sidegate.directory import asking, dovecot
from sidegate.directory.dovecot import PATIENCE, DovecotDirectory

T = TypeVar("T")
Answering = Callable[[list[bytes]], bytes]
ADA = Question("ada@example.test", "a secret", "imap", "192.0.2.7")


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sg-") as name:
        yield Path(name)


class Fake:
    """Says what it is told to, to whatever is asked of it."""

    def __init__(self, folder: Path, answer: Answering) -> None:
        self.path = folder / "socket"
        self.answer = answer
        self.greetings: list[bytes] = []
        self.handshake = b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nDONE\n"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.handshake)
        while line := await reader.readline():
            words = line.rstrip(b"\n").split(b"\t")
            if words[0] in (b"VERSION", b"CPID"):
                self.greetings.append(line)
            elif reply := self.answer(words):
                writer.write(reply)
        writer.close()


def run(
    fake: Fake,
    ask: Callable[[DovecotDirectory], Coroutine[Any, Any, T]],
    patience: float = PATIENCE,
) -> T:
    async def inside() -> T:
        server = await asyncio.start_unix_server(fake.serve, fake.path)
        endpoint = UnixEndpoint(fake.path)
        directory = DovecotDirectory(auth=endpoint, userdb=endpoint, patience=patience)
        directory.attach()
        try:
            return await ask(directory)
        finally:
            await directory.close()
            server.close()
            await asyncio.sleep(0.01)

    return asyncio.run(inside())


async def check(directory: DovecotDirectory) -> PasswordCheck:
    return (await directory.judge(ADA)).check


async def presence(directory: DovecotDirectory) -> Presence:
    return (await directory.look_up(ADA)).presence


def answering(*replies: bytes) -> Answering:
    by_command = {reply.split(b" ", 1)[0]: reply.split(b" ", 1)[1] for reply in replies}
    return lambda words: by_command.get(words[0], b"").replace(b"#", words[1])


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (b"OK\t#\tuser=ada@example.test\n", PasswordCheck.RIGHT),
        (b"OK\t#\n", PasswordCheck.RIGHT),
        (b"OK\t#\tuser=ada@example.test\tnologin\treason=disabled\n", PasswordCheck.DISABLED),
        (b"OK\t#\tuser=ada@example.test\tproxy\thost=192.0.2.1\n", PasswordCheck.OUTAGE),
        (b"OK\t#\tuser=ada@example.test\tpass_expired\n", PasswordCheck.EXPIRED),
        (b"FAIL\t#\tuser=ada@example.test\n", PasswordCheck.WRONG),
        (b"FAIL\t#\tcode=user_disabled\n", PasswordCheck.WRONG),
        (b"FAIL\t#\tcode=pass_expired\n", PasswordCheck.EXPIRED),
        (b"FAIL\t#\tcode=temp_fail\n", PasswordCheck.OUTAGE),
        (b"FAIL\t#\ttemp\n", PasswordCheck.OUTAGE),
        (b"CONT\t#\tVXNlcm5hbWU6\n", PasswordCheck.OUTAGE),
    ],
)
def test_what_an_answer_means(folder: Path, reply: bytes, expected: PasswordCheck) -> None:
    assert run(Fake(folder, answering(b"AUTH " + reply)), check) is expected


@pytest.mark.parametrize(
    ("user", "passwd", "expected"),
    [
        (b"USER\t#\tada@example.test\n", b"PASS\t#\tuser=ada@example.test\n", Presence.HERE),
        (b"USER\t#\tada@example.test\n", b"PASS\t#\tnologin\n", Presence.DISABLED),
        (b"USER\t#\tada@example.test\n", b"PASS\t#\tproxy\n", Presence.OUTAGE),
        (b"USER\t#\tada@example.test\n", b"NOTFOUND\t#\n", Presence.GONE),
        (b"NOTFOUND\t#\n", b"PASS\t#\tuser=ada@example.test\n", Presence.GONE),
        (b"USER\t#\tada@example.test\n", b"FAIL\t#\n", Presence.OUTAGE),
        (b"FAIL\t#\n", b"PASS\t#\tuser=ada@example.test\n", Presence.OUTAGE),
        (
            b"USER\t#\tada@example.test\n",
            b"FAIL\t#\treason=Configured passdbs don't support credentials lookups\n",
            Presence.HERE,
        ),
    ],
)
def test_what_a_look_up_means(folder: Path, user: bytes, passwd: bytes, expected: Presence) -> None:
    fake = Fake(folder, answering(b"USER " + user, b"PASS " + passwd))
    assert run(fake, presence) is expected


def test_the_passdb_names_whom_a_password_lets_in(folder: Path) -> None:
    replies = (b"USER USER\t#\tboss@example.test\n", b"PASS PASS\t#\tuser=Ada@Example.test\n")
    seen = run(Fake(folder, answering(*replies)), lambda one: one.look_up(ADA._replace(name="b")))
    assert seen.name == "ada@example.test"


def test_silence_is_an_outage_in_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "QUIET", 0.1)
    started = time.monotonic()
    assert run(Fake(folder, lambda _: b""), check, patience=0.3) is PasswordCheck.OUTAGE
    assert time.monotonic() - started < 2


def test_no_handshake_is_an_outage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "CONNECTING", 0.2)
    fake = Fake(folder, lambda _: b"")
    for handshake in (b"", b"VERSION\t1\t2\n", b"VERSION\t9\t9\n", b"HTTP/1.1 400\n"):
        fake.handshake = handshake
        assert run(fake, check) is PasswordCheck.OUTAGE


def test_many_wait_no_longer_than_one_for_a_server_that_says_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "CONNECTING", 0.3)
    fake = Fake(folder, lambda _: b"")
    fake.handshake = b""

    async def ask(directory: DovecotDirectory) -> tuple[list[PasswordCheck], float]:
        started = time.monotonic()
        found = await asyncio.gather(*(check(directory) for _ in range(20)))
        return found, time.monotonic() - started

    found, took = run(fake, ask)
    assert found == [PasswordCheck.OUTAGE] * 20
    assert took < 2


def test_rubbish_is_an_outage(folder: Path) -> None:
    assert run(Fake(folder, lambda _: b"\xff\xfe\t\n"), check) is PasswordCheck.OUTAGE
    assert run(Fake(folder, lambda _: b"x" * 20_000), check) is PasswordCheck.OUTAGE


def test_more_than_may_wait_is_busy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dovecot, "MOST", 3)

    async def ask(directory: DovecotDirectory) -> list[PasswordCheck]:
        return await asyncio.gather(*(check(directory) for _ in range(5)))

    found = run(Fake(folder, lambda _: b""), ask, patience=0.2)
    assert sorted(one.value for one in found) == ["busy", "busy", "outage", "outage", "outage"]


def test_each_connection_has_a_number_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "FRESH", 0.0)
    fake = Fake(folder, answering(b"AUTH OK\t#\tuser=ada@example.test\n"))

    async def ask(directory: DovecotDirectory) -> None:
        for _ in range(3):
            assert await check(directory) is PasswordCheck.RIGHT

    run(fake, ask)
    numbers = [line for line in fake.greetings if line.startswith(b"CPID")]
    assert len(set(numbers)) == 3


def test_what_waits_at_the_end_is_an_outage(folder: Path) -> None:
    async def ask(directory: DovecotDirectory) -> PasswordCheck:
        waiting = asyncio.ensure_future(check(directory))
        await asyncio.sleep(0.1)
        await directory.close()
        return await waiting

    assert run(Fake(folder, lambda _: b""), ask) is PasswordCheck.OUTAGE
