"""Signs browsers out whose owner is gone from, or disabled in, the operator's directory.

Mail programs ask it at each sign-in, and so does whoever types a password. A browser that is
signed in asks nothing for days: so it is looked after here, from time to time, one account after
the other. A directory that is away, or says nothing, signs nobody out.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from django.db import transaction

from sidegate.accounts.context import Context, Origin, note
from sidegate.decisions.directory import Directory, Question, Seen
from sidegate.decisions.mail import Presence
from sidegate.decisions.ports import Unavailable
from sidegate.decisions.words import Reason
from sidegate.events.catalogue import Kind
from sidegate.storage.background import Background
from sidegate.storage.models import Account, WebSession
from sidegate.storage.second_step_models import TrustedBrowser

log = logging.getLogger(__name__)

EVERY = 600.0
"""Seconds between two rounds."""
PAUSE = 0.02
"""Seconds between two questions: at most 50 a second, however many are signed in."""

_AS = "imap"
"""As which protocol it is asked; as in `web_sign_in`."""
_REASONS = {
    Presence.GONE: Reason.GONE_FROM_DIRECTORY,
    Presence.DISABLED: Reason.ACCOUNT_DISABLED,
}
_THERE = Origin(by="operator")


class DirectoryWatch:
    """Goes round on the event loop; on any replica, each for itself."""

    def __init__(self, ctx: Context, *, directory: Directory, background: Background) -> None:
        self._ctx = ctx
        self._directory = directory
        self._background = background

    async def run(self) -> None:
        """Go round until cancelled; an outage only ends a round early."""
        while True:
            try:
                await self.round()
            except Unavailable:
                log.debug("nobody is looked up now: database or directory is away")
            await asyncio.sleep(EVERY)

    async def round(self) -> None:
        """Look up every account that has a browser. Raises `Unavailable`."""
        now = self._ctx.now()
        for account_id, address in await self._background.run(partial(_with_browsers, now=now)):
            seen = await self._directory.look_up(Question(address, "", _AS, ""))
            reason = _why_out(seen, address)
            if reason is not None:
                await self._background.run(partial(_sign_out, self._ctx, account_id, reason))
            await asyncio.sleep(PAUSE)


def _why_out(seen: Seen, address: str) -> Reason | None:
    """Why its browsers are signed out; `None` where they are not."""
    if seen.presence in (Presence.OUTAGE, Presence.BUSY):
        raise Unavailable("the directory does not answer")
    if seen.presence is Presence.HERE and seen.name != address:
        return Reason.GONE_FROM_DIRECTORY  # it is another account's name there by now
    return _REASONS.get(seen.presence)


def _with_browsers(*, now: int) -> list[tuple[int, str]]:
    signed_in = WebSession.objects.filter(expires_at__gt=now).values("account")
    trusted = TrustedBrowser.objects.filter(expires_at__gt=now).values("account")
    accounts = Account.objects.filter(pk__in=signed_in) | Account.objects.filter(pk__in=trusted)
    return list(accounts.order_by("pk").values_list("pk", "address"))


def _sign_out(ctx: Context, account_id: int, reason: Reason) -> None:
    with transaction.atomic():
        ended, _of_each = WebSession.objects.filter(account=account_id).delete()
        TrustedBrowser.objects.filter(account=account_id).delete()
        if ended:
            kind = Kind.WEB_SHUT_OUT
            note(
                ctx, kind=kind, account_id=account_id, origin=_THERE, reason=reason, browsers=ended
            )
