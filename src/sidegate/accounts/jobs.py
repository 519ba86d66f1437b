"""What is done from time to time: dropping what may no longer be kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sidegate.accounts import (
    grace,
    known_browsers,
    passkeys,
    password_reset_rows,
    recovery_rows,
    undoing,
)
from sidegate.decisions.ports import Unavailable
from sidegate.decisions.throttle import DAY
from sidegate.storage import counters, jobs, sends, sightings
from sidegate.storage.background import Background
from sidegate.storage.models import Challenge, LockLink, RecoveryChange, WebSession

log = logging.getLogger(__name__)

EVERY = 600.0
"""Seconds between two rounds."""


class Housekeeping:
    """Drops what is old, on any replica.

    Digests of wrong secrets, dead codes and links, ended sessions, mail programs long gone,
    grace windows, browsers that were not signed in for long, recoveries that are over.
    """

    def __init__(self, *, background: Background, now: Callable[[], int], grace: bool) -> None:
        self._background = background
        self._now = now
        self._grace = grace

    async def run(self) -> None:
        """Go round until cancelled; an outage only skips a round."""
        while True:
            try:
                await self._background.run(self._round)
            except Unavailable:
                log.debug("nothing is cleared now: the database is away")
            await asyncio.sleep(EVERY)

    def _round(self) -> None:
        now = self._now()
        counters.forget_old(now=now)
        sightings.forget_old(now=now)
        grace.tidy_up(now=now, allowed=self._grace)
        Challenge.objects.filter(expires_at__lt=now - DAY).delete()
        sends.forget_old(now=now)
        jobs.forget_old(before=now - DAY)
        known_browsers.forget_old(now=now)
        passkeys.forget_used(now=now)
        LockLink.objects.filter(expires_at__lt=now).delete()
        undoing.forget_old(now=now)
        RecoveryChange.objects.filter(expires_at__lt=now).delete()
        password_reset_rows.forget_old(now=now)
        recovery_rows.forget_old(now=now)
        WebSession.objects.filter(expires_at__lt=now).delete()
