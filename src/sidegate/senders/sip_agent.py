"""A SIP user agent as a child: one baresip for one call, or for one registration.

It reads commands from its standard input and is followed by what it prints: its own
control interfaces are ports that anybody on this machine could dial through. Password and
speech lie in a folder of its own (0700) that is gone when it ends; a number stands in no
command line either.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
import time
import wave
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from sidegate.config.gateways import Sip
from sidegate.senders.gateway import NotNow
from sidegate.senders.sip_trace import Heard, Trace
from sidegate.senders.speech import RATE, Speech

LONGEST = 180
"""Seconds after which baresip ends by itself, whoever still lives."""
_LEAVING = 2.0
"""Seconds to hang up and to end the registration."""
_MODULES = Path("/usr/lib/baresip/modules")
_CONFIG = """
poll_method epoll
sip_listen {address}:0
net_interface {address}
call_max_calls 1
call_local_timeout {longest}
audio_source aufile,{folder}/whole.wav
audio_player aubridge,heard
audio_alert aubridge,alert
ausrc_srate {rate}
ausrc_channels 1
auplay_channels 1
statmode_default off
module_path {modules}
module stdio.so
module g711.so
module aufile.so
module aubridge.so
module_tmp account.so
module_app menu.so
"""
_ACCOUNT = (
    '<sip:{caller}@{host}>;outbound="sip:{address}:{port};transport={transport}"'
    ";regint={registered};answermode=manual;audio_codecs=PCMA,PCMU"
)


class Route(NamedTuple):
    """The way to the SIP server."""

    host: str
    """As the configuration calls it: the domain of its addresses."""
    address: str
    port: int
    ours: str
    """The address of this machine that it sees."""

    def uri(self, user: str = "") -> str:
        """Somebody there; it itself where `user` is empty."""
        return f"sip:{user}@{self.host}" if user else f"sip:{self.host}"


async def route_to(server: str) -> Route:
    """Look the server up. Raises `NotNow`."""
    host, _, port = server.rpartition(":")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_DGRAM
        )
        family, kind, protocol, _name, where = min(found, key=lambda one: one[0] != socket.AF_INET)
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(where)  # a datagram socket: nothing is sent
            ours = probe.getsockname()[0]
    except OSError:
        raise NotNow("away") from None
    return Route(host, _bracketed(str(where[0])), int(port), _bracketed(ours))


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


class Agent:
    """A running one."""

    def __init__(
        self,
        commands: asyncio.StreamWriter,
        output: asyncio.StreamReader,
        folder: Path,
        trace: Trace,
    ) -> None:
        self._commands = commands
        self._output = output
        self._folder = folder
        self._trace = trace

    def dial(self, uri: str) -> None:
        """Call somebody."""
        self._tell(f"/dial {uri}")

    def ask(self, uri: str) -> None:
        """Ask the server for its options: any answer will do."""
        self._tell(f"/options {uri}")

    def say_again(self) -> None:
        """Play the short speech from its beginning, whatever is being played."""
        self._tell(f"/ausrc aufile,{self._folder}/again.wav")

    async def next(self) -> Heard | None:
        """What happens next; `None` once it has ended."""
        while True:
            try:
                line = await self._output.readline()
            except ValueError:  # beyond the reader's limit, dropped by it
                continue
            if not line:
                return None
            heard = self._trace.heard(line.decode(errors="replace").strip("\r\n"))
            if heard is not None:
                return heard

    def _tell(self, command: str) -> None:
        if not self._commands.is_closing():
            self._commands.write(f"{command}\n".encode())


@asynccontextmanager
async def running_agent(
    options: Sip, route: Route, speech: Speech | None, *, ours: tuple[str, ...], parent: Path
) -> AsyncIterator[Agent]:
    """Start one; it hangs up and is gone, with all that it was given, on leaving."""
    folder = await asyncio.to_thread(_furnished, options, route, speech, parent)
    try:
        process = await _started(folder)
        try:
            if process.stdin and process.stdout:
                yield Agent(process.stdin, process.stdout, folder, Trace(ours))
        finally:
            await asyncio.shield(_ended(process))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _furnished(options: Sip, route: Route, speech: Speech | None, parent: Path) -> Path:
    """A new folder with all that baresip reads."""
    parent.mkdir(mode=0o700, exist_ok=True)
    for old in parent.iterdir():  # of a process that was killed
        if time.time() - old.stat().st_mtime > 2 * LONGEST:
            shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(dir=parent))
    values = {"folder": folder, "longest": LONGEST, "rate": RATE, "modules": _MODULES}
    (folder / "config").write_text(_CONFIG.format(address=route.ours, **values))
    (folder / "accounts").write_text(_account(options, route) + "\n")
    (folder / "contacts").write_text("")
    if speech is not None:
        _write_wav(folder / "whole.wav", speech.whole)
        _write_wav(folder / "again.wav", speech.again)
    return folder


def _account(options: Sip, route: Route) -> str:
    account = _ACCOUNT.format(
        caller=options.caller or options.username,
        host=route.host,
        address=route.address,
        port=route.port,
        transport=options.transport,
        registered=60 if options.username else 0,
    )
    if options.username:
        account += f";auth_user={options.username};auth_pass={options.password}"
    return account


def _write_wav(path: Path, samples: bytes) -> None:
    with wave.open(str(path), "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE)
        written.writeframes(samples)


async def _started(folder: Path) -> Process:
    program = shutil.which("baresip")
    if program is None:
        raise NotNow("missing")
    try:
        return await asyncio.create_subprocess_exec(
            # It dies with us, however we die; and by itself after its time.
            "setpriv", "--no-new-privs", "--pdeathsig", "KILL", "--",
            program, "-s", "-f", str(folder), "-t", str(LONGEST),
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True,
        )  # fmt: skip
    except OSError:
        raise NotNow("missing") from None


async def _ended(process: Process) -> None:
    """SIGTERM hangs up; whoever does not go is killed."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_LEAVING):
            await process.communicate()  # reads on, or it would stand at a full pipe
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
