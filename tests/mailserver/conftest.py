"""A private mail server for the tests: the real Dovecot behind a null authentication door."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import ssl
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trustme

from mailserver.nulldoor import NullDoor
from peers import require
from sidegate.decisions.ports import Mailbox
from sidegate.mailserver.dovecot_conf import Listeners
from sidegate.mailserver.places import Places, find_places
from sidegate.mailserver.server import MailServer

T = TypeVar("T")

ALICE = "alice@example.test"
BOB = "bob@example.test"
ODD = "a=b@example.test"


class LoopThread:
    """An event loop on a thread of its own, as blocking mail clients need one beside them."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class MailSetup:
    """One data folder with its mail server and its door."""

    def __init__(self, places: Places, certificate: Path, key: Path, door: NullDoor) -> None:
        self.places = places
        self.door = door
        local = ("127.0.0.1", 0)
        self.server = MailServer(
            places=places,
            listeners=Listeners(
                imap=local,
                imaps=local,
                pop3=local,
                pop3s=local,
                submission=local,
                submissions=local,
            ),
            certificate=certificate,
            key=key,
            client_socket=places.run / "auth-client.sock",
            master_socket=places.run / "auth-master.sock",
            find=door.find,
            sending=door,
        )

    async def start(self) -> None:
        group = self.places.user.gid if self.places.user else None
        await self.door.start(
            self.places.run / "auth-client.sock", self.places.run / "auth-master.sock", group
        )
        await self.server.start()

    async def stop(self) -> None:
        await self.server.stop()
        await self.door.stop()

    def port(self, name: str) -> int:
        address = self.server.listeners.open()[name]
        return address[1]


@pytest.fixture(scope="session")
def loop() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Callable[[], Path]]:
    """Makes data folders that an unprivileged user can enter, unlike pytest's own."""
    with contextlib.ExitStack() as stack:

        def make() -> Path:
            folder = Path(tempfile.mkdtemp(prefix="sg-"))
            stack.callback(shutil.rmtree, folder)
            folder.chmod(0o755)
            return folder

        yield make


def make_setup(data: Path, authority: trustme.CA) -> MailSetup:
    pair = authority.issue_cert("localhost", "127.0.0.1")
    certificate, key = data / "tls.crt", data / "tls.key"
    certificate.write_bytes(b"".join(part.bytes() for part in pair.cert_chain_pems))
    key.write_bytes(pair.private_key_pem.bytes())
    key.chmod(0o600)
    places = find_places(data)
    uid, gid = places.runs_as
    boxes = {
        name: Mailbox(name, uid, gid, str(places.mail / str(number)))
        for number, name in enumerate((ALICE, BOB, ODD))
    }
    return MailSetup(places, certificate, key, NullDoor(boxes))


@pytest.fixture
def new_server(open_folder: Callable[[], Path], authority: trustme.CA) -> Callable[[], MailSetup]:
    """Makes an installation that is not started."""
    require("dovecot")
    return lambda: make_setup(open_folder(), authority)


@pytest.fixture(scope="session")
def running(
    loop: LoopThread, open_folder: Callable[[], Path], authority: trustme.CA
) -> Iterator[MailSetup]:
    """One started installation for all tests that do not harm it."""
    require("dovecot")
    setup = make_setup(open_folder(), authority)
    loop.run(setup.start())
    yield setup
    loop.run(setup.stop())


def processes_of(config: Path) -> list[int]:
    """The masters that run on a configuration file."""
    wanted = os.fsencode(config)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def process_group(leader: int) -> list[int]:
    """The living processes of a group: a master and what it started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "stat").read_text().rpartition(")")[2].split()
            if words[2] == str(leader) and words[0] != "Z":
                found.append(int(folder.name))
    return found
