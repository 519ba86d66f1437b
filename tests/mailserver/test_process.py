"""The life of the private Dovecot: started, killed, started again, ended."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from mailserver.conftest import LoopThread, MailSetup, process_group, processes_of
from sidegate.mailserver import process
from sidegate.mailserver.errors import DovecotMissing, MailServerError


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    latest = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < latest
        time.sleep(0.05)


def test_a_killed_master_is_started_again_and_a_stop_leaves_nothing(
    new_server: Callable[[], MailSetup], loop: LoopThread, caplog: pytest.LogCaptureFixture
) -> None:
    setup = new_server()
    loop.run(setup.start())
    try:
        first = setup.server.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        until(lambda: setup.server.pid is None)
        assert not loop.run(setup.server.ready())
        until(lambda: setup.server.pid not in {None, first})
        until(lambda: loop.run(setup.server.ready()))
        second = setup.server.pid
        assert second is not None
    finally:
        before = time.monotonic()
        loop.run(setup.stop())
    assert time.monotonic() - before < 5
    until(lambda: not process_group(second))
    until(lambda: not process_group(first))
    assert "the private Dovecot ended" in caplog.text


def test_a_stop_during_the_pause_ends_at_once(
    new_server: Callable[[], MailSetup], loop: LoopThread
) -> None:
    setup = new_server()
    loop.run(setup.start())
    master = setup.server.pid
    assert master is not None
    os.kill(master, signal.SIGKILL)
    until(lambda: setup.server.pid is None)
    before = time.monotonic()
    loop.run(setup.stop())
    assert time.monotonic() - before < 0.5
    assert not processes_of(setup.places.conf / "dovecot.conf")


def test_it_lives_under_uvloop_too(new_server: Callable[[], MailSetup]) -> None:
    thread = LoopThread(uvloop.new_event_loop())
    setup = new_server()
    thread.run(setup.start())
    assert thread.run(setup.server.ready())
    thread.run(setup.stop())
    assert not processes_of(setup.places.conf / "dovecot.conf")
    thread.close()


def test_one_that_does_not_end_is_killed(
    new_server: Callable[[], MailSetup], loop: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STOP_PATIENCE", 0.2)
    setup = new_server()
    loop.run(setup.start())
    master = setup.server.pid
    assert master is not None
    os.kill(master, signal.SIGSTOP)
    loop.run(setup.stop())
    until(lambda: not process_group(master))


def test_a_port_that_is_taken_is_said(
    new_server: Callable[[], MailSetup], loop: LoopThread, running: MailSetup
) -> None:
    setup = new_server()
    taken = running.server.listeners.imaps
    setup.server._listeners = replace(setup.server.listeners, imaps=taken)
    with pytest.raises(MailServerError, match="Address already in use"):
        loop.run(setup.start())
    loop.run(setup.stop())
    assert not processes_of(setup.places.conf / "dovecot.conf")


def test_two_on_one_folder_are_told_apart(
    new_server: Callable[[], MailSetup], loop: LoopThread, running: MailSetup
) -> None:
    setup = new_server()
    setup.server._places = running.places
    with pytest.raises(MailServerError, match="another Sidegate"):
        loop.run(setup.server.start())
    assert loop.run(running.server.ready())


def test_a_certificate_that_does_not_fit_its_key_is_said(
    new_server: Callable[[], MailSetup], loop: LoopThread, running: MailSetup
) -> None:
    setup = new_server()
    setup.server._key = running.server._key
    with pytest.raises(MailServerError, match=r"tls\.crt and .* do not work: KEY_VALUES_MISMATCH"):
        loop.run(setup.start())
    loop.run(setup.stop())


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("2.2.36 (x)", "is Dovecot 2.2.36; the private one needs 2.3"),
        ("2.4.1-4 (x)", "is Dovecot 2.4.1-4; the private one needs 2.3"),
        ("", "is Dovecot of no version"),
    ],
)
def test_another_version_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, text: str
) -> None:
    fake = tmp_path / "dovecot"
    fake.write_text(f"#!/bin/sh\necho '{answer}'\n")
    fake.chmod(0o755)
    monkeypatch.setattr(process, "_SEARCH", f"{tmp_path}:/bin")
    with pytest.raises(DovecotMissing, match=text) as missing:
        process.find_dovecot()
    assert "\n" not in missing.value.text


def test_a_missing_dovecot_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_SEARCH", str(tmp_path))
    with pytest.raises(DovecotMissing, match="Dovecot is not installed: apt-get install"):
        process.find_dovecot()


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("master: Info: starting up", logging.DEBUG),
        ("imap(a@b)<1><x>: Error: broken", logging.ERROR),
        ("Fatal: cannot", logging.CRITICAL),
        ("master: Warning: Killed", logging.WARNING),
        ("something else", logging.WARNING),
    ],
)
def test_each_line_keeps_its_level(caplog: pytest.LogCaptureFixture, line: str, level: int) -> None:
    dovecot = process.DovecotProcess(program="x", config=Path("x"), user=None)
    with caplog.at_level(logging.DEBUG):
        dovecot._tell(line)
    assert caplog.record_tuples == [("sidegate.mailserver.process", level, f"dovecot: {line}")]


def start_and_wait(data: str) -> None:
    """Another Sidegate, for the tests that kill it: run by this file as a program."""
    import trustme  # noqa: PLC0415 - only for this

    from mailserver.conftest import make_setup  # noqa: PLC0415 - the same

    async def run() -> None:
        setup = make_setup(Path(data), trustme.CA())
        await setup.start()
        await asyncio.sleep(0.5)  # Dovecot is slow to end while it starts
        print(setup.server.pid, flush=True)  # noqa: T201 - what the test reads
        await asyncio.sleep(60)

    asyncio.run(run())


def other_sidegate(data: Path) -> subprocess.Popen[str]:
    here = Path(__file__)
    code = "from mailserver.test_process import start_and_wait as run; import sys; run(sys.argv[1])"
    return subprocess.Popen(
        [sys.executable, "-c", code, str(data)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(here.parent.parent), *sys.path])},
    )


def test_a_killed_sidegate_leaves_no_dovecot(open_folder: Callable[[], Path]) -> None:
    with other_sidegate(open_folder()) as other:
        assert other.stdout is not None
        master = int(other.stdout.readline())
        other.kill()
    until(lambda: not process_group(master))


def test_a_master_that_was_left_is_ended_at_the_next_start(
    new_server: Callable[[], MailSetup], loop: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = new_server()
    loop.run(setup.start())
    left = setup.server._process
    assert left is not None
    config = setup.places.conf / "dovecot.conf"
    uid = setup.places.runs_as.uid
    time.sleep(0.5)  # Dovecot is slow to end while it starts
    # Not ours: another configuration, another user.
    process.end_stale_master(base=setup.places.base, config=Path("/other"), uid=uid)
    process.end_stale_master(base=setup.places.base, config=config, uid=uid + 1)
    assert loop.run(setup.server.ready())
    master = setup.server.pid
    assert master is not None
    monkeypatch.setattr(left, "_stopping", True)
    process.end_stale_master(base=setup.places.base, config=config, uid=uid)
    until(lambda: not process_group(master))
    loop.run(setup.stop())


def test_no_pid_file_or_nonsense_in_it_is_nothing_to_end(tmp_path: Path) -> None:
    process.end_stale_master(base=tmp_path, config=tmp_path, uid=0)
    (tmp_path / "master.pid").write_text("nonsense\n")
    process.end_stale_master(base=tmp_path, config=tmp_path, uid=0)
