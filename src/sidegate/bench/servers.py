"""The servers that are measured, each a child process on a Unix socket of its own."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from sidegate.bench import floor
from sidegate.bench.accounts import (
    SHARED_SECRET,
    People,
    Questions,
    fill_sidegate,
    write_passwords,
)
from sidegate.bench.processes import end

DOOR = "door"
FLOOR = "floor"
_START_SECONDS = 30.0
_SEARCH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_PLAIN = "{PLAIN}"
_SCHEMES = {_PLAIN: [], "{SHA512-CRYPT}": [], "{BLF-CRYPT} cost 10": ["-r", "10"]}
"""What `doveadm pw` is told besides the scheme's name."""
_CONFIGURATION = """\
# Only the door is started, on one socket.
[mailserver]
private = false

[listen]
dovecot_client = ["unix:run/auth-client.sock"]
dovecot_master = ""
http = ""
"""


class CannotStart(Exception):  # noqa: N818 - what happened, by its name
    """A server did not start; the text says why."""


class Server(NamedTuple):
    """A running server: how to ask it, and whose processes to measure."""

    name: str
    path: Path
    pid: int
    questions: list[bytes]


@contextmanager
def running(folder: Path, people: People, asked: Questions) -> Iterator[list[Server]]:
    """All the servers that this machine has; ended on leaving."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(_door(folder / "door", people, asked)),
            stack.enter_context(_floor(folder / "floor", people, asked)),
        ]
        for number, scheme in enumerate(_SCHEMES if comparable() else ()):
            servers.append(
                stack.enter_context(_dovecot(folder / f"dovecot{number}", scheme, people, asked))
            )
        yield servers


def comparable() -> bool:
    """Whether Dovecot, and its configuration in a checkout, are here."""
    return _template() is not None and shutil.which("dovecot", path=_SEARCH) is not None


def _template() -> Path | None:
    path = Path(__file__).parents[3] / "bench" / "dovecot" / "auth.conf"
    return path if path.is_file() else None


@contextmanager
def _door(folder: Path, people: People, asked: Questions) -> Iterator[Server]:
    """`sidegate serve --only doors`, as it is."""
    folder.mkdir(mode=0o700)
    (folder / "sidegate.toml").write_text(_CONFIGURATION)
    sidegate = [sys.executable, "-m", "sidegate"]
    where = ["--data", str(folder)]
    run_child([*sidegate, "migrate", *where])
    fill_sidegate(folder / "sidegate.sqlite3", folder / "keys", people)
    path = folder / "run" / "auth-client.sock"
    with started([*sidegate, "serve", "--only", "doors", *where], path, folder) as pid:
        yield Server(DOOR, path, pid, asked.own)


@contextmanager
def _floor(folder: Path, people: People, asked: Questions) -> Iterator[Server]:
    folder.mkdir(mode=0o700)
    database, path = folder / "floor.sqlite3", folder / "floor.sock"
    floor.fill(database, people)
    words = [sys.executable, "-m", "sidegate.bench.floor", str(path), str(database)]
    with started(words, path, folder) as pid:
        yield Server(FLOOR, path, pid, asked.own)


@contextmanager
def _dovecot(folder: Path, scheme: str, people: People, asked: Questions) -> Iterator[Server]:
    """Dovecot's auth service, which does not run as root."""
    base = folder / "base"  # apart: Dovecot puts a link named dovecot.conf there
    base.mkdir(mode=0o755, parents=True)
    user, group = _unprivileged()
    uid, gid = pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid
    os.chown(base, uid, gid)
    passwords, configuration = folder / "passwords", folder / "dovecot.conf"
    shared = None if scheme == _PLAIN else _hashed(scheme)
    write_passwords(passwords, people, shared=shared, uid=uid, gid=gid)
    values = {"base": base, "user": user, "group": group, "passwords": passwords}
    configuration.write_text(_filled(values))
    words = [_program("dovecot"), "-F", "-c", str(configuration)]
    if os.geteuid() == 0:
        drop = ["setpriv", "--reuid", str(uid), "--regid", str(gid), "--clear-groups", "--"]
        words = [*drop, *words]
    path = base / "auth-client"
    with started(words, path, folder) as pid:
        yield Server(
            f"Dovecot {scheme}", path, pid, asked.first if shared is None else asked.shared
        )


def _filled(values: Mapping[str, object]) -> str:
    template = _template()
    text = template.read_text() if template else ""
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def _unprivileged() -> tuple[str, str]:
    """Whom Dovecot runs as: us, or, as it refuses to be root, its own user."""
    uid = os.geteuid()
    if uid != 0:
        return pwd.getpwuid(uid).pw_name, grp.getgrgid(os.getegid()).gr_name
    return "dovecot", "dovecot"


def _hashed(scheme: str) -> str:
    name = scheme.split("}", maxsplit=1)[0].strip("{")
    words = [_program("doveadm"), "pw", "-s", name, *_SCHEMES[scheme]]
    # Asked for twice, so that no secret stands in a process list, not even a made-up one.
    return run_child(words, said=f"{SHARED_SECRET}\n{SHARED_SECRET}\n").strip().splitlines()[-1]


def _program(name: str) -> str:
    found = shutil.which(name, path=_SEARCH)
    if found is None:
        raise CannotStart(f"there is no {name} here")
    return found


def run_child(words: Sequence[str], *, said: str = "") -> str:
    """What a child wrote that read `said`. Raises `CannotStart`."""
    done = subprocess.run(  # noqa: S603 - our own words
        words, input=said, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        raise CannotStart(f"{words[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


@contextmanager
def started(words: Sequence[str], path: Path, folder: Path) -> Iterator[int]:
    """A child that listens at `path`; what it says goes to a file beside."""
    said = folder / "said.log"
    with said.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own words
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _until_listening(process, path, said)
        yield process.pid
    finally:
        end(process)


def _until_listening(process: subprocess.Popen[bytes], path: Path, said: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return
        time.sleep(0.02)
    lines = said.read_text(errors="replace").strip().splitlines()
    raise CannotStart(f"no server at {path}: {lines[-1] if lines else 'it said nothing'}")
