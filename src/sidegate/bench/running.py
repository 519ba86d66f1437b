"""Interleaved rounds over all servers, and what came out of them."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypedDict

from sidegate.bench import load, servers
from sidegate.bench.accounts import APP_PASSWORDS_EACH, People, questions
from sidegate.bench.processes import cores, pinned, settled_cpu_seconds
from sidegate.bench.servers import DOOR, FLOOR, Server

AIM = 0.5
"""The door's rate, as a part of the floor's."""
_CORES_WANTED = 2
_SLOW = 2000.0
"""Decisions a second below which a server hashes slowly: a round of it may be shorter."""


class Plan(NamedTuple):
    """How much to measure."""

    accounts: int
    picks: int
    rounds: int
    seconds: float
    warm_up: float
    quiet: float
    """Seconds without work after which a server has nothing left to do."""


FULL = Plan(accounts=100_000, picks=500_000, rounds=4, seconds=5.0, warm_up=1.0, quiet=1.2)
QUICK = Plan(accounts=10_000, picks=20_000, rounds=2, seconds=0.5, warm_up=0.1, quiet=0.7)


class Round(NamedTuple):
    """One server in one round."""

    rate: float
    """Decisions a second; work left behind the last answer counts as done before it."""
    cpu: float
    """Microseconds of user and system time for a decision, of all its processes."""
    p99: float
    """Milliseconds."""


class Row(TypedDict):
    """What the output file holds for one comparison."""

    name: str
    ratio: float
    aim: float | None
    met: bool | None
    note: str


@dataclass(slots=True)
class Result:
    """All rounds of one server."""

    name: str
    rounds: list[Round] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median."""
        return statistics.median(one.rate for one in self.rounds)

    @property
    def cpu(self) -> float:
        """The median."""
        return statistics.median(one.cpu for one in self.rounds)

    @property
    def p99(self) -> float:
        """The median."""
        return statistics.median(one.p99 for one in self.rounds)


def run(*, quick: bool, output: Path | None) -> int:
    """Prepare, measure, tell; 1 where a server could not be measured."""
    plan = QUICK if quick else FULL
    _say(
        f"{plan.accounts} accounts with {APP_PASSWORDS_EACH} app passwords each,"
        f" {load.IN_FLIGHT} requests in flight on one connection, {plan.rounds} rounds of"
        f" {plan.seconds:g} s for each server"
    )
    try:
        results = _measured(plan)
    except (servers.CannotStart, load.NotAllowed, TimeoutError) as problem:
        sys.stderr.write(f"sidegate: bench: {problem or 'no answer in time'}\n")
        return 1
    _print(results)
    rows = compared(results, note=_conditions(plan))
    for row in rows:
        _say(_told(row))
    if output is not None:
        output.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def _measured(plan: Plan) -> list[Result]:
    server_core, asking_core = cores()
    people = People(plan.accounts)
    with tempfile.TemporaryDirectory(prefix="sidegate-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # Dovecot's user passes through
        asked = questions(people, count=plan.picks)
        # Children keep the core of whoever starts them.
        with pinned(server_core), servers.running(folder, people, asked) as running:
            os.sched_setaffinity(0, {asking_core})
            results = {server.name: Result(server.name) for server in running}
            for number in range(plan.rounds):
                # Every second round the other way round: no server is always the one after.
                for server in running if number % 2 == 0 else reversed(running):
                    one = _round(server, plan)
                    results[server.name].rounds.append(one)
                    _say(f"  round {number + 1}, {server.name}: {one.rate:.0f}/s")
    return list(results.values())


def _round(server: Server, plan: Plan) -> Round:
    def ask(seconds: float) -> load.Asked:
        return load.ask(server.path, server.questions, seconds=seconds, in_flight=load.IN_FLIGHT)

    ask(plan.warm_up)
    before = settled_cpu_seconds(server.pid, quiet=plan.quiet)
    asked = ask(plan.seconds)
    at_last_answer = settled_cpu_seconds(server.pid, quiet=0.0)
    after = settled_cpu_seconds(server.pid, quiet=plan.quiet)
    return Round(
        rate=asked.decisions / (asked.seconds + after - at_last_answer),
        cpu=(after - before) / asked.decisions * 1e6,
        p99=asked.p99 * 1e3,
    )


def compared(results: list[Result], *, note: str) -> list[Row]:
    """The door beside each other server; above 1 the door does more."""
    by_name = {result.name: result for result in results}
    door = by_name[DOOR]
    rows: list[Row] = []
    for other in results:
        if other is door:
            continue
        aim = AIM if other.name == FLOOR else None
        ratio = round(door.rate / other.rate, 3)
        rows.append(
            Row(
                name=f"decisions a second: {DOOR} / {other.name}",
                ratio=ratio,
                aim=aim,
                met=None if aim is None else ratio >= aim,
                note=f"{door.rate:.0f}/s beside {other.rate:.0f}/s; {note}",
            )
        )
    floor = by_name[FLOOR]
    rows.append(
        Row(
            name=f"decisions for the same CPU time: {DOOR} / {FLOOR}",
            ratio=round(floor.cpu / door.cpu, 3),
            aim=None,
            met=None,
            note=f"{door.cpu:.1f} µs beside {floor.cpu:.1f} µs a decision; {note}",
        )
    )
    return rows


def _conditions(plan: Plan) -> str:
    server_core, asking_core = cores()
    place = "on one core each" if server_core != asking_core else "on one core together"
    compared_with = "" if servers.comparable() else "; no Dovecot here to compare with"
    return (
        f"medians of {plan.rounds} rounds of {plan.seconds:g} s, {plan.accounts} accounts,"
        f" server and asker {place}{compared_with}"
    )


def _print(results: list[Result]) -> None:
    _say(f"{'':24}{'decisions/s':>14}{'p99 ms':>10}{'CPU µs each':>14}  all rounds, decisions/s")
    for result in results:
        rounds = " ".join(f"{one.rate:.0f}" for one in result.rounds)
        _say(f"{result.name:24}{result.rate:14.0f}{result.p99:10.2f}{result.cpu:14.1f}  {rounds}")


def _told(row: Row) -> str:
    aim = "" if row["aim"] is None else f" (aim {row['aim']}: {'met' if row['met'] else 'not met'})"
    return f"{row['name']}: {row['ratio']}{aim}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
