"""The list of breached passwords: a file in the data folder, a Bloom filter of SHA-1 digests.

The file is a header, then the bits. It is written whole and moved into place; a question
reads 13 of its bytes, so its size costs neither memory nor time.
"""

from __future__ import annotations

import mmap
import os
import struct
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sidegate.factors.known_passwords import bits_for, places

FILE = "breached-passwords.bloom"
_HEADER = struct.Struct(">16sQQ")
_MAGIC = b"sidegate bloom 1"


class BreachedListProblem(Exception):  # noqa: N818 - says what is wrong with the list
    """The list cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a list says of itself."""

    passwords: int
    """Lines that were learnt; one that came twice counts twice."""
    bits: int
    learnt_at: float
    """Seconds since the epoch."""


def write(path: Path, digests: Iterable[bytes], *, at_most: int) -> int:
    """Write the list of these digests, and return how many there were.

    `at_most` is how many may come: it decides the size. Memory does not grow with it, as
    the bits are the file's own. Raises `OSError`; the list that was there stays then.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        count = _fill(descriptor, digests, bits=bits_for(at_most))
        os.fsync(descriptor)
        # Learnt by root for a Sidegate that runs as somebody else: it must be able to read it.
        folder = path.parent.stat()
        if os.geteuid() == 0:
            os.fchown(descriptor, folder.st_uid, folder.st_gid)
        Path(name).replace(path)
    finally:
        os.close(descriptor)
        Path(name).unlink(missing_ok=True)
    return count


def _fill(descriptor: int, digests: Iterable[bytes], *, bits: int) -> int:
    size = _HEADER.size + bits // 8
    # A sparse file on a full disk would end the process where a bit is set.
    os.posix_fallocate(descriptor, 0, size)
    count = 0
    with mmap.mmap(descriptor, size) as memory:
        for count, digest in enumerate(digests, 1):  # noqa: B007 - how many there were
            for place in places(digest, bits=bits):
                memory[_HEADER.size + (place >> 3)] |= 1 << (place & 7)
        memory[: _HEADER.size] = _HEADER.pack(_MAGIC, count, bits)
        memory.flush()
    return count


def facts(path: Path) -> Facts | None:
    """What the list says of itself; `None` where there is none.

    Raises `BreachedListProblem` where it is damaged, `OSError` where it cannot be read.
    """
    try:
        with path.open("rb", buffering=0) as file:
            return _facts(file.fileno(), path)
    except FileNotFoundError:
        return None


def holds(path: Path, digest: bytes) -> bool:
    """Whether a digest is on the list; never where there is none. Raises as `facts` does."""
    try:
        with path.open("rb", buffering=0) as file:
            found = _facts(file.fileno(), path)
            return all(_bit(file.fileno(), place) for place in places(digest, bits=found.bits))
    except FileNotFoundError:
        return False


def _bit(descriptor: int, place: int) -> int:
    # Read and not mapped: a mapped file that somebody cuts short ends the process.
    byte = os.pread(descriptor, 1, _HEADER.size + (place >> 3))
    return byte[0] >> (place & 7) & 1 if byte else 0


def _facts(descriptor: int, path: Path) -> Facts:
    seen = os.fstat(descriptor)
    header = os.pread(descriptor, _HEADER.size, 0)
    if len(header) == _HEADER.size:
        magic, passwords, bits = _HEADER.unpack(header)
        if magic == _MAGIC and seen.st_size == _HEADER.size + bits // 8 and bits > 0:
            return Facts(passwords, bits, seen.st_mtime)
    raise BreachedListProblem(
        f"{path} is damaged: make it anew with sidegate passwords learn, or remove it"
    )
