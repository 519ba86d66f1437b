"""The page on faults names tests that are there, and no fault of the list lacks one."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "operators" / "codes.md"
FAULTS = (
    "gateway down",
    "slow, before it has the message",
    "slow, and it has the message",
    "it refuses",
    "it drops the bind or the connection",
    "it answers twice",
    "receipt early, late or never",
    "killed between write and send, and between send and mark",
)


def test_each_fault_has_tests_and_they_are_there() -> None:
    table = PAGE.read_text().partition("| fault | the page says | tests |")[2].partition("\n\n")[0]
    rows = {row.split(" | ")[0].lstrip("| "): row for row in table.splitlines() if "::" in row}
    assert set(FAULTS) <= set(rows)
    for row in rows.values():
        named = re.findall(r"`([a-z_/]+\.py)::(test_\w+)`", row)
        assert named, row
        for file, name in named:
            assert f"def {name}(" in (TESTS / file).read_text(), (file, name)
