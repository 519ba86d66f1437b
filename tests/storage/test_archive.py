from __future__ import annotations

import io
import json
import secrets
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidegate.storage import sealing
from sidegate.storage.archive import (
    ArchiveProblem,
    Contents,
    Member,
    open_archive,
    write_archive,
)

PASSPHRASE = "open sesame"
SECRETS = {"keys/digest-1.key": b"a key of 32 bytes, in truth", "sidegate.toml": b""}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_COST", 2)


def member(name: str, content: bytes) -> Member:
    return Member(name, len(content), io.BytesIO(content))


def members() -> Iterator[Member]:
    yield member("sidegate.sqlite3", b"rows" * 1000)
    yield member("mail/anna/Maildir/cur/1:2,S", b"Subject: x\n\n")


def written(folder: Path, parts: Iterator[Member] | None = None) -> bytes:
    path = folder / "backup.tar"
    path.unlink(missing_ok=True)
    contents = Contents(parts or members(), SECRETS, {"made": "now"})
    write_archive(path, passphrase=PASSPHRASE, contents=contents, random=secrets.token_bytes)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in folder.iterdir()] == ["backup.tar"]
    return path.read_bytes()


def test_what_went_in_comes_out(tmp_path: Path) -> None:
    raw = written(tmp_path)
    assert b"a key of 32 bytes" not in raw
    archive = open_archive(io.BytesIO(raw), passphrase=PASSPHRASE)
    assert archive.secrets == SECRETS
    assert archive.facts == {"made": "now"}
    found = {name: stream.read() for name, _, stream in archive.members()}
    assert found == {name: stream.read() for name, _, stream in members()}
    assert "key of 32" not in repr(archive)


def test_another_passphrase(tmp_path: Path) -> None:
    with pytest.raises(ArchiveProblem, match="passphrase is wrong"):
        open_archive(io.BytesIO(written(tmp_path)), passphrase="open barley")


def test_nothing_is_written_over_or_left_half_done(tmp_path: Path) -> None:
    def failing() -> Iterator[Member]:
        yield member("sidegate.sqlite3", b"")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        written(tmp_path, failing())
    assert list(tmp_path.iterdir()) == []
    written(tmp_path)
    contents = Contents([], {}, {})
    with pytest.raises(ArchiveProblem, match="exists already"):
        write_archive(
            tmp_path / "backup.tar",
            passphrase=PASSPHRASE,
            contents=contents,
            random=secrets.token_bytes,
        )


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_changed_byte_goes_unnoticed(tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray(written(tmp_path))
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        spans = [(header.offset_data, header.size) for header in tar if header.size]
    start, size = data.draw(st.sampled_from(spans))
    raw[start + data.draw(st.integers(0, size - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ArchiveProblem):
        open_archive(io.BytesIO(raw), passphrase=PASSPHRASE)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 8000))
def test_a_cut_file_is_refused(tmp_path: Path, cut: int) -> None:
    raw = written(tmp_path)
    end = raw.rindex(b"sealed")
    with pytest.raises(ArchiveProblem):
        open_archive(io.BytesIO(raw[: min(cut, end)]), passphrase=PASSPHRASE)


@given(st.binary(max_size=2000))
def test_any_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(ArchiveProblem):
        open_archive(io.BytesIO(raw), passphrase=PASSPHRASE)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../b", "a//b", "./a", ""])
def test_names_that_lead_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveProblem, match="may not stand"):
        written(tmp_path, iter([member(name, b"x")]))
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        header = tarfile.TarInfo(name)
        header.size = 1
        tar.addfile(header, io.BytesIO(b"x"))
    with pytest.raises(ArchiveProblem):
        open_archive(raw, passphrase=PASSPHRASE)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE]
)
def test_only_plain_files(kind: bytes) -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        header = tarfile.TarInfo("mail/x")
        header.type = kind
        header.linkname = "/etc/passwd"
        tar.addfile(header)
    with pytest.raises(ArchiveProblem):
        open_archive(raw, passphrase=PASSPHRASE)


def test_a_manifest_that_asks_for_endless_work(tmp_path: Path) -> None:
    raw = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(written(tmp_path))) as old,
        tarfile.open(fileobj=raw, mode="w") as new,
    ):
        for header in old:
            stream = old.extractfile(header)
            assert stream is not None
            content = stream.read()
            if header.name == "manifest.json":
                content = json.dumps({**json.loads(content), "cost": 1 << 40}).encode()
            header.size = len(content)
            new.addfile(header, io.BytesIO(content))
    with pytest.raises(ArchiveProblem, match="passphrase is wrong"):
        open_archive(raw, passphrase=PASSPHRASE)
