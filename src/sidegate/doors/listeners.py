"""Listening where the configuration says: Unix sockets with a mode and a group, TCP on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import grp
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sidegate.config import Endpoint, TcpEndpoint, UnixEndpoint, is_loopback_host

LONGEST_PATH = 107
"""Bytes that a Unix socket's address holds on Linux."""

_BACKLOG = 511


class CannotListen(Exception):  # noqa: N818 - what happened, by its name
    """Why an endpoint cannot be listened on, in one line for the operator."""


class Listener(NamedTuple):
    """An open endpoint."""

    server: asyncio.Server
    path: Path | None
    inode: int

    async def close(self) -> None:
        """Listen no more; remove the socket file, unless somebody put another there."""
        self.server.close()
        if self.path is not None:
            with contextlib.suppress(FileNotFoundError):
                if self.path.lstat().st_ino == self.inode:
                    self.path.unlink()


async def listen(
    endpoint: Endpoint, factory: Callable[[], asyncio.Protocol], *, mode: int, group: str
) -> Listener:
    """Listen on one endpoint; raises `CannotListen`."""
    loop = asyncio.get_running_loop()
    if isinstance(endpoint, TcpEndpoint):
        if not is_loopback_host(endpoint.host):
            raise CannotListen(f"{endpoint}: mail servers may ask on loopback only")
        try:
            server = await loop.create_server(
                factory, endpoint.host, endpoint.port, backlog=_BACKLOG
            )
        except OSError as problem:
            raise CannotListen(f"{endpoint}: {_words(problem)}") from None
        return Listener(server, None, 0)
    path = endpoint.path
    bound = _bound(path, mode=mode, group=group)
    try:
        server = await loop.create_unix_server(factory, sock=bound, backlog=_BACKLOG)
        return Listener(server, path, path.lstat().st_ino)
    except OSError as problem:
        bound.close()
        raise CannotListen(f"unix:{path}: {_words(problem)}") from None


def bind(endpoint: Endpoint, *, mode: int, group: str) -> socket.socket:
    """A bound socket for a server that listens by itself; raises `CannotListen`."""
    if isinstance(endpoint, UnixEndpoint):
        return _bound(endpoint.path, mode=mode, group=group)
    try:
        return socket.create_server(
            (endpoint.host, endpoint.port),
            family=socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET,
            backlog=_BACKLOG,
        )
    except OSError as problem:
        # Without what Python adds to it: the address, once more.
        words = os.strerror(problem.errno) if problem.errno else str(problem)
        raise CannotListen(f"{endpoint}: {words}") from None


def _bound(path: Path, *, mode: int, group: str) -> socket.socket:
    """A bound socket that nobody can reach before its mode and group are right.

    Until `listen` is called every connection is refused, so that the umask of this
    process opens nothing, not even for a moment.
    """
    size = len(os.fsencode(path))
    if size > LONGEST_PATH:
        raise CannotListen(
            f"unix:{path}: a socket's path holds {LONGEST_PATH} bytes, this one has {size}"
        )
    group_id = _group_id(path, group)
    _clear(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(str(path))
        if group_id != -1:
            os.chown(path, -1, group_id)
        path.chmod(mode)
    except OSError as problem:
        bound.close()
        raise CannotListen(f"unix:{path}: {_words(problem)}") from None
    return bound


def _group_id(path: Path, group: str) -> int:
    if not group:
        return -1
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise CannotListen(f"unix:{path}: there is no group {group!r} here") from None


def _clear(path: Path) -> None:
    """Remove a socket file that a dead process left; raise where somebody answers."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as problem:
        raise CannotListen(f"unix:{path}: {_words(problem)}") from None
    if not stat.S_ISSOCK(found.st_mode):
        raise CannotListen(f"unix:{path}: something that is no socket is in the way")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # Not blocking: a living listener whose backlog is full answers at once, too.
        probe.setblocking(False)  # noqa: FBT003 - the socket's own method
        code = probe.connect_ex(str(path))
    if code in {0, errno.EAGAIN}:
        raise CannotListen(f"unix:{path}: another process listens there")
    if code != errno.ECONNREFUSED:
        raise CannotListen(f"unix:{path}: {os.strerror(code)}")
    path.unlink()


def _words(problem: OSError) -> str:
    return problem.strerror or str(problem)
