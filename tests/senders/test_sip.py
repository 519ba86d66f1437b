"""Calls through a real SIP server to a real phone that records what it hears."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from peers import require
from senders.listening import codes_in, heard_in
from senders.saying import CODE, NUMBER, Told
from senders.sip_server import (
    BUSY,
    OVER,
    PASSWORD,
    USERNAME,
    Phone,
    running_phone,
    running_sip_server,
)
from sidegate import texts
from sidegate.config.gateways import Sip
from sidegate.senders import sip
from sidegate.senders.gateway import Message, NotNow, NotReachable, Sent, Trouble
from sidegate.senders.sip import SipGateway

pytestmark = pytest.mark.long


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    for program in ("baresip", "espeak-ng", "kamailio"):
        require(program)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with running_sip_server(tmp_path_factory.mktemp("kamailio")) as port:
        yield port


@pytest.fixture
def phone(tmp_path: Path, server: int) -> Iterator[Phone]:
    with running_phone(tmp_path / "phone", server) as running:
        yield running


def options(server: int, **more: str | int) -> Sip:
    wanted: dict[str, Any] = {"server": f"127.0.0.1:{server}"}
    wanted |= {"username": USERNAME, "password": PASSWORD}
    return Sip(**(wanted | more))


def gateway(folder: Path, wanted: Sip, told: Told, ringing: float = 20) -> SipGateway:
    return SipGateway("sip", wanted, told, folder=folder / "calls", ringing=ringing)


def message(language: str = "en", code: str = CODE, number: str = NUMBER) -> Message:
    text = texts.spoken_code(language, name="Example", code=code)
    return Message(
        id="7-1", number=number, channel="voice", code=code, text=text, language=language
    )


def is_gone(folder: Path) -> bool:
    return not any((folder / "calls").iterdir())


async def until_over(made: SipGateway) -> None:
    """Wait until nobody is called any more."""
    async with asyncio.timeout(90):
        await asyncio.gather(*made._calls)


@pytest.mark.parametrize("language", ["en", "lv"])
def test_the_code_is_said_twice_digit_by_digit(
    tmp_path: Path, server: int, phone: Phone, language: str
) -> None:
    async def calling() -> None:
        told = Told()
        made = gateway(tmp_path, options(server), told)
        assert await made.send(message(language, "907561")) == Sent("7-1")
        assert told.receipts == []
        async with asyncio.timeout(60):
            assert await told.wait() == [("7-1", "delivered")]
        await until_over(made)
        await made.close()

    asyncio.run(calling())
    heard = heard_in(phone.recording(), language)
    assert codes_in(heard) == ["907561", "907561"], heard
    assert is_gone(tmp_path)


def test_the_ear_of_these_tests_hears_a_wrong_digit_and_a_wrong_order(
    tmp_path: Path, server: int, phone: Phone
) -> None:
    """What is dialled says other digits than the ones compared with: they must be told apart."""

    async def calling(code: str) -> None:
        told = Told()
        made = gateway(tmp_path, options(server), told)
        await made.send(message("en", code))
        async with asyncio.timeout(60):
            await told.wait()
        phone.press("b")
        await until_over(made)
        await made.close()

    for number, said in enumerate(("907562", "907516"), 1):
        asyncio.run(calling(said))
        assert codes_in(heard_in(phone.recording(number), "en")) == [said]
        assert said != "907561"


def test_a_key_says_it_once_more(tmp_path: Path, server: int, phone: Phone) -> None:
    async def calling() -> None:
        told = Told()
        made = gateway(tmp_path, options(server), told)
        await made.send(message())
        async with asyncio.timeout(60):
            await told.wait()
        phone.press("1")
        await until_over(made)
        await made.close()

    asyncio.run(calling())
    assert codes_in(heard_in(phone.recording(), "en")) == [CODE, CODE]


def test_nothing_of_it_is_seen_by_others(
    tmp_path: Path, server: int, phone: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []

    def look() -> None:
        seen.append(subprocess.check_output(["ps", "-eo", "args"], text=True))

    async def calling() -> None:
        made = gateway(tmp_path, options(server), Told())
        await made.send(message("lv"))
        await asyncio.to_thread(look)
        (folder,) = (tmp_path / "calls").iterdir()
        modes = {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)}
        assert modes == {0o700}
        assert PASSWORD in (folder / "accounts").read_text()
        await made.close()

    asyncio.run(calling())
    phone.wait_for(OVER)
    assert "baresip -s" in seen[0]
    for secret in (CODE, ", ".join(CODE), PASSWORD):
        assert secret not in seen[0].replace(str(phone.folder), "")
        assert secret not in caplog.text
    assert NUMBER[1:] not in seen[0]
    assert is_gone(tmp_path)


@pytest.mark.parametrize(
    ("number", "means"),
    [
        (BUSY, NotReachable("line-busy")),
        ("+37120000600", NotReachable("line-busy")),
        ("+37120000603", NotReachable("declined")),
        ("+37120000480", NotReachable("no-answer")),
        ("+37120000404", NotReachable("unknown-number")),
        ("+37120000403", NotNow("refused")),
        ("+37120000402", NotNow("credit")),
        ("+37120000500", NotNow("broken")),
        ("+37120000503", NotNow("busy")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_server_says_of_a_call(
    tmp_path: Path, server: int, number: str, means: Trouble
) -> None:
    failing(tmp_path, server, means, number=number)


def test_a_password_that_is_refused(tmp_path: Path, server: int) -> None:
    failing(tmp_path, server, NotNow("credentials"), password="wrong")


def test_a_server_that_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip, "REGISTERING", 1.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        failing(tmp_path, silent.getsockname()[1], NotNow("slow"))


def test_a_server_that_answers_no_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was said yet: so it is surely not sent, and the next gateway may call."""
    monkeypatch.setattr(sip, "CONNECTING", 1.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        failing(tmp_path, port, NotNow("slow"), username="", password="", caller="sidegate")
        assert b"INVITE sip:" in silent.recv(4096)


@pytest.mark.parametrize("program", ["baresip", "espeak-ng"])
def test_a_program_that_is_missing(
    tmp_path: Path, server: int, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for other in {"baresip", "espeak-ng", "setpriv"} - {program}:
        (folder / other).symlink_to(str(shutil.which(other)))
    monkeypatch.setenv("PATH", str(folder))
    failing(tmp_path, server, NotNow("missing"))


def failing(
    folder: Path, server: int, means: Trouble, number: str = NUMBER, **more: str | int
) -> None:
    told = Told()

    async def calling() -> None:
        made = gateway(folder, options(server, **more), told)
        with pytest.raises(type(means)) as raised:
            await made.send(message(number=number))
        assert raised.value.why == means.why
        await made.close()

    asyncio.run(calling())
    assert told.receipts == []
    calls = folder / "calls"
    assert not calls.exists() or is_gone(folder)


def test_nobody_answers(tmp_path: Path, server: int) -> None:
    async def calling() -> None:
        told = Told()
        made = gateway(tmp_path, options(server), told, ringing=1.5)
        assert await made.send(message()) == Sent("7-1")
        assert await told.wait() == [("7-1", "no-answer")]
        await until_over(made)

    with running_phone(tmp_path / "phone", server, answers=False) as phone:
        asyncio.run(calling())
        phone.wait_for("Incoming call")
        phone.wait_for(OVER)
    assert is_gone(tmp_path)


def test_a_call_that_is_declined_while_it_rings(tmp_path: Path, server: int) -> None:
    async def calling(phone: Phone) -> None:
        told = Told()
        made = gateway(tmp_path, options(server), told)
        await made.send(message())
        await asyncio.to_thread(phone.wait_for, "Incoming call")
        phone.press("b")
        assert await told.wait() in ([("7-1", "declined")], [("7-1", "line-busy")])
        await until_over(made)

    with running_phone(tmp_path / "phone", server, answers=False) as phone:
        asyncio.run(calling(phone))


@pytest.mark.parametrize("how", ["hung up", "killed"])
def test_a_call_that_ends_too_early(tmp_path: Path, server: int, phone: Phone, how: str) -> None:
    async def calling() -> None:
        told = Told()
        made = gateway(tmp_path, options(server), told)
        await made.send(message())
        await asyncio.to_thread(phone.wait_for, "Call established")
        if how == "killed":
            os.kill(child_of_ours(tmp_path), signal.SIGKILL)
        else:
            phone.press("b")
        assert await told.wait() == [("7-1", "cut-short")]
        await until_over(made)

    asyncio.run(calling())
    assert is_gone(tmp_path)


def child_of_ours(folder: Path) -> int:
    """The baresip that reads the folder of the only call."""
    (call,) = (folder / "calls").iterdir()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        if str(call).encode() in entry.read_bytes():
            return int(entry.parent.name)
    raise AssertionError("no baresip runs")


def test_closing_hangs_up(tmp_path: Path, server: int, phone: Phone) -> None:
    pids: list[int] = []

    async def calling() -> None:
        made = gateway(tmp_path, options(server), Told())
        await made.send(message())
        pids.append(child_of_ours(tmp_path))
        await made.close()

    asyncio.run(calling())
    phone.wait_for(OVER)
    assert not Path(f"/proc/{pids[0]}").exists()
    assert is_gone(tmp_path)


def test_no_more_calls_at_once_than_allowed(tmp_path: Path, server: int, phone: Phone) -> None:
    async def calling() -> None:
        made = gateway(tmp_path, options(server, calls=1), Told())
        await made.send(message())
        with pytest.raises(NotNow) as raised:
            await made.send(replace(message(), id="7-2"))
        assert raised.value.why == "busy"
        await made.close()

    asyncio.run(calling())
    phone.wait_for(OVER)


def test_tcp_and_what_is_dialled(tmp_path: Path, server: int) -> None:
    failing(tmp_path, server, NotReachable("line-busy"), transport="tcp", number=BUSY)
    failing(tmp_path, server, NotNow("busy"), dial="00{digits}", number="+37120000503")


def test_the_check_registers_and_calls_nobody(tmp_path: Path, server: int) -> None:
    async def checking(**more: str | int) -> str | None:
        made = gateway(tmp_path, options(server, **more), Told())
        try:
            return await made.check()
        finally:
            await made.close()

    assert asyncio.run(checking()) == "it registered with the SIP server"
    with pytest.raises(NotNow) as raised:
        asyncio.run(checking(password="wrong"))
    assert raised.value.why == "credentials"
    said = asyncio.run(checking(username="", password="", caller="+37120000001"))
    assert "only a call proves" in (said or "")


def test_a_language_without_a_voice_hears_english_digits(
    tmp_path: Path, server: int, phone: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    async def calling() -> None:
        told = Told()
        made = gateway(tmp_path, options(server), told)
        await made.send(replace(message(), language="zz"))
        async with asyncio.timeout(60):
            await told.wait()
        phone.press("b")
        await until_over(made)

    asyncio.run(calling())
    assert CODE in heard_in(phone.recording(), "en")
    assert "no voice for 'zz'" in caplog.text
