"""Answers those who have forgotten their password: the handler of their jobs."""

from __future__ import annotations

import logging

from sidegate.accounts import password_reset
from sidegate.accounts.context import Context
from sidegate.accounts.job_runner import Again, Pauses
from sidegate.accounts.queue import payload_of
from sidegate.storage.jobs import Ended, Taken
from sidegate.storage.sealed import CannotUnseal

log = logging.getLogger(__name__)

ANSWERED = "answered"


class ResetHandler:
    """Implements `job_runner.Handler`. Nothing but the database is asked, as the job ends."""

    pauses = Pauses(first=5_000, most=60_000)

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def work(self, job: Taken) -> Ended | Again:
        """Go on to `ended`."""
        del job
        return Ended(ANSWERED)

    def ended(self, job: Taken, ended: Ended) -> None:
        """Send the link, in the transaction that ends the job: one link for one asking."""
        if ended.state != ANSWERED:
            return
        try:
            payload = payload_of(self._ctx, job)
        except CannotUnseal:
            log.warning("reset %d cannot be read: the key that sealed it is gone", job.id)
            return
        password_reset.answer(self._ctx, payload=payload)
