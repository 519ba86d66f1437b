"""The one file of a backup: a tar of plain members and one sealed member.

Its members, in this order: the database, mail files, `manifest.json`, `sealed`.
The manifest holds a digest over every member before it; the sealed member holds
what is secret (keys, configuration, certificate) and is bound to the manifest. So the
right passphrase proves that nothing was changed, and everything is proved before
anything is taken out.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple, cast

from sidegate.storage.sealing import Recipe, WrongPassphrase, new_recipe, seal, unseal

FORMAT = 1
MANIFEST = "manifest.json"
SEALED = "sealed"

_CHUNK = 1 << 20
_MOST_MANIFEST = 1 << 20
_MOST_SEALED = 64 << 20


class ArchiveProblem(Exception):  # noqa: N818 - says what is wrong with a backup
    """A backup cannot be written or used; the text says why and what to do."""


class Member(NamedTuple):
    """One plain file of a backup; `stream` holds `size` bytes."""

    name: str
    size: int
    stream: IO[bytes]


class Contents(NamedTuple):
    """What goes into a backup: plain members, what is sealed, and facts about it."""

    members: Iterable[Member]
    secrets: Mapping[str, bytes]
    facts: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Contents(facts={self.facts!r})"


@dataclass(frozen=True, repr=False)
class Archive:
    """A backup that was proved whole."""

    facts: Mapping[str, Any]
    secrets: Mapping[str, bytes]
    _file: IO[bytes]

    def members(self) -> Iterator[Member]:
        """The plain members, each to be read before the next is asked for."""
        for member in _plain_members(self._file):
            if isinstance(member, Member):
                yield member


def write_archive(
    path: Path,
    *,
    passphrase: str,
    contents: Contents,
    random: Callable[[int], bytes],
) -> int:
    """Write a backup, 0600, whole or not at all; returns the number of plain members."""
    with _new_file(path) as file, tarfile.open(fileobj=file, mode="w") as tar:
        digest, count = hashlib.sha256(), 0
        for member in contents.members:
            _add(tar, member, digest)
            count += 1
        recipe = new_recipe(random)
        manifest = _manifest(contents.facts, recipe, count=count, digest=digest.hexdigest())
        _add_bytes(tar, MANIFEST, manifest)
        plain = json.dumps(
            {name: base64.b64encode(raw).decode() for name, raw in contents.secrets.items()}
        )
        sealed = seal(
            passphrase=passphrase, recipe=recipe, secret=plain.encode(), bound_to=manifest
        )
        _add_bytes(tar, SEALED, sealed)
    return count


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    if path.exists():
        raise ArchiveProblem(f"{path} exists already: nothing was written")
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def _manifest(facts: Mapping[str, Any], recipe: Recipe, *, count: int, digest: str) -> bytes:
    whole = {
        "format": FORMAT,
        "facts": dict(facts),
        "members": count,
        "digest": digest,
        "cost": recipe.cost,
        "salt": recipe.salt.hex(),
        "nonce": recipe.nonce.hex(),
    }
    return json.dumps(whole, indent=1).encode()


def _header(name: str, size: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size = size
    header.mode = 0o600
    return header


def _add(tar: tarfile.TarFile, member: Member, digest: Any) -> None:  # noqa: ANN401 - hashlib's has no public type
    _check_name(member.name)
    hashed = _Hashed(member.stream)
    tar.addfile(_header(member.name, member.size), cast("IO[bytes]", hashed))
    digest.update(_line(member.name, member.size, hashed.digest.hexdigest()))


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    tar.addfile(_header(name, len(content)), io.BytesIO(content))


def _line(name: str, size: int, digest: str) -> bytes:
    return json.dumps([name, size, digest]).encode() + b"\n"


class _Hashed:
    """A stream that digests what is read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self.digest.update(chunk)
        return chunk


def _check_name(name: str) -> None:
    """Refuse names that could lead out of a folder."""
    parts = name.split("/")
    if name != str(PurePosixPath(name)) or not all(parts) or {".", ".."} & set(parts):
        raise ArchiveProblem(f"the name {name!r} may not stand in a backup")


def open_archive(file: IO[bytes], *, passphrase: str) -> Archive:
    """Read a backup through and prove it. Raises `ArchiveProblem`."""
    try:
        return _prove(file, passphrase)
    except WrongPassphrase:
        raise ArchiveProblem(
            "the passphrase is wrong, or the backup was changed: nothing was restored"
        ) from None
    except (tarfile.TarError, ValueError, KeyError, TypeError, EOFError, AttributeError):
        raise ArchiveProblem("this is no whole backup of Sidegate: nothing was restored") from None


def _prove(file: IO[bytes], passphrase: str) -> Archive:
    digest, count = hashlib.sha256(), 0
    ends: list[bytes] = []
    for member in _plain_members(file):
        if isinstance(member, Member):
            digest.update(_line(member.name, member.size, _read_through(member.stream)))
            count += 1
        else:
            ends.append(member)
    manifest, sealed = ends
    whole = json.loads(manifest)
    if whole["format"] != FORMAT:
        raise ArchiveProblem("this backup has a format of another version of Sidegate")
    if (whole["members"], whole["digest"]) != (count, digest.hexdigest()):
        raise ArchiveProblem("the backup is damaged or was changed: nothing was restored")
    recipe = Recipe(int(whole["cost"]), bytes.fromhex(whole["salt"]), bytes.fromhex(whole["nonce"]))
    plain = unseal(passphrase=passphrase, recipe=recipe, sealed=sealed, bound_to=manifest)
    secrets = {name: base64.b64decode(text) for name, text in json.loads(plain).items()}
    for name in secrets:
        _check_name(name)
    return Archive(whole["facts"], secrets, file)


def _plain_members(file: IO[bytes]) -> Iterator[Member | bytes]:
    """Each plain member, then the manifest and the sealed member as bytes."""
    file.seek(0)
    seen: set[str] = set()
    expected_ends = [(MANIFEST, _MOST_MANIFEST), (SEALED, _MOST_SEALED)]
    with tarfile.open(fileobj=file, mode="r:") as tar:
        for header in tar:
            _check_name(header.name)
            stream = tar.extractfile(header) if header.isreg() else None
            if stream is None or header.name in seen or not expected_ends:
                raise tarfile.TarError
            seen.add(header.name)
            name, most = expected_ends[0]
            if header.name == name and header.size <= most:
                expected_ends.pop(0)
                yield stream.read()
            elif len(expected_ends) == 2 and header.name not in (MANIFEST, SEALED):  # noqa: PLR2004 - both
                yield Member(header.name, header.size, stream)
            else:
                raise tarfile.TarError
    if expected_ends:
        raise tarfile.TarError


def _read_through(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
