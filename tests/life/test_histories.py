"""200 histories of an account; `test_many_histories_*` tries thousands more."""

from pathlib import Path

from life.trying import try_histories


def test_two_hundred_histories(tmp_path: Path) -> None:
    try_histories(tmp_path / "data", count=200, same_each_time=True)
