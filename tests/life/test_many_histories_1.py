"""5,000 histories of an account, one in ten a long one; as many in the file beside it."""

from pathlib import Path

import pytest

from life.trying import MANY_STEPS, try_histories


@pytest.mark.long
def test_five_thousand_histories(tmp_path: Path) -> None:
    try_histories(tmp_path / "few", count=4_500, same_each_time=False)
    try_histories(tmp_path / "many", count=500, same_each_time=False, steps=MANY_STEPS)
