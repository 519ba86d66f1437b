from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from sidegate.cli.event_commands import moment
from sidegate.cli.output import print_table
from sidegate.wire.times import rfc3339

NOW = 1_790_000_000_000


def test_times_are_rfc_3339_in_utc() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(NOW + 7) == "2026-09-21T14:13:20.007Z"
    assert rfc3339(None) is None


def test_columns_are_aligned_by_what_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "B"), [("日本", "x"), ("e\u0301", "y"), ("long", "z")])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["A     B", "日本  x", "e\u0301     y", "long  z"]


def test_a_terminal_is_never_wider_than_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((30, 20)))
    print_table(("ADDRESS", "NAME"), [("anna@example.test", "Anna with a very long name")])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 30
    assert lines[1].endswith("…")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30m", NOW - 1_800_000),
        ("2h", NOW - 7_200_000),
        ("7d", NOW - 604_800_000),
        ("2026-05-31T08:00:00Z", int(datetime(2026, 5, 31, 8, tzinfo=UTC).timestamp() * 1000)),
        ("2026-05-31T08:00:00+02:00", int(datetime(2026, 5, 31, 6, tzinfo=UTC).timestamp() * 1000)),
    ],
)
def test_since(text: str, expected: int) -> None:
    assert moment(text, now=NOW) == expected
