"""Where the mail, the sockets and the configuration of the private Dovecot live, and as whom."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import re
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sidegate.mailserver.dovecot_conf import too_long_for_sockets
from sidegate.mailserver.errors import PlacesError

MOVED = Path("/var/lib/sidegate")
"""Below here lives what a data folder cannot hold."""

CANDIDATES = ("dovecot", "dovenull", "nobody")
"""Whom the mail processes run as when we are root and nobody is named."""

MARKER = "mail-folder"
"""In the data folder: the folder that holds its mail instead."""

_PLAIN_PATH = re.compile(r"[A-Za-z0-9/_.,:@+=-]+")


class MailUser(NamedTuple):
    """The unprivileged user of the mail processes, where we are root."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        """As the system calls it."""
        return pwd.getpwuid(self.uid).pw_name

    @property
    def group(self) -> str:
        """As the system calls its group."""
        return grp.getgrgid(self.gid).gr_name


@dataclass(frozen=True)
class Places:
    """The folders, made and with their owners; `user` is `None` where all run as ourselves."""

    mail: Path
    run: Path
    conf: Path
    user: MailUser | None
    moved: bool

    @property
    def base(self) -> Path:
        """Dovecot's own folder for its sockets."""
        return self.run / "dovecot"

    @property
    def runs_as(self) -> MailUser:
        """The user of the mail processes, ourselves included."""
        return self.user or MailUser(os.geteuid(), os.getegid())


def find_places(data: Path, user: str = "") -> Places:
    """Choose and make the folders for a data folder; `user` is `[mailserver] user`."""
    data = data.resolve()
    mail_user = _mail_user(user)
    root = _root(data, mail_user)
    run = root / "run"
    if not _fits_sockets(run):
        run = _short_folder(data, mail_user) / "run"
    mail = _folder(root / "mail", mail_user, mode=0o700)
    _run_folder(run, mail_user)
    conf = run / "conf"
    _run_folder(conf, mail_user)
    _folder(run / "dovecot", mail_user, mode=0o755)
    moved = mail.parent != data or run.parent != data
    return Places(mail=mail, run=run, conf=conf, user=mail_user, moved=moved)


def _mail_user(name: str) -> MailUser | None:
    if os.geteuid() != 0:
        _named(MailUser(os.geteuid(), os.getegid()))
        if name and name != pwd.getpwuid(os.geteuid()).pw_name:
            raise PlacesError(
                f'[mailserver] user = "{name}": only root can run the mail processes as another'
            )
        return None
    for candidate in (name,) if name else CANDIDATES:
        try:
            entry = pwd.getpwnam(candidate)
        except KeyError:
            continue
        if entry.pw_uid == 0:
            raise PlacesError("[mailserver] user: the mail processes never run as root")
        return _named(MailUser(entry.pw_uid, entry.pw_gid))
    named = name or ", ".join(CANDIDATES)
    raise PlacesError(f"[mailserver] user: there is no such user ({named})")


def _named(user: MailUser) -> MailUser:
    """Return a user whom Dovecot's configuration, which knows names only, can name."""
    try:
        if user.name and user.group:
            return user
    except KeyError:
        pass
    raise PlacesError(f"user {user.uid} or group {user.gid} has no name here; Dovecot needs one")


def _root(data: Path, user: MailUser | None) -> Path:
    """Choose the folder for mail and sockets: the data folder, or one that the user can enter."""
    if user is None:
        return data
    marked = _marked(data)
    if marked is not None:
        return _open_folder(marked, user)
    if _can_enter(data, user):
        return data
    if (data / "mail").is_dir() and any((data / "mail").iterdir()):
        raise PlacesError(
            f"{data / 'mail'} holds mail, but user {user.name} can no longer enter it: "
            f"let it into {data} and the folders above"
        )
    folder = _open_folder(_unused(data), user)
    (data / MARKER).write_text(f"{folder}\n", encoding="utf-8")
    return folder


def _marked(data: Path) -> Path | None:
    """Return the folder that an earlier start chose for this very data folder."""
    try:
        folder = Path((data / MARKER).read_text(encoding="utf-8").strip())
    except OSError:
        return None
    # A copied data folder has a marker too, and must not share the mail.
    ours = folder.parent == MOVED and folder.name.split("-")[0] == _short_name(data)
    return folder if ours else None


def _unused(data: Path) -> Path:
    """Find a new name: what an earlier data folder of this path left is never taken over."""
    name = _short_name(data)
    number = 1
    folder = MOVED / name
    while folder.exists():
        number += 1
        folder = MOVED / f"{name}-{number}"
    return folder


def _short_name(data: Path) -> str:
    return hashlib.sha256(os.fsencode(data)).hexdigest()[:10]


def _can_enter(folder: Path, user: MailUser) -> bool:
    """Whether the user can enter a folder, found out by trying."""
    command = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]
    tried = subprocess.run(  # noqa: S603 - fixed words and one path as an argument
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=user.uid,
        group=user.gid,
        extra_groups=[],
        cwd="/",
    )
    return tried.returncode == 0


def _fits_sockets(run: Path) -> bool:
    """Dovecot parts its commands at spaces, and a socket's path holds 107 bytes."""
    return not too_long_for_sockets(run / "dovecot") and bool(_PLAIN_PATH.fullmatch(str(run)))


def _short_folder(data: Path, user: MailUser | None) -> Path:
    if user is not None:
        return _open_folder(MOVED / f"{_short_name(data)}-run", user)
    folder = Path(tempfile.gettempdir()) / f"sidegate-{os.geteuid()}-{_short_name(data)}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # In a folder that everybody writes to, somebody else may have come first.
    if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
        raise PlacesError(f"{folder} is not ours alone: remove it, or use a shorter data folder")
    return folder


def _open_folder(folder: Path, user: MailUser) -> Path:
    """Make a folder of root's that the mail user can enter."""
    try:
        MOVED.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder.mkdir(mode=0o750, exist_ok=True)
        os.chown(folder, 0, user.gid, follow_symlinks=False)
    except OSError as error:
        raise PlacesError(f"{folder} cannot be made: {error.strerror}") from error
    if not _can_enter(folder, user):
        raise PlacesError(f"user {user.name} cannot enter {folder}")
    return folder


def _run_folder(folder: Path, user: MailUser | None) -> None:
    """Make a folder of our own; the mail user may look into it, but put nothing there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if user is not None:
        os.chown(folder, 0, user.gid, follow_symlinks=False)
        folder.chmod(0o750)


def _folder(folder: Path, user: MailUser | None, *, mode: int) -> Path:
    """Make a folder that belongs to the mail user."""
    owner = user.uid if user else os.geteuid()
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        found = folder.lstat()
        if found.st_uid != owner or not stat.S_ISDIR(found.st_mode):
            raise PlacesError(
                f"{folder} belongs to another user: chown -R {owner} {folder}, or remove it"
            ) from None
    else:
        folder.chmod(mode)
        if user is not None:
            os.chown(folder, user.uid, user.gid, follow_symlinks=False)
    return folder
