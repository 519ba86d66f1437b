"""`sidegate bench --quick` runs and tells what it measured; no figure is asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from peers import require
from sidegate.bench.processes import cpu_seconds
from sidegate.bench.running import Result, Round, compared


@pytest.mark.long
def test_it_runs_and_tells_honest_rows(tmp_path: Path) -> None:
    require("dovecot")
    output = tmp_path / "rows.json"
    done = subprocess.run(
        [sys.executable, "-m", "sidegate", "bench", "--quick", "--output", str(output)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(output.read_text())
    assert all(set(row) == {"name", "ratio", "aim", "met", "note"} for row in rows)
    names = [row["name"] for row in rows]
    for other in ("floor", "Dovecot {PLAIN}", "Dovecot {SHA512-CRYPT}", "Dovecot {BLF-CRYPT}"):
        assert any(other in name for name in names), names
    for row in rows:
        assert row["ratio"] > 0
        assert "10000 accounts" in row["note"]
        assert row["name"] in done.stdout
        assert row["met"] == (None if row["aim"] is None else row["ratio"] >= row["aim"])
    assert [row["aim"] for row in rows if row["aim"] is not None] == [0.5]
    assert list(tmp_path.iterdir()) == [output], "it leaves nothing else behind"


def result(name: str, *rates: float) -> Result:
    return Result(name, [Round(rate=rate, cpu=1e6 / rate, p99=1.0) for rate in rates])


def test_the_medians_are_compared() -> None:
    rows = compared(
        [result("door", 100.0, 40.0, 45.0), result("floor", 90.0, 100.0, 1.0)], note="n"
    )
    assert [row["ratio"] for row in rows] == [0.5, 0.5]
    assert [row["met"] for row in rows] == [True, None]


def test_a_missed_aim_is_said() -> None:
    rows = compared([result("door", 44.0), result("floor", 90.0)], note="n")
    assert rows[0]["ratio"] < 0.5
    assert rows[0]["met"] is False


def test_a_process_is_measured_with_its_children() -> None:
    work = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\n"
    wait = "import sys\nsys.stdout.write('done\\n')\nsys.stdout.flush()\nsys.stdin.read()\n"
    parent = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {work + wait!r}], stdin=sys.stdin)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        child.stdout.readline()
        own = Path(f"/proc/{child.pid}/stat").read_text().rpartition(") ")[2].split()
        alone = (int(own[11]) + int(own[12])) / os.sysconf("SC_CLK_TCK")
        assert cpu_seconds(child.pid) >= alone + 0.1
        child.stdin.close()
