"""Hands the pages what `serve` wired together."""

from __future__ import annotations

from typing import cast

from django.conf import settings

from sidegate.accounts.context import Context


def context() -> Context:
    """The context that every account action takes first."""
    return cast("Context", settings.SIDEGATE_CONTEXT)
