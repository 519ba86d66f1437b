"""Keys: made once, 0600, never used where others could read them."""

from __future__ import annotations

import secrets
import threading
from pathlib import Path

import pytest

from sidegate.storage.keys import KeyRing, KeysProblem, open_http_token, open_keys


def opened(folder: Path) -> KeyRing:
    return open_keys(folder, random=secrets.token_bytes)


def test_the_first_start_makes_one_key(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "keys"
    ring = opened(folder)
    assert list(ring.keys) == [ring.newest] == ["1"]
    assert len(ring.current) == 32
    [file] = folder.iterdir()
    assert file.name == "digest-1.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert opened(folder).current == ring.current


def test_two_first_starts_end_up_with_the_same_key(tmp_path: Path) -> None:
    for attempt in range(10):
        folder = tmp_path / str(attempt)
        start = threading.Barrier(8)
        rings: list[bytes] = []

        def one(folder: Path = folder, start: threading.Barrier = start) -> None:
            start.wait()
            rings.append(opened(folder).current)  # noqa: B023 - ended within the round

        threads = [threading.Thread(target=one) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(rings) == 8
        assert len(set(rings)) == 1
        assert [file.name for file in folder.iterdir()] == ["digest-1.key"]


def test_a_first_start_that_was_cut_short_hinders_no_other(tmp_path: Path) -> None:
    (tmp_path / ".digest-1.key.1").write_text("half")
    assert len(opened(tmp_path).current) == 32


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
def test_a_key_that_others_can_read_is_not_used(tmp_path: Path, mode: int) -> None:
    opened(tmp_path)
    file = tmp_path / "digest-1.key"
    file.chmod(mode)
    with pytest.raises(KeysProblem, match="chmod 600"):
        opened(tmp_path)


RUBBISH = ["", "zz" * 32, "00" * 31, "00" * 33, "\u00e4" * 64, "0" * 63]


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_is_no_key_and_is_not_shown(tmp_path: Path, rubbish: str) -> None:
    file = tmp_path / "digest-1.key"
    file.write_text(rubbish)
    file.chmod(0o600)
    with pytest.raises(KeysProblem, match="backup") as problem:
        opened(tmp_path)
    assert not rubbish or rubbish not in str(problem.value)


def test_the_newest_makes_and_all_find(tmp_path: Path) -> None:
    first = opened(tmp_path)
    for number in ("2", "10"):
        file = tmp_path / f"digest-{number}.key"
        file.write_text(secrets.token_hex(32))
        file.chmod(0o600)
    (tmp_path / "http-token").write_text("not a key")
    ring = opened(tmp_path)
    assert set(ring.keys) == {"1", "2", "10"}
    assert ring.newest == "10"
    assert ring.derived("django") == first.derived("django"), "a new key signs nobody out"
    assert ring.derived("django") != ring.derived("other")


def test_no_text_form_holds_a_key(tmp_path: Path) -> None:
    ring = opened(tmp_path)
    shown = repr(ring) + str(ring)
    assert ring.current.hex() not in shown
    assert repr(ring.current) not in shown


def token(folder: Path) -> str:
    return open_http_token(folder, random=secrets.token_bytes)


def test_the_first_start_makes_a_token(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    made = token(folder)
    file = folder / "http-token"
    assert len(made) >= 43
    assert file.read_text() == f"{made}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert token(folder) == made
    assert list(opened(folder).keys) == ["1"]  # it is no key


def test_an_operators_own_token_counts(tmp_path: Path) -> None:
    file = tmp_path / "http-token"
    file.write_text("a" * 32)
    file.chmod(0o600)
    assert token(tmp_path) == "a" * 32


@pytest.mark.parametrize("text", ["", "short", "a" * 31, "a b" * 20, "a" * 257, "\u017e" * 40])
def test_a_file_that_holds_no_token(tmp_path: Path, text: str) -> None:
    file = tmp_path / "http-token"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(KeysProblem, match="holds no token") as problem:
        token(tmp_path)
    assert not text or text not in str(problem.value)


def test_a_token_that_others_can_read(tmp_path: Path) -> None:
    token(tmp_path)
    (tmp_path / "http-token").chmod(0o640)
    with pytest.raises(KeysProblem, match="chmod 600"):
        token(tmp_path)
