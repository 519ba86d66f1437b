"""The private mail server as one thing: started, asked for its health, stopped."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import ssl
from dataclasses import replace
from pathlib import Path

from sidegate.decisions.ports import Sending
from sidegate.mailserver.delivery import Delivery, Find
from sidegate.mailserver.dovecot_conf import (
    Address,
    DovecotSettings,
    Listeners,
    Relay,
    render,
    write_private,
)
from sidegate.mailserver.errors import MailServerError
from sidegate.mailserver.places import Places
from sidegate.mailserver.process import (
    DovecotProcess,
    end_stale_master,
    find_dovecot,
    master_pid,
)

START_PATIENCE = 15.0
"""Seconds that Dovecot may take until it answers."""

CHECK_PATIENCE = 2.0
"""Seconds that one listener may take to accept."""


class MailServer:
    """The private Dovecot and the delivery behind it.

    The two authentication sockets are a door's: they must be there when a mail program
    connects, and the mail user must be able to open them.
    """

    def __init__(
        self,
        *,
        places: Places,
        listeners: Listeners,
        certificate: Path,
        key: Path,
        client_socket: Path,
        master_socket: Path,
        find: Find,
        sending: Sending,
        hostname: str = "localhost",
    ) -> None:
        self._places = places
        self._listeners = listeners
        self._certificate = certificate
        self._key = key
        self._client_socket = client_socket
        self._master_socket = master_socket
        self._hostname = hostname
        self._delivery = Delivery(find=find, sending=sending, lmtp_socket=places.base / "lmtp")
        self._process: DovecotProcess | None = None
        self._lock: int | None = None

    @property
    def listeners(self) -> Listeners:
        """Where it listens; ports given as 0 are the real ones once it has started."""
        return self._listeners

    @property
    def pid(self) -> int | None:
        """The process id of Dovecot's master; `None` while there is none."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start and return when it answers; MailServerError says why it does not."""
        program = find_dovecot()
        self._lock = _lock(self._places.conf)
        try:
            await self._start(program)
        except BaseException:
            await self.stop()
            raise

    async def _start(self, program: str) -> None:
        config = self._places.conf / "dovecot.conf"
        uid = self._places.runs_as.uid
        await asyncio.to_thread(end_stale_master, base=self._places.base, config=config, uid=uid)
        # Dovecot would not start while the number in it is taken: by a master that nobody waited
        # for, or, after a restart of the machine or container, by any other program.
        (self._places.base / "master.pid").unlink(missing_ok=True)
        self._listeners = _with_ports(self._listeners)
        self._write_configuration(config, await self._delivery.start())
        self._process = DovecotProcess(program=program, config=config, user=self._places.user)
        self._process.start()
        await self._until_ready(self._process)

    async def ready(self) -> bool:
        """Whether the process lives, each listener accepts, and mail can be delivered."""
        # Dovecot writes its pid file once it holds every listener: what accepts is ours then.
        if self.pid is None or master_pid(self._places.base) != self.pid:
            return False
        if not (self._places.base / "lmtp").is_socket():
            return False
        addresses = self._listeners.open().values()
        return all(await asyncio.gather(*map(_accepts, addresses)))

    async def stop(self) -> None:
        """End Dovecot with all its processes, then the delivery."""
        if self._process is not None:
            await self._process.stop()
        await self._delivery.stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def _until_ready(self, process: DovecotProcess) -> None:
        loop = asyncio.get_running_loop()
        latest = loop.time() + START_PATIENCE
        while not await self.ready():
            if process.pid is None or loop.time() > latest:
                raise MailServerError(f"the private Dovecot does not start: {process.complaint}")
            await asyncio.sleep(0.02)

    def _write_configuration(self, config: Path, relay: Relay) -> None:
        user = self._places.runs_as
        settings = DovecotSettings(
            listeners=self._listeners,
            certificate=self._places.conf / "tls.crt",
            key=self._places.conf / "tls.key",
            client_socket=self._client_socket,
            master_socket=self._master_socket,
            base=self._places.base,
            relay=relay,
            user=user.name,
            group=user.group,
            uid=user.uid,
            hostname=self._hostname,
        )
        owner = self._places.user
        certificate, key = _read_pair(self._certificate, self._key)
        # Dovecot reads them as the mail user, who need not reach where they lie.
        write_private(settings.certificate, certificate, owner=owner)
        write_private(settings.key, key, owner=owner)
        write_private(config, render(settings).encode(), owner=owner)


def _lock(folder: Path) -> int:
    """Hold the places for this process alone; it ends with us, whatever ends us."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise MailServerError(f"another Sidegate runs its mail server in {folder}") from None
    return handle


def _read_pair(certificate: Path, key: Path) -> tuple[bytes, bytes]:
    try:
        # An encrypted key would ask for its passphrase on the terminal: none is given.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            certificate, key, password=lambda: ""
        )
        return certificate.read_bytes(), key.read_bytes()
    except ssl.SSLError as error:
        raise MailServerError(f"{certificate} and {key} do not work: {error.reason}") from error
    except OSError as error:
        raise MailServerError(f"{certificate} and {key}: {error.strerror}") from error


def _with_ports(listeners: Listeners) -> Listeners:
    """Free ports in place of zeros."""
    asked = {name: address for name, address in listeners.open().items() if address[1] == 0}
    held: list[socket.socket] = []
    ports: dict[str, Address] = {}
    for name, (host, _) in asked.items():
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        probe = socket.socket(family)
        held.append(probe)  # kept until all are chosen, so that no two are the same
        probe.bind((host, 0))
        ports[name] = (host, probe.getsockname()[1])
    for probe in held:
        probe.close()
    return replace(listeners, **ports)


async def _accepts(address: Address) -> bool:
    host, port = address
    # One that listens everywhere is asked on loopback.
    host = {"": "127.0.0.1", "*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    try:
        async with asyncio.timeout(CHECK_PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
