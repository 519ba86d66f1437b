"""The file of breached passwords: written whole, asked as it lies there, damage told."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidegate.factors.known_passwords import digest_of
from sidegate.storage import breached
from sidegate.storage.breached import BreachedListProblem
from sidegate.storage.password_lists import learn

LEAKED = "tulips in the snow"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder / breached.FILE


def source(target: Path, content: bytes) -> Path:
    file = target.parent.parent / "list.txt"
    file.write_bytes(content)
    return file


def left_over(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_where_there_is_no_list_nothing_is_on_it(target: Path) -> None:
    assert breached.facts(target) is None
    assert not breached.holds(target, digest_of(LEAKED))


def test_passwords_one_a_line(target: Path) -> None:
    lines = [LEAKED, "short", "", "second one here", "x" * 257, "trailing space "]
    assert learn(source(target, "\r\n".join(lines).encode()), target) == 3
    assert breached.holds(target, digest_of(LEAKED))
    assert breached.holds(target, digest_of("trailing space "))
    for other in ("short", "x" * 257, "tulips in the Snow", "trailing space"):
        assert not breached.holds(target, digest_of(other))
    assert target.stat().st_mode & 0o777 == 0o600
    assert left_over(target) == [breached.FILE]


def test_letters_beyond_ascii_in_either_encoding_and_spelling(target: Path) -> None:
    lines = [
        "glāžšķūņu rūķīši".encode(),
        "cafe\u0301 au lait".encode(),
        "smörgåsbord".encode("latin-1"),
    ]
    assert learn(source(target, b"\n".join(lines)), target) == 3
    for typed in ("glāžšķūņu rūķīši", "café au lait", "smörgåsbord"):
        assert breached.holds(target, digest_of(typed))


@pytest.mark.parametrize("form", ["{}", "{}:37", "{}:1\r"])
def test_hashes_as_pwned_passwords_has_them(target: Path, form: str) -> None:
    digests = [hashlib.sha1(word.encode()).hexdigest() for word in (LEAKED, "another")]  # noqa: S324 - its form
    lines = [form.format(digests[0].upper()), form.format(digests[1])]
    assert learn(source(target, "\n".join(lines).encode()), target) == 2
    assert breached.holds(target, digest_of(LEAKED))
    assert not breached.holds(target, digest_of("tulips"))


SHA1, NTLM = b"A" * 40, b"A" * 32
BAD = [
    (b"", "no password of 8 characters"),
    (b"short\nones\n", "no password of 8 characters"),
    (b"PK\x03\x04\0\0\0", "is no text: unpack it first"),
    (b"x" * 5000, "is no text: unpack it first"),
    (b"good enough\n" + b"x" * 5000, "line 2: longer than 4096 bytes"),
    (NTLM + b":12\n", "NTLM"),
    (b"A" * 35 + b":12\n", "cut-off SHA-1"),
    (SHA1 + b":3\n" + SHA1 + b":x\n", "line 2: not HASH or HASH:COUNT"),
]


@pytest.mark.parametrize(("content", "said"), BAD, ids=[said for _, said in BAD])
def test_a_file_that_is_no_list_says_why_and_leaves_the_old_one(
    target: Path, content: bytes, said: str
) -> None:
    learn(source(target, LEAKED.encode()), target)
    with pytest.raises(BreachedListProblem, match=said):
        learn(source(target, content), target)
    assert breached.holds(target, digest_of(LEAKED))
    assert left_over(target) == [breached.FILE]


def test_neither_a_folder_nor_nothing_is_read(target: Path, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(BreachedListProblem, match="is no file"):
            learn(path, target)


def test_what_stops_half_way_leaves_the_old_list(target: Path) -> None:
    learn(source(target, LEAKED.encode()), target)

    def some() -> Iterator[bytes]:
        yield digest_of("another one")
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        breached.write(target, some(), at_most=10)
    assert breached.holds(target, digest_of(LEAKED))
    assert left_over(target) == [breached.FILE]


@pytest.mark.parametrize("damage", [b"", b"sidegate", b"x" * 9000], ids=["empty", "short", "other"])
def test_a_damaged_list_is_no_list_without_the_password(target: Path, damage: bytes) -> None:
    target.write_bytes(damage)
    for ask in (lambda: breached.holds(target, digest_of(LEAKED)), lambda: breached.facts(target)):
        with pytest.raises(BreachedListProblem, match="damaged"):
            ask()


def test_a_list_that_was_cut_short_is_damaged(target: Path) -> None:
    learn(source(target, LEAKED.encode()), target)
    target.write_bytes(target.read_bytes()[:-1])
    with pytest.raises(BreachedListProblem):
        breached.holds(target, digest_of(LEAKED))


def test_the_file_holds_no_password_and_no_digest(target: Path) -> None:
    learn(source(target, LEAKED.encode()), target)
    content = target.read_bytes()
    assert LEAKED.encode() not in content
    assert digest_of(LEAKED)[:4] not in content
    found = breached.facts(target)
    assert found is not None
    assert found.passwords == 1
