"""What app passwords may send, asked by the delivery behind the private Dovecot."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sidegate.decisions.ports import MaySend
from sidegate.storage import sent_messages
from sidegate.storage.background import Background
from sidegate.storage.models import AppPassword


class SendingLimits:
    """Implements `decisions.ports.Sending`."""

    def __init__(self, *, background: Background, now: Callable[[], int]) -> None:
        self._background = background
        self._now = now

    async def may_send(self, app_password_id: int) -> MaySend | None:
        """What it may send as it is stored now; `None` where there is none such."""
        return await self._background.run(partial(_may_send, app_password_id))

    async def take(self, app_password_id: int, *, messages: int) -> bool:
        """Count messages; False where they are too many for today."""
        return await self._background.run(
            partial(
                sent_messages.take,
                app_password_id=app_password_id,
                messages=messages,
                now=self._now(),
            )
        )

    async def give_back(self, app_password_id: int, *, messages: int) -> None:
        """What was counted could not be sent."""
        await self._background.run(
            partial(
                sent_messages.give_back,
                app_password_id=app_password_id,
                messages=messages,
                now=self._now(),
            )
        )


def _may_send(app_password_id: int) -> MaySend | None:
    row = AppPassword.objects.filter(pk=app_password_id, revoked_at=None)
    found = row.values_list("sender", "daily_most").first()
    return MaySend(*found) if found else None
