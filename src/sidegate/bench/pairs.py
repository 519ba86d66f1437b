"""Two kinds of questions in turn, and how far their answers lie apart in time."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sidegate.bench.running import Row

MOST_APART = 5.0
"""Milliseconds: what nobody can tell apart over a network."""
_RESAMPLES = 2_000
_SEED = 2026

Ask = Callable[[str], float]
"""Asks about an address; the seconds until it was answered."""


class Apart(NamedTuple):
    """The median difference (first kind less second), in milliseconds, and its 95 % interval."""

    median: float
    low: float
    high: float
    pairs: int

    @property
    def most(self) -> float:
        """How far apart they may be by the interval."""
        return max(abs(self.low), abs(self.high))


def asked(ask: Ask, first: Sequence[str], second: Sequence[str], *, pairs: int) -> list[float]:
    """The differences of so many pairs, in milliseconds; by lot one or the other goes first.

    A pair is left out where one of its answers compares with nothing (not a number).
    """
    rng = random.Random(_SEED)  # noqa: S311 - who goes first is no secret
    differences = []
    for number in range(pairs):
        of = {1: first[number % len(first)], -1: second[number % len(second)]}
        order = rng.sample([1, -1], 2)
        differences.append(sum(sign * ask(of[sign]) for sign in order) * 1e3)
    return [one for one in differences if not math.isnan(one)]


def apart(differences: Sequence[float]) -> Apart:
    """The median, and the interval by the bootstrap (percentiles of resampled medians)."""
    rng = random.Random(_SEED)  # noqa: S311 - the same interval for the same figures
    medians = sorted(
        statistics.median(rng.choices(differences, k=len(differences))) for _ in range(_RESAMPLES)
    )
    low, high = medians[_RESAMPLES * 25 // 1000], medians[_RESAMPLES * 975 // 1000 - 1]
    return Apart(statistics.median(differences), low, high, len(differences))


def row(name: str, found: Apart) -> Row:
    """As the other comparisons are told: above 1 the aim is met."""
    ratio = round(MOST_APART / found.most, 2) if found.most else 1e3
    return Row(
        name=f"{MOST_APART:g} ms / difference in time between addresses: {name}",
        ratio=ratio,
        aim=1.0,
        met=ratio >= 1.0,
        note=(
            f"median {found.median:+.2f} ms, 95 % interval {found.low:+.2f} to {found.high:+.2f}"
            f" ms, {found.pairs} pairs by turns"
        ),
    )
