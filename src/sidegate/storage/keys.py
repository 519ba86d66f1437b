"""The folder of keys: made once, 0600, never in the database."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sidegate.factors.digests import KEY_BYTES, keyed_digest

HTTP_TOKEN = "http-token"  # noqa: S105 - a file's name
"""The file whose text callers of the HTTP door send."""

_FILE = re.compile(r"digest-([0-9]{1,6})\.key")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{32,256}")


class KeysProblem(Exception):  # noqa: N818 - says what is wrong with the keys
    """The keys cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True, repr=False)
class KeyRing:
    """The keys of an installation, by id; the newest makes, all of them find."""

    keys: dict[str, bytes]
    newest: str

    def __repr__(self) -> str:
        return f"KeyRing(ids={sorted(self.keys)})"

    @property
    def current(self) -> bytes:
        """The key that new digests are made under."""
        return self.keys[self.newest]

    def derived(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose of this installation, from the oldest key."""
        oldest = min(self.keys, key=int)
        return keyed_digest(key=self.keys[oldest], purpose=b"derive", parts=(purpose.encode(),))


def open_keys(folder: Path, *, random: Callable[[int], bytes]) -> KeyRing:
    """Read the keys of a folder; make folder and first key where there is none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = {m[1]: _read(path) for path in folder.iterdir() if (m := _FILE.fullmatch(path.name))}
    if not keys:
        _write(folder / "digest-1.key", random(KEY_BYTES))
        keys = {"1": _read(folder / "digest-1.key")}
    return KeyRing(keys=keys, newest=max(keys, key=int))


def open_http_token(folder: Path, *, random: Callable[[int], bytes]) -> str:
    """The bearer token of the HTTP door; made where there is none.

    An operator may put another one there, the same for every replica.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / HTTP_TOKEN
    if not path.exists():
        _write(path, random(KEY_BYTES))
    if path.stat().st_mode & 0o077:
        raise KeysProblem(f"{path} can be read by others: chmod 600 {path}")
    token = path.read_text(encoding="utf-8", errors="replace").strip()
    if not _TOKEN.fullmatch(token):
        raise KeysProblem(
            f"{path} holds no token of 32 to 256 letters, digits, -._~+/=: remove it,"
            " and the next start makes a new one"
        )
    return token


def _read(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise KeysProblem(f"{path} can be read by others: chmod 600 {path}")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        raise KeysProblem(f"{path} holds no key: restore it from a backup") from None
    if len(key) != KEY_BYTES:
        raise KeysProblem(f"{path} holds no key of {KEY_BYTES} bytes: restore it from a backup")
    return key


def _write(path: Path, key: bytes) -> None:
    # Linked into place, so that two first starts end up with the same key.
    # A name of its own, 0600: in two containers both may be process 1.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink()
