"""A real gammu-smsd: what it reads, and what is learnt from where it puts a file."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from senders.gammu import Daemon, make_folders, options, running_gammu
from senders.saying import CODE, ENGLISH, LATVIAN, NUMBER, PATIENCE, Told, message
from sidegate.senders.gammu import GammuGateway
from sidegate.senders.gateway import NotNow, Sent


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running_gammu(tmp_path_factory.mktemp("gammu") / "telling", level=1) as daemon:
        yield daemon


@asynccontextmanager
async def gateway(
    folder: Path, told: Told | None = None, *, lifetime: float = PATIENCE
) -> AsyncIterator[GammuGateway]:
    made = GammuGateway("mine", options(folder), told or Told(), every=0.05, lifetime=lifetime)
    try:
        yield made
    finally:
        await made.close()


async def gone(folder: Path, answer: Sent) -> None:
    """Wait until the file of a message is nowhere any more."""

    def waiting() -> None:
        deadline = time.monotonic() + PATIENCE
        while any((folder / name / answer.reference).exists() for name in ("outbox", "sent")):
            assert time.monotonic() < deadline, "the file stays"
            time.sleep(0.05)

    await asyncio.to_thread(waiting)


@pytest.mark.parametrize(("text", "coding"), [(ENGLISH, 3), (LATVIAN, 1)], ids=["7-bit", "unicode"])
def test_the_daemon_sends_the_text_as_it_is(telling: Daemon, text: str, coding: int) -> None:
    async def sending() -> None:
        async with gateway(telling.folder) as mine:
            answer = await mine.send(message(text))
            await asyncio.to_thread(telling.wait_for_log, f"Renamed {telling.folder}")
            await asyncio.to_thread(telling.wait_for_log, f"sent/{answer.reference}")
            await gone(telling.folder, answer)

    asyncio.run(sending())
    found = re.search(
        rf'to "({re.escape(NUMBER)})" with text "{re.escape(text)}" cod (\d)', telling.log()
    )
    assert found, telling.log()
    assert int(found[2]) == coding


def test_the_code_stays_in_no_file_and_in_no_log(tmp_path: Path) -> None:
    folder = tmp_path / "gammu"

    async def sending() -> None:
        async with gateway(folder) as mine:
            answer = await mine.send(message())
            await asyncio.to_thread(daemon.wait_for_log, "Renamed")
            await gone(folder, answer)

    with running_gammu(folder) as daemon:
        asyncio.run(sending())
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    for written in (CODE.encode(), CODE.encode("utf-16-le")):
        assert not any(written in file for file in files)


def test_the_file_appears_whole_and_only_the_daemon_s_group_may_read_it(tmp_path: Path) -> None:
    folder = make_folders(tmp_path / "gammu")

    async def sending() -> Sent:
        async with gateway(folder) as mine:
            return await mine.send(message())

    answer = asyncio.run(sending())
    (file,) = (folder / "outbox").iterdir()
    assert file.name == answer.reference
    assert re.fullmatch(rf"OUTA\d{{8}}_\d{{6}}_00_{re.escape(NUMBER)}_sidegate-7-1\.txt", file.name)
    assert file.read_bytes() == b"\xff\xfe" + ENGLISH.encode("utf-16-le")
    assert file.stat().st_mode & 0o777 == 0o640
    assert file.stat().st_gid == (folder / "outbox").stat().st_gid


def test_a_message_that_the_daemon_gave_up_has_failed(tmp_path: Path) -> None:
    """The dummy phone takes everything: here the test moves the file as the daemon would."""
    folder = make_folders(tmp_path / "gammu")

    async def sending() -> None:
        told = Told()
        async with gateway(folder, told) as mine:
            answer = await mine.send(message())
            (folder / "outbox" / answer.reference).rename(folder / "errors" / answer.reference)
            assert await told.wait() == [(answer.reference, "failed")]
        assert not list((folder / "errors").iterdir())

    asyncio.run(sending())


def test_a_message_that_nobody_fetches_is_withdrawn_with_its_code(tmp_path: Path) -> None:
    folder = make_folders(tmp_path / "gammu")

    async def sending() -> None:
        told = Told()
        async with gateway(folder, told, lifetime=0.2) as mine:
            answer = await mine.send(message())
            assert await told.wait() == [(answer.reference, "failed")]
        assert not list((folder / "outbox").iterdir())

    asyncio.run(sending())


def test_what_an_earlier_process_left_is_taken_away_with_the_next_code(tmp_path: Path) -> None:
    folder = make_folders(tmp_path / "gammu")
    ours = "OUTA20260102_030405_00_+37120000009_sidegate-1-1.txt"
    theirs = "OUTA20260102_030405_00_+37120000009_theirs.txt"
    for name in ("outbox", "sent", "errors"):
        for file in (folder / name / ours, folder / name / theirs):
            file.write_text(CODE)
            os.utime(file, (1, 1))

    async def sending() -> Sent:
        async with gateway(folder) as mine:
            return await mine.send(message())

    answer = asyncio.run(sending())
    left = {
        name: sorted(file.name for file in (folder / name).iterdir())
        for name in ("outbox", "sent", "errors")
    }
    assert left == {
        "outbox": sorted([answer.reference, theirs]),
        "sent": [theirs],
        "errors": [theirs],
    }


def test_folders_that_are_not_there_are_told(tmp_path: Path) -> None:
    async def trying() -> None:
        async with gateway(tmp_path / "none") as mine:
            with pytest.raises(NotNow, match="broken"):
                await mine.send(message())
            with pytest.raises(NotNow, match="broken"):
                await mine.check()

    asyncio.run(trying())


def test_check_looks_at_the_folders(tmp_path: Path) -> None:
    folder = make_folders(tmp_path / "gammu")

    async def checking() -> str | None:
        async with gateway(folder) as mine:
            return await mine.check()

    said = asyncio.run(checking())
    assert said == "its three folders can be used; the phone itself was not asked"


def test_a_message_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folders(tmp_path / "gammu")

    def full(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)

    async def trying() -> None:
        async with gateway(folder) as mine:
            with pytest.raises(NotNow, match="broken"):
                await mine.send(message())

    asyncio.run(trying())
    assert not list((folder / "outbox").iterdir())
