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
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from sidegate.config.gateways import Sip
from sidegate.senders.gateway import NotNow
from sidegate.senders.sip_folder import LONGEST, call_folder, furnish
from sidegate.senders.sip_route import Route
from sidegate.senders.sip_trace import Heard, Trace
from sidegate.senders.speech import Speech

T = TypeVar("T")

_LEAVING = 2.0
"""Seconds to hang up and to end the registration."""


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
    async with _furnished(parent, options, route, speech) as folder:
        process = await _started(folder)
        try:
            if process.stdin and process.stdout:
                yield Agent(process.stdin, process.stdout, folder, Trace(ours))
        finally:
            await asyncio.shield(_ended(process))


@asynccontextmanager
async def _furnished(
    parent: Path, options: Sip, route: Route, speech: Speech | None
) -> AsyncIterator[Path]:
    """The folder of a call with all in it: locked, written and deleted off the event loop."""
    held = contextlib.ExitStack()

    def fill() -> Path:
        folder = held.enter_context(call_folder(parent))
        furnish(folder, options, route, speech)
        return folder

    try:
        yield await _to_its_end(fill)
    finally:
        await _to_its_end(held.close)


async def _to_its_end(work: Callable[[], T]) -> T:
    """Its result, worked on a thread; who is cancelled meanwhile goes only when it has ended.

    A thread goes on writing, whoever gave up waiting for it: deleted beside it, a password or
    a code would be left behind.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work))
    cancelled: asyncio.CancelledError | None = None
    while not working.done():
        try:
            await asyncio.wait((working,))
        except asyncio.CancelledError as problem:
            cancelled = problem
    if cancelled is not None:
        working.exception()  # seen: the cancelling counts
        raise cancelled
    return working.result()


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
