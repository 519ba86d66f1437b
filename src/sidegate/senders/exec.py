"""A gateway that is a program of the operator's: the text on its standard input.

It is run once for each code, without a shell. Number, channel, language and the
message's id are in its environment; the text, which holds the code, never is, nor in
its arguments: both can be read by others of this machine. Its exit status answers, as
<sysexits.h> names it: 0 taken over (the first line that it prints is the reference),
67 (EX_NOUSER) the number cannot be reached, anything else not now.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process

from sidegate.config.gateways import Exec
from sidegate.senders.gateway import MaybeSent, Message, NotNow, NotReachable, Sent

PATIENCE = 30.0
"""Seconds after which the program is ended."""
_CLOSING = 0.5
"""Seconds for the pipes of a program that was ended."""
_AT_ONCE = 65536
_NO_USER = 67
_LONGEST_REFERENCE = 200
_KEPT = ("PATH", "HOME", "LANG", "TZ")


class ExecGateway:
    """Runs the program."""

    patience = PATIENCE

    def __init__(self, name: str, options: Exec) -> None:
        self.name = name
        self._command = options.command

    async def send(self, message: Message) -> Sent:
        """Run it once; raises `NotNow`, `NotReachable`, `MaybeSent`."""
        process = await self._started(message)
        try:
            said, _nothing = await process.communicate(message.text.encode())
        finally:
            await _ended(process)
        if process.returncode == 0:
            first = said.decode(errors="replace").partition("\n")[0].strip()
            return Sent(first[:_LONGEST_REFERENCE] if first.isprintable() else "")
        if process.returncode == _NO_USER:
            raise NotReachable("unknown-number")
        if process.returncode is None or process.returncode < 0:
            raise MaybeSent("dropped")  # ended by a signal: how far it came is not known
        raise NotNow("refused")

    async def check(self) -> str | None:
        """Only whether there is such a program; raises `NotNow`."""
        if not os.access(self._command[0], os.X_OK):
            raise NotNow("broken")
        return None

    async def close(self) -> None:
        """Nothing is open between two sends."""

    async def _started(self, message: Message) -> Process:
        """Start it; who gives up meanwhile ends it with all that it started.

        asyncio itself would end the program alone.
        """
        starting = asyncio.create_task(self._start(message))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            with contextlib.suppress(NotNow):
                await _ended(await starting)
            raise

    async def _start(self, message: Message) -> Process:
        told = {
            "SIDEGATE_NUMBER": message.number,
            "SIDEGATE_CHANNEL": message.channel,
            "SIDEGATE_LANGUAGE": message.language,
            "SIDEGATE_MESSAGE": message.id,
        }
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        try:
            return await asyncio.create_subprocess_exec(
                *self._command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,  # it might say what it was given
                env=kept | told,
                start_new_session=True,
            )
        except OSError:
            raise NotNow("broken") from None


async def _ended(process: Process) -> None:
    """End it and what it started, and leave nothing open; it may have ended by itself.

    An event loop that ends while its pipes are being closed fails.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.stdin and process.stdout:
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(_CLOSING):
                await _closed(process.stdin, process.stdout)
    # What it started in a session of its own may hold them for as long as it likes; asyncio
    # waits for the pipes, too.
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - no other way to it
    await process.wait()
    await asyncio.sleep(0)  # the loop closes them on its next turn


async def _closed(stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader) -> None:
    stdin.close()
    while await stdout.read(_AT_ONCE):
        pass  # nobody wants it any more
    await stdin.wait_closed()
