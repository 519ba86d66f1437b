"""For whom this installation enforces 2-Step Verification for mail."""

from __future__ import annotations

from sidegate.config import Config
from sidegate.decisions.names import canonical_name
from sidegate.decisions.observing import Enforced


def enforced(config: Config) -> Enforced:
    """`[policy] mode` and `enforce_for`, as decisions take them."""
    policy = config.policy
    if policy.mode == "observe":
        return Enforced(everybody=False)
    some = (_canonical(entry) for entry in policy.enforce_for)
    return Enforced(everybody=not policy.enforce_for, some=frozenset(some))


def _canonical(entry: str) -> str:
    if entry.startswith("@"):
        return (canonical_name(f"x{entry}") or entry).removeprefix("x")
    return canonical_name(entry) or entry
