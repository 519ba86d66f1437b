"""Asking the sign-in port from a task: a bound on how much waits, and an end to it."""

from __future__ import annotations

import asyncio
import logging

from sidegate.decisions.ports import SignIn
from sidegate.decisions.words import Attempt, CannotTell, Reason, Refuse, Verdict, Why

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 4096
"""Sign-ins under way over HTTP; a refusal is one for the whole refusal delay."""


class Waiting:
    """The sign-ins that wait for their answer; all of them end when the door closes."""

    def __init__(self, *, most: int = MAX_IN_FLIGHT) -> None:
        self._most = most
        self._waiting: set[asyncio.Future[Verdict]] = set()
        self._closed = False

    async def ask(self, sign_in: SignIn, attempt: Attempt) -> Verdict:
        """The verdict, at its time."""
        refused = self._full()
        if refused is not None:
            return refused
        answered = self._new()

        def answer(verdict: Verdict) -> None:
            if not answered.done():
                answered.set_result(verdict)

        try:
            sign_in.submit(attempt, answer)
        except Exception:
            log.exception("a sign-in could not be decided")
            answer(CannotTell(Why.OUTAGE))
        return await answered

    async def refuse_unread(self, delay: int) -> Verdict:
        """Refuse what could not be read, as late as everything else; in milliseconds."""
        refused = self._full()
        if refused is not None:
            return refused
        answered = self._new()
        try:
            return await asyncio.wait_for(answered, delay / 1000)
        except TimeoutError:
            return Refuse(Reason.BAD_REQUEST)

    def close(self) -> None:
        """Tell whoever waits, and whoever still comes, that we cannot tell now."""
        self._closed = True
        for answered in list(self._waiting):
            if not answered.done():
                answered.set_result(CannotTell(Why.OUTAGE))

    def _full(self) -> CannotTell | None:
        if self._closed:
            return CannotTell(Why.OUTAGE)
        return CannotTell(Why.BUSY) if len(self._waiting) >= self._most else None

    def _new(self) -> asyncio.Future[Verdict]:
        answered: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.add(answered)
        answered.add_done_callback(self._waiting.discard)
        return answered
