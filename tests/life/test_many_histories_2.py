"""5,000 histories of an account; the other 5,000 in a file of their own, for another worker."""

from pathlib import Path

import pytest

from life.trying import try_histories


@pytest.mark.long
def test_five_thousand_histories(tmp_path: Path) -> None:
    try_histories(tmp_path / "data", count=5_000, same_each_time=False)
