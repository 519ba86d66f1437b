"""The gateways that carry codes: for each kind the options of a `[gateway.NAME]` section.

`kind` says which of `KINDS` a section is; left out, it is the section's own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from sidegate.config import kinds
from sidegate.config.rows import required

GATEWAY = "gateway"
"""The section that holds all of them."""
SCREEN = "screen"
"""The gateway that is always there and has no options."""


class GatewayOptions:
    """What all kinds have in common."""

    channels: ClassVar[tuple[str, ...]] = ("sms",)
    """What it can carry: "sms", "voice", or both."""


@dataclass(frozen=True, kw_only=True)
class Exec(GatewayOptions):
    """A program of the operator's, run once for each code."""

    channels: ClassVar[tuple[str, ...]] = ("sms", "voice")
    command: tuple[str, ...] = required(
        kinds.command(), "the text comes on its standard input, the number as SIDEGATE_NUMBER"
    )


KINDS: Mapping[str, type[GatewayOptions]] = MappingProxyType({"exec": Exec})
