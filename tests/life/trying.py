"""Runs so many histories against one installation in memory."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture.engine import ConjectureRunner
from hypothesis.stateful import run_state_machine_as_test
from hypothesis.strategies._internal.featureflags import FeatureFlags

from life.house import opened
from life.machine import Life
from life.rules import Rules

STEPS, MANY_STEPS = 8, 30
"""Steps of a history, after its beginning; those of a long one."""


def try_histories(folder: Path, *, count: int, same_each_time: bool, steps: int = STEPS) -> None:
    # Hypothesis would make five of six histories by repeating steps of another one, and leave
    # most kinds of steps out of each. Here what matters is what comes together.
    anew = patch.object(ConjectureRunner, "generate_mutations_from", lambda _self, _data: None)
    every_kind = patch.object(FeatureFlags, "is_enabled", lambda _self, _name: True)
    with opened(folder) as house, anew, every_kind:
        Rules.house = house
        run_state_machine_as_test(
            Life,
            settings=settings(
                max_examples=count,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                derandomize=same_each_time,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=[*HealthCheck],
            ),
        )
