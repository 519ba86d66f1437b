"""A call that is given up while its folder is written: nothing of it stays, and nobody waits."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from sidegate.config.gateways import Sip
from sidegate.senders import sip_agent, sip_folder
from sidegate.senders.gateway import NotNow
from sidegate.senders.sip_agent import running_agent
from sidegate.senders.sip_route import Route
from sidegate.senders.speech import Speech

OPTIONS = Sip(server="127.0.0.1:5060", username="gate", password="made up")
ROUTE = Route(host="127.0.0.1", address="127.0.0.1", port=5060, ours="127.0.0.1")
SPEECH = Speech(whole=b"\0" * 800, again=b"\0" * 400, once_after=1.0)


async def call(parent: Path) -> None:
    async with running_agent(OPTIONS, ROUTE, SPEECH, ours=(), parent=parent):
        pytest.fail("it was given up before")


@pytest.mark.parametrize("times", [1, 3])
def test_given_up_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    writing, go_on = threading.Event(), threading.Event()
    left: list[Path] = []

    def slowly(folder: Path, *given: object) -> None:
        writing.set()
        assert go_on.wait(10)
        sip_folder.furnish(folder, *given)  # type: ignore[arg-type]  # as they were given
        left.append(folder)

    monkeypatch.setattr(sip_agent, "furnish", slowly)

    async def give_up() -> None:
        calling = asyncio.ensure_future(call(tmp_path / "calls"))
        await asyncio.to_thread(writing.wait, 10)
        for _ in range(times):
            calling.cancel()
            await asyncio.sleep(0.01)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert list((tmp_path / "calls").iterdir()) == []

    asyncio.run(give_up())
    assert len(left) == 1, "it was written to its end"
    assert not left[0].exists()


def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, *_given: object) -> None:
        (folder / "accounts").write_text("made up")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sip_agent, "furnish", full)
    with pytest.raises(OSError, match="No space"):
        asyncio.run(call(tmp_path / "calls"))
    assert list((tmp_path / "calls").iterdir()) == []


def test_who_clears_keeps_no_mail_server_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of all calls is held elsewhere: the event loop goes on."""
    monkeypatch.setattr("shutil.which", lambda _name: None)  # no call is made
    parent = tmp_path / "calls"
    parent.mkdir()

    async def work() -> None:
        with sip_folder._locked(parent):
            calling = asyncio.ensure_future(call(parent))
            for _ in range(20):
                await asyncio.sleep(0.005)
            assert list(parent.iterdir()) == [], "it waits"
            assert not calling.done()
        with pytest.raises(NotNow, match="missing"):
            await asyncio.wait_for(calling, 10)

    asyncio.run(work())
    assert list(parent.iterdir()) == []
