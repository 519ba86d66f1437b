"""Stopped, killed and started again: accounts, app passwords and mail stay."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from child import Child, running
from clients.desk import AppPassword, Person, desk_for
from clients.test_outage import health
from clients.ways import LIBRARIES, authenticate, everywhere, imap, let_in, smtp

STOP_BOUND = 5.0
START_BOUND = 10.0
"""Seconds; 3 by the contract, on a machine that does nothing else meanwhile."""
EVERYTHING = {way.name for way in LIBRARIES}


def master_of(child: Child) -> int:
    return int((child.data / "run" / "dovecot" / "master.pid").read_text())


def processes_of(master: int) -> set[int]:
    """Every process of the private Dovecot: its master leads a session of its own."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == master and fields[0] != "Z":
            found.add(int(folder.name))
    return found


def until(holds: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def send(child: Child, anna: Person, key: AppPassword) -> str:
    mark = uuid.uuid4().hex
    with smtp(child) as client:
        authenticate(client, anna.address, key.secret)
        text = f"From: {anna.address}\r\nSubject: {mark}\r\n\r\nhello\r\n"
        client.sendmail(anna.address, anna.address, text)
    return mark


def has(child: Child, anna: Person, key: AppPassword, mark: str) -> bool:
    client = imap(child)
    client.login(anna.address, key.secret)
    client.select(readonly=True)
    found = client.search(None, "SUBJECT", mark)[1][0].split()
    client.logout()
    return len(found) == 1


def test_stopped_killed_and_started_again(data: Path) -> None:
    with running(data) as child, desk_for(data) as desk:
        anna = desk.person()
        anna.turn_on()
        key = anna.app_password()
        mark = send(child, anna, key)
        first_password = child.first_password()
        open_session = imap(child)
        open_session.login(anna.address, key.secret)
        master = master_of(child)
        assert processes_of(master)
        before = time.monotonic()
        assert child.stop() == 0
        assert time.monotonic() - before < STOP_BOUND
        assert processes_of(master) == set()
        open_session.shutdown()

    before = time.monotonic()
    with running(data) as child:
        assert time.monotonic() - before < START_BOUND
        assert child.first_password() == first_password
        assert has(child, anna, key, mark)
        assert let_in(everywhere(child, anna.address, anna.password, LIBRARIES)) == set()
        master = master_of(child)
        child.process.kill()
        child.process.wait()
        until(lambda: processes_of(master) == set(), seconds=STOP_BOUND)

    # After a restart of the machine, the master's number may be any other program's.
    (data / "run" / "dovecot" / "master.pid").write_text(f"{os.getpid()}\n")
    with running(data) as child:
        assert has(child, anna, key, mark)


def test_a_killed_sidegate_that_left_its_dovecot_does_not_block_the_next(data: Path) -> None:
    with running(data) as child:
        master = master_of(child)
        # A master that is stopped cannot hear that we have ended.
        os.kill(master, signal.SIGSTOP)
        child.process.kill()
        child.process.wait()
        assert master in processes_of(master)
    with running(data) as child:
        assert master not in processes_of(master)
        assert health(child) == 200


def test_a_dovecot_that_dies_is_started_again(data: Path) -> None:
    with running(data) as child, desk_for(data) as desk:
        anna = desk.person()
        anna.turn_on()
        key = anna.app_password()
        master = master_of(child)
        os.kill(master, signal.SIGKILL)
        until(lambda: health(child) == 503, seconds=2)
        until(lambda: health(child) == 200, seconds=15)
        assert master_of(child) != master
        assert processes_of(master) == set()
        inside = let_in(everywhere(child, anna.address, key.secret, LIBRARIES))
        assert inside == EVERYTHING
        assert has(child, anna, key, send(child, anna, key))
