"""Starts and stops everything; the only place that wires parts together."""

from __future__ import annotations

from sidegate.accounts.context import Context
from sidegate.config import Config

__all__ = ["main", "setup"]


def setup(config: Config) -> Context:
    """Configure Django for one installation, and return what its actions need."""
    from sidegate.serve.setting_up import setup as set_up  # noqa: PLC0415 - Django loads slowly

    return set_up(config)


def main(config: Config, only: frozenset[str]) -> int:
    """Run until told to stop; returns the exit status."""
    context = setup(config)
    from sidegate.serve.running import run  # noqa: PLC0415 - models need configured settings

    return run(context, only)
