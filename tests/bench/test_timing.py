"""The timing pairs: the interval is right, and a short run tells honest rows."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from sidegate.bench.pairs import Apart, apart, asked, row


def noise(count: int, *, shift: float) -> list[float]:
    rng = random.Random(3)  # noqa: S311 - made-up figures
    return [shift + rng.gauss(0, 4) for _ in range(count)]


def test_the_interval_holds_the_difference() -> None:
    same, slower = apart(noise(2_000, shift=0)), apart(noise(2_000, shift=8))
    assert same.low < 0 < same.high
    assert same.most < 1
    assert slower.low > 7
    assert slower.high < 9
    assert row("x", same)["met"] is True
    assert row("x", slower)["met"] is False


def test_few_noisy_pairs_prove_nothing() -> None:
    few = apart([spread for far in range(10) for spread in (-60.0 * far, 55.0 * far)])
    assert row("x", few)["met"] is False


def test_an_oracle_is_found_whoever_goes_first() -> None:
    order: list[str] = []

    def ask(address: str) -> float:
        order.append(address)
        return 0.050 if address == "known" else 0.040

    found = asked(ask, ["known"], ["unknown"], pairs=100)
    assert {round(one, 6) for one in found} == {10.0}
    assert 20 < sum(first == "known" for first in order[::2]) < 80


def test_a_row_says_what_was_measured() -> None:
    told = row("sign-in page", Apart(median=0.5, low=-1.0, high=2.0, pairs=2_000))
    assert (told["ratio"], told["aim"], told["met"]) == (2.5, 1.0, True)
    assert "95 % interval -1.00 to +2.00 ms, 2000 pairs by turns" in told["note"]


@pytest.mark.long
def test_a_short_run(tmp_path: Path) -> None:
    output = tmp_path / "rows.json"
    done = subprocess.run(
        [sys.executable, "-m", "sidegate.bench.timing", "--quick", "--output", str(output)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(output.read_text())
    assert len(rows) == 8
    for told in rows:
        assert {*told} == {"name", "ratio", "aim", "met", "note"}
        assert told["met"] == (told["ratio"] >= 1)
        pairs = 5 if "the slowest page" in told["name"] else 20
        assert f"{pairs} pairs by turns" in told["note"]
        assert told["name"] in done.stdout
    assert [*tmp_path.iterdir()] == [output], "it leaves nothing else behind"
