"""Grace windows: mail programs that may go on with the account password for some days.

The one exception of rule 1. A window stands for a program that had used the account
password before 2-step was turned on, and that its owner ticked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sidegate.decisions.throttle import UNKNOWN_NETWORK, network_of
from sidegate.decisions.words import Attempt

# "128.0", "v2", "(20G75)": everything from there on is a version.
_VERSION = re.compile(r"\s+\W?v?\d.*", re.DOTALL | re.IGNORECASE)


class Window(NamedTuple):
    """What may go on, and until when (milliseconds since the epoch)."""

    id: int
    protocol: str
    network: str
    program: str
    """What the program called itself; empty where it did not."""
    until: int
    ended: bool


def window_for(attempt: Attempt, windows: Sequence[Window]) -> Window | None:
    """The window that this attempt may come in by."""
    return next((window for window in windows if _opens(window, attempt)), None)


def _opens(window: Window, attempt: Attempt) -> bool:
    """Whether protocol, network and time match, and the program does not gainsay it.

    A program's name is no proof, and many give it only after they signed in (K-9), or
    over IMAP alone: it narrows where both sides have one, and otherwise says nothing.
    """
    return (
        not window.ended
        and attempt.arrived < window.until
        and window.protocol == attempt.protocol
        and window.network == network_of(attempt.address)
        # A server that does not tell addresses would let in everybody.
        and window.network != UNKNOWN_NETWORK
        and _same_program(window.program, attempt.program)
    )


def _same_program(one: str, other: str) -> bool:
    return not one or not other or without_version(one) == without_version(other)


@lru_cache(maxsize=512)
def without_version(program: str) -> str:
    """A program's name alone: an update does not make another program of it."""
    return _VERSION.sub("", program).strip().casefold()
