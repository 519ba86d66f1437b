from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from sidegate.cli.errors import Failure
from sidegate.cli.secrets_in import first_line_of_stdin, new_password


def stdin(monkeypatch: pytest.MonkeyPatch, raw: bytes = b"", *, terminal: bool = False) -> None:
    fake = SimpleNamespace(buffer=io.BytesIO(raw), isatty=lambda: terminal)
    monkeypatch.setattr("sys.stdin", fake)


@pytest.mark.parametrize(
    ("raw", "line"),
    [(b"a b \nc\n", "a b "), (b"a", "a"), (b"a\r\n", "a"), ("ā\n".encode(), "ā")],
)
def test_the_first_line(monkeypatch: pytest.MonkeyPatch, raw: bytes, line: str) -> None:
    stdin(monkeypatch, raw)
    assert first_line_of_stdin("password") == line


@pytest.mark.parametrize("raw", [b"", b"\n", b"\xff\n", b"a" * 5000])
def test_no_such_line(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    stdin(monkeypatch, raw)
    with pytest.raises(Failure, match="standard input") as caught:
        first_line_of_stdin("password")
    assert caught.value.status == 2


def test_a_terminal_is_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, terminal=True)
    typed = iter(["one", "one", "one", "two"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(typed))
    assert new_password(from_stdin=False) == "one"
    with pytest.raises(Failure, match="differ"):
        new_password(from_stdin=False)
