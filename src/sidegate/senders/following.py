"""Asking a gateway again and again what became of a message, where it does not tell by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sidegate.senders.gateway import Delivery, Receipt, Trouble

PAUSES = (1.0, 2.0, 3.0, 5.0, 5.0, 10.0, 10.0, 20.0, 30.0, 60.0, 60.0, 60.0)
"""Seconds between two questions: dense while somebody waits, none after about five minutes."""

Asked = Callable[[str], Awaitable[Delivery | None]]


class Following:
    """Follows messages until they are delivered, failed, or nobody waits for them any more."""

    def __init__(self, ask: Asked, receipt: Receipt, pauses: tuple[float, ...] = PAUSES) -> None:
        self._ask = ask
        self._receipt = receipt
        self._pauses = pauses
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, reference: str) -> None:
        """Follow a message by the reference that it was sent with."""
        task = asyncio.create_task(self._follow(reference))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Follow nothing any more."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, reference: str) -> None:
        for pause in self._pauses:
            await asyncio.sleep(pause)
            try:
                became = await self._ask(reference)
            except Trouble:
                continue  # the next question may be answered
            if became is not None:
                self._receipt(reference, became)
                return
