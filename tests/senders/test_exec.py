from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from sidegate.config.gateways import Exec
from sidegate.senders.exec import ExecGateway
from sidegate.senders.gateway import Channel, MaybeSent, Message, NotNow, NotReachable, Sent

CODE = "428117"
MESSAGE = Message(
    id="7-1",
    number="+37120000007",
    channel="sms",
    code=CODE,
    text=f"{CODE} ir Jūsu kods.\n\n@portal.example.test #{CODE}",
    language="lv",
)


def gateway(tmp_path: Path, program: str) -> ExecGateway:
    file = tmp_path / "program.py"
    file.write_text(program)
    return ExecGateway("mine", Exec(command=(sys.executable, "-S", str(file), str(tmp_path))))


def test_a_message_shows_neither_its_code_nor_its_text() -> None:
    assert CODE not in repr(MESSAGE)
    assert "+37120000007" in repr(MESSAGE)


@pytest.mark.parametrize("channel", ["sms", "voice"])
def test_the_text_comes_on_standard_input_and_nowhere_else(
    tmp_path: Path, channel: Channel
) -> None:
    mine = gateway(
        tmp_path,
        "import json, os, sys\n"
        "got = {'text': sys.stdin.read(), 'argv': sys.argv, 'env': dict(os.environ)}\n"
        "open(sys.argv[1] + '/got', 'w').write(json.dumps(got))\n"
        "print('reference 9')\nprint('more')",
    )
    assert asyncio.run(mine.send(replace(MESSAGE, channel=channel))) == Sent("reference 9")
    got = json.loads((tmp_path / "got").read_text())
    assert got["text"] == MESSAGE.text
    assert CODE not in json.dumps([got["argv"], got["env"]])
    told = {name: value for name, value in got["env"].items() if name.startswith("SIDEGATE_")}
    assert told == {
        "SIDEGATE_NUMBER": "+37120000007",
        "SIDEGATE_CHANNEL": channel,
        "SIDEGATE_LANGUAGE": "lv",
        "SIDEGATE_MESSAGE": "7-1",
    }


@pytest.mark.parametrize(
    ("program", "answer"),
    [
        ("raise SystemExit(0)", Sent("")),
        ("raise SystemExit(67)", NotReachable("unknown-number")),
        ("raise SystemExit(75)", NotNow("refused")),
        ("import os\nos.kill(os.getpid(), 9)", MaybeSent("dropped")),
    ],
)
def test_the_exit_status_answers(
    tmp_path: Path, program: str, answer: Sent | NotNow | NotReachable | MaybeSent
) -> None:
    sending = gateway(tmp_path, program).send(MESSAGE)
    if isinstance(answer, Sent):
        assert asyncio.run(sending) == answer
        return
    with pytest.raises(type(answer)) as caught:
        asyncio.run(sending)
    assert caught.value.why == answer.why


def test_a_program_that_is_not_there_was_surely_not_run(tmp_path: Path) -> None:
    mine = ExecGateway("mine", Exec(command=(str(tmp_path / "none"),)))
    with pytest.raises(NotNow, match="broken"):
        asyncio.run(mine.send(MESSAGE))
    with pytest.raises(NotNow, match="broken"):
        asyncio.run(mine.check())


PARENT = """
import os, subprocess, sys
child = subprocess.Popen(['sleep', '60'])
new = sys.argv[1] + f'/new.{os.getpid()}'
open(new, 'w').write(str(child.pid))
os.rename(new, sys.argv[1] + f'/child.{os.getpid()}')
child.wait()
"""


def test_who_gives_up_ends_the_program_and_what_it_started(tmp_path: Path) -> None:
    mine = gateway(tmp_path, PARENT)

    def started() -> None:
        until = time.monotonic() + 10
        while not children(tmp_path):
            assert time.monotonic() < until
            time.sleep(0.02)

    async def give_up() -> None:
        sending = asyncio.ensure_future(mine.send(MESSAGE))
        await asyncio.to_thread(started)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    asyncio.run(give_up())
    assert len(children(tmp_path)) == 1
    until_over(tmp_path)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_who_gives_up_while_it_starts_ends_it_too(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """Given up at the instant at which it runs already and asyncio has not said so yet."""
    mine = gateway(tmp_path, PARENT)
    start = asyncio.create_subprocess_exec

    async def slowly(*command: str, **how: object) -> Process:
        process = await start(*command, **how)  # type: ignore[arg-type]
        until = time.monotonic() + 10
        while not (tmp_path / f"child.{process.pid}").exists():
            assert time.monotonic() < until
            await asyncio.sleep(0.005)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slowly)

    async def give_up() -> None:
        sending = asyncio.ensure_future(mine.send(MESSAGE))
        await asyncio.sleep(0.02)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    with asyncio.Runner(loop_factory=loop) as runner:
        for _ in range(5):
            runner.run(give_up())
    assert len(children(tmp_path)) == 5
    until_over(tmp_path)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_whenever_it_is_given_up_nothing_goes_on(
    tmp_path: Path, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    program = tmp_path / "program.sh"
    program.write_text("#!/bin/sh\nsleep 60 & echo $! > $1/child.$$; wait\n")
    program.chmod(0o700)
    mine = ExecGateway("mine", Exec(command=(str(program), str(tmp_path))))

    async def give_up(after: float) -> None:
        sending = asyncio.ensure_future(mine.send(MESSAGE))
        await asyncio.sleep(after)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    with asyncio.Runner(loop_factory=loop) as runner:
        for step in range(60):
            runner.run(give_up(step / 4000))
    until_over(tmp_path)


HOLDS_ON = """
import os, subprocess, sys
child = subprocess.Popen(['sleep', '60'], start_new_session=True)
open(sys.argv[1] + '/new', 'w').write(str(child.pid))
os.rename(sys.argv[1] + '/new', sys.argv[1] + f'/child.{os.getpid()}')
child.wait()
"""


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("program", [PARENT, HOLDS_ON], ids=["all end", "one holds on"])
def test_when_it_has_been_given_up_no_pipe_is_open(
    tmp_path: Path, program: str, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    mine = gateway(tmp_path, program)

    async def give_up() -> set[str]:
        before = len(children(tmp_path))
        sending = asyncio.ensure_future(mine.send(MESSAGE))
        await asyncio.to_thread(more_than, before)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(sending, 10)
        return open_pipes()

    async def give_up_again() -> None:
        kept = await give_up()  # a loop has pipes of its own, from its first child on
        assert await give_up() <= kept

    def more_than(before: int) -> None:
        until = time.monotonic() + 10
        while len(children(tmp_path)) == before:
            assert time.monotonic() < until
            time.sleep(0.02)

    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(give_up_again())
    finally:
        for child in children(tmp_path):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def open_pipes() -> set[str]:
    found = set()
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # that of the listing itself
            found.add(str(one.readlink()))
    return {one for one in found if one.startswith(("pipe:", "socket:"))}


def test_a_program_that_cannot_be_started_is_given_up_quietly(tmp_path: Path) -> None:
    mine = ExecGateway("mine", Exec(command=(str(tmp_path / "none"),)))

    async def give_up() -> None:
        sending = asyncio.ensure_future(mine.send(MESSAGE))
        await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    asyncio.run(give_up())


def children(folder: Path) -> list[int]:
    """What the programs started, as far as they wrote it down."""
    return [int(said) for file in folder.glob("child.*") if (said := file.read_text().strip())]


def until_over(folder: Path) -> None:
    until = time.monotonic() + 5
    while any(_runs(child) for child in children(folder)):
        assert time.monotonic() < until
        time.sleep(0.02)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
