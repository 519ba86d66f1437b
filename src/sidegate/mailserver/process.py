"""The private Dovecot as our child: found, started, watched, started again, ended with us."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import select
import shutil
import signal
import subprocess
from pathlib import Path

from sidegate.mailserver.errors import DovecotMissing, MailServerError
from sidegate.mailserver.places import MailUser

STOP_PATIENCE = 3.0
"""Seconds from SIGTERM to SIGKILL."""

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
GOOD_LIFE = 60.0
"""Seconds of life after which the pauses before a restart begin anew."""

_SEARCH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_VERSION = re.compile(r"(\d+)\.(\d+)")
_LEVEL = re.compile(r"(?:^|: )(Debug|Info|Warning|Error|Fatal|Panic): ")
_LEVELS = {
    "Debug": logging.DEBUG,
    "Info": logging.DEBUG,  # every sign-in is an event of ours already
    "Warning": logging.WARNING,
    "Error": logging.ERROR,
    "Fatal": logging.CRITICAL,
    "Panic": logging.CRITICAL,
}

log = logging.getLogger(__name__)


def find_dovecot() -> str:
    """Find the program, in a version whose configuration we write; DovecotMissing otherwise."""
    program = shutil.which("dovecot", path=_SEARCH)
    if program is None:
        raise DovecotMissing(
            "Dovecot is not installed: apt-get install dovecot-imapd dovecot-pop3d "
            "dovecot-submissiond dovecot-lmtpd, or set [mailserver] private = false"
        )
    try:
        told = subprocess.run(  # noqa: S603 - the program found above
            [program, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DovecotMissing(f"{program} --version does not answer: {error}") from error
    found = _VERSION.match(told)
    if found is None or (int(found[1]), int(found[2])) != (2, 3):
        raise DovecotMissing(
            f"{program} is Dovecot {told.split(' ')[0] or 'of no version'}; "
            "the private one needs 2.3: set [mailserver] private = false to use your own"
        )
    return program


class DovecotProcess:
    """Keeps one Dovecot running on one configuration file.

    Start it on a thread that lives as long as we do (the event loop's): the kernel ends
    Dovecot when the thread that started it ends, so that a killed Sidegate leaves none.
    """

    def __init__(self, *, program: str, config: Path, user: MailUser | None) -> None:
        self._program = program
        self._config = config
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stopping = False
        self._complaint = ""

    @property
    def pid(self) -> int | None:
        """The master's process id; `None` while there is none."""
        return self._process.pid if self._process is not None else None

    @property
    def complaint(self) -> str:
        """The first thing that it said about what is wrong, in its latest life."""
        return self._complaint or "it said nothing"

    def start(self) -> None:
        """Start it and watch over it."""
        try:
            self._spawn()
        except OSError as error:
            raise MailServerError(f"the private Dovecot cannot be started: {error}") from error
        self._watch = asyncio.get_running_loop().create_task(self._supervise())

    async def stop(self) -> None:
        """End it and all its children; SIGKILL where it does not go by itself."""
        self._stopping = True
        if self._watch is None:
            return
        process = self._process
        if process is None:
            self._watch.cancel()
        else:
            process.terminate()
        done, _ = await asyncio.wait([self._watch], timeout=STOP_PATIENCE)
        if not done and process is not None:
            log.error("the private Dovecot does not end; killing it")
            _kill_group(process.pid)
            await asyncio.wait([self._watch])
        self._watch = None

    def _spawn(self) -> None:
        self._complaint = ""
        command = [*self._as_user(), self._program, "-F", "-c", str(self._config)]
        # Own session: a Ctrl-C in our terminal is ours to pass on. Own group: one kill for all.
        self._process = subprocess.Popen(  # noqa: S603 - fixed words and our own paths
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"PATH": _SEARCH, "LANG": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
        )

    def _as_user(self) -> list[str]:
        # setpriv sets the death signal last: a change of user would clear it.
        words = ["setpriv", "--no-new-privs", "--pdeathsig", "TERM"]
        if self._user is not None:
            uid, gid = str(self._user.uid), str(self._user.gid)
            words += ["--reuid", uid, "--regid", gid, "--clear-groups"]
        return [*words, "--"]

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while True:
            born = loop.time()
            status = await self._until_exit()
            if self._stopping:
                return
            if loop.time() - born >= GOOD_LIFE:
                pause = FIRST_PAUSE
            log.error("the private Dovecot ended (status %s); again in %.0f s", status, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            try:
                self._spawn()
            except OSError:
                log.exception("the private Dovecot cannot be started")

    async def _until_exit(self) -> int | None:
        """Forward its log until it has ended, and reap it; `None` where it was not started."""
        process = self._process
        if process is None or process.stderr is None:
            return None
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        pipe, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), process.stderr
        )
        forward = loop.create_task(self._forward(reader))
        try:
            await _exited(process.pid)
            # What a killed master leaves holds its ports. Not reaped yet, its number is its own.
            _kill_group(process.pid)
            status = process.wait()
            await asyncio.wait([forward], timeout=0.5)
        finally:
            forward.cancel()
            pipe.close()
            self._process = None
        return status

    async def _forward(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError:  # a line beyond the reader's limit, dropped by it
                continue
            if not line:
                return
            self._tell(line.decode("utf-8", "backslashreplace").strip())

    def _tell(self, line: str) -> None:
        found = _LEVEL.search(line)
        level = _LEVELS[found[1]] if found else logging.WARNING
        if level >= logging.ERROR and not self._complaint:
            self._complaint = line
        # "Killed with signal 15", as it should: all of it, or a session whose credential is gone.
        wanted = self._stopping or f" (by pid={os.getpid()} " in line
        if wanted and level == logging.WARNING:
            level = logging.DEBUG
        log.log(level, "dovecot: %s", line)


async def _exited(pid: int) -> None:
    """Wait until our child has ended, under any event loop."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    handle = os.pidfd_open(pid)

    def told() -> None:
        if not ended.done():
            ended.set_result(None)

    loop.add_reader(handle, told)
    try:
        await ended
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def master_pid(base: Path) -> int | None:
    """Return the process id that a master wrote into its base folder."""
    try:
        pid = int((base / "master.pid").read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None
    return pid if pid > 1 else None


def end_stale_master(*, base: Path, config: Path, uid: int) -> None:
    """End the master that a killed Sidegate left, if there is one and it is really ours.

    Call it only while holding the lock on these places, so that nobody else's is ended.
    """
    pid = master_pid(base)
    if pid is None:
        return
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if not _is_master(pid, config, uid):
            return
        log.warning("ending the private Dovecot that an earlier Sidegate left (pid %d)", pid)
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        if not _ends(handle):
            _kill_group(pid)
            if not _ends(handle):
                raise MailServerError(f"an earlier private Dovecot (pid {pid}) does not end")
    except ProcessLookupError:
        return
    finally:
        os.close(handle)


def _ends(handle: int) -> bool:
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    return bool(waiting.poll(STOP_PATIENCE * 1000))


def _is_master(pid: int, config: Path, uid: int) -> bool:
    folder = Path(f"/proc/{pid}")
    try:
        words = (folder / "cmdline").read_bytes().split(b"\0")
        owner = folder.stat().st_uid
    except OSError:
        return False
    given = [b"-F", b"-c", os.fsencode(config)]
    return owner == uid and words[0].endswith(b"dovecot") and words[1:4] == given
