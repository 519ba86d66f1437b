"""Why a mail server does not find Sidegate's socket, in plain words."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import stat
from pathlib import Path

_PRIVATE_TMP = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - where no socket may be


def trouble(path: Path, *, user: str, base: Path, chroot: Path | None = None) -> str:
    """What keeps a user's processes from asking at a socket; empty where nothing is seen.

    `base` is a folder of the server's own: whoever has that in /tmp has no other /tmp.
    """
    if chroot is not None and not path.is_relative_to(chroot):
        return f"{path} is not inside {chroot}, and the processes that ask see nothing else"
    for private in _PRIVATE_TMP:
        if path.is_relative_to(private) and not base.is_relative_to(private):
            return f"{path}: a service with PrivateTmp has a {private} of its own, without it"
    return _missing(path) or _closed(path, user) or _silent(path)


def _missing(path: Path) -> str:
    try:
        found = path.stat()
    except FileNotFoundError:
        return f"there is no {path}: does Sidegate run, and does its dovecot_client name this path?"
    except OSError as error:
        return f"{path}: {error.strerror}"
    return "" if stat.S_ISSOCK(found.st_mode) else f"{path} is no socket"


def _closed(path: Path, user: str) -> str:
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return ""
    if entry.pw_uid == 0:
        return ""
    for folder in reversed(path.parents):
        if not _may(folder.stat(), entry, stat.S_IXOTH):
            return f"user {user} may not enter {folder} ({_whose(folder)})"
    if not _may(path.stat(), entry, stat.S_IWOTH):
        return f"user {user} may not connect to {path} ({_whose(path)})"
    return ""


def _may(found: os.stat_result, entry: pwd.struct_passwd, bit: int) -> bool:
    """Mail servers give their processes no group but the first."""
    if found.st_uid == entry.pw_uid:
        bit <<= 6
    elif found.st_gid == entry.pw_gid:
        bit <<= 3
    return bool(found.st_mode & bit)


def _whose(path: Path) -> str:
    found = path.stat()
    try:
        owner = f"{pwd.getpwuid(found.st_uid).pw_name}:{grp.getgrgid(found.st_gid).gr_name}"
    except KeyError:
        owner = f"{found.st_uid}:{found.st_gid}"
    return f"{stat.filemode(found.st_mode)} {owner}"


def _silent(path: Path) -> str:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(3)
        try:
            probe.connect(str(path))
            probe.sendall(b"VERSION\t1\t2\nCPID\t%d\n" % os.getpid())
            if probe.recv(100).startswith(b"VERSION\t1\t"):
                return ""
        except PermissionError:
            return ""  # of the one who looks; that of the server's user was looked at
        except ConnectionRefusedError:
            return f"nobody listens at {path}: Sidegate does not run"
        except OSError as error:
            return f"{path}: {error.strerror or error}"
    return f"whoever listens at {path} is not Sidegate"
