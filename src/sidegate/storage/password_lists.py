"""Files of passwords that were breached: one a line, or their SHA-1 as Pwned Passwords has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sidegate.factors.account_password import MAX_LENGTH, MIN_LENGTH, length
from sidegate.factors.known_passwords import digest_of
from sidegate.storage.breached import BreachedListProblem, write

_LONGEST = 4096
"""Bytes in the longest line: lists hold odd things, but no lines like that."""
_SHA1 = re.compile(rb"([0-9A-Fa-f]{40})(?::[0-9]+)?")
_NTLM = re.compile(rb"[0-9A-Fa-f]{32}:[0-9]+")
_RANGE = re.compile(rb"[0-9A-Fa-f]{35}:[0-9]+")


def learn(source: Path, target: Path) -> int:
    """Make the list `target` of the file `source`; returns how many passwords it holds.

    The first line says which of the two kinds the file is. Passwords that no account can
    have are left out. The file is read twice, line by line: to size the list, then to
    fill it. Raises `BreachedListProblem` for a file that is no list, `OSError`.
    """
    if not source.is_file():
        raise BreachedListProblem(f"{source} is no file: it is read twice, so no pipe will do")
    with source.open("rb") as file:
        hashed = _is_hashed(file.readline(_LONGEST + 1), source)
        at_most = sum(len(line) >= MIN_LENGTH for _, line in _lines(file, source))
        if not at_most:
            raise BreachedListProblem(
                f"{source} holds no password of {MIN_LENGTH} characters or more"
            )
        digests = _hashed(file, source) if hashed else _typed(file, source)
        return write(target, digests, at_most=at_most)


def _is_hashed(first: bytes, source: Path) -> bool:
    line = first.rstrip(b"\r\n")
    if b"\0" in line or len(first) > _LONGEST:
        raise BreachedListProblem(f"{source} is no text: unpack it first")
    for kind, said in ((_NTLM, "NTLM"), (_RANGE, "cut-off SHA-1")):
        if kind.fullmatch(line):
            raise BreachedListProblem(
                f"{source} holds {said} hashes: get Pwned Passwords as SHA-1, in one file"
            )
    return _SHA1.fullmatch(line) is not None


def _lines(file: BinaryIO, source: Path) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each line from the first on, without its end; none that is empty."""
    file.seek(0)
    number = 0
    while raw := file.readline(_LONGEST + 1):
        number += 1
        if len(raw) > _LONGEST:
            raise BreachedListProblem(
                f"{source}, line {number}: longer than {_LONGEST} bytes, so this is no list"
            )
        if line := raw.rstrip(b"\r\n"):
            yield number, line


def _hashed(file: BinaryIO, source: Path) -> Iterator[bytes]:
    for number, line in _lines(file, source):
        found = _SHA1.fullmatch(line)
        if found is None:
            raise BreachedListProblem(
                f"{source}, line {number}: not HASH or HASH:COUNT, as the first line is"
            )
        yield bytes.fromhex(found[1].decode())


def _typed(file: BinaryIO, source: Path) -> Iterator[bytes]:
    for _, line in _lines(file, source):
        try:
            password = line.decode()
        except UnicodeDecodeError:
            # Old lists mix encodings; this one reads every byte, and is the likeliest.
            password = line.decode("latin-1")
        if MIN_LENGTH <= length(password) <= MAX_LENGTH:
            yield digest_of(password)
