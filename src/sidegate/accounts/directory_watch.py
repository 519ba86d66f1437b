"""Signs browsers out whose owner is gone from, or disabled in, the operator's directory.

Mail programs ask it at each sign-in, and so does whoever types a password. A browser that is
signed in asks nothing for days: so it is looked after here, from time to time, one account after
the other. A directory that is away, or says nothing, signs nobody out. One that says nothing of
some (whom it passes on to another server, say) is asked about the others all the same.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left
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
SEVERAL = 5
"""Questions without an answer, one after the other, after which the directory may be away."""

_AS = "imap"
"""As which protocol it is asked; as in `web_sign_in`."""
_REASONS = {
    Presence.GONE: Reason.GONE_FROM_DIRECTORY,
    Presence.DISABLED: Reason.ACCOUNT_DISABLED,
}
_NOTHING = frozenset({Presence.OUTAGE, Presence.BUSY})
_THERE = Origin(by="operator")


class DirectoryWatch:
    """Goes round on the event loop; on any replica, each for itself."""

    def __init__(self, ctx: Context, *, directory: Directory, background: Background) -> None:
        self._ctx = ctx
        self._directory = directory
        self._background = background
        self._first = 0
        """The account with which the next round begins."""
        self._answered_for = ""
        """Of whom the directory told last."""
        self._warned = False

    async def run(self) -> None:
        """Go round until cancelled; an outage only ends a round early."""
        while True:
            try:
                await self.round()
            except Unavailable:
                log.debug("nobody is looked up now: database or directory is away")
            await asyncio.sleep(EVERY)

    async def round(self) -> None:
        """Look up every account that has a browser; raises `Unavailable`.

        A round that an outage ended is gone on with by the next one.
        """
        now = self._ctx.now()
        accounts = await self._background.run(partial(_with_browsers, now=now))
        untold: list[str] = []
        in_a_row = 0
        for account_id, address in _beginning_with(self._first, accounts):
            told = await self._looked_after(account_id, address)
            self._first = account_id + 1
            if told:
                self._answered_for, in_a_row = address, 0
            else:
                untold.append(address)
                in_a_row += 1
                if in_a_row % SEVERAL == 0:
                    await self._still_answers()
            await asyncio.sleep(PAUSE)
        self._first = 0
        if untold:
            self._told_of_some(untold, most=len(accounts))

    async def _looked_after(self, account_id: int, address: str) -> bool:
        """Sign out whoever is not to be in; False where the directory says nothing of her."""
        seen = await self._look_up(address)
        if seen.presence in _NOTHING:
            return False
        reason = _why_out(seen, address)
        if reason is not None:
            await self._background.run(partial(_sign_out, self._ctx, account_id, reason))
        return True

    async def _still_answers(self) -> None:
        """Raise `Unavailable` where it says nothing of whom it told last either."""
        told = self._answered_for
        if not told or (await self._look_up(told)).presence in _NOTHING:
            raise Unavailable("the directory does not answer")

    async def _look_up(self, address: str) -> Seen:
        return await self._directory.look_up(Question(address, "", _AS, ""))

    def _told_of_some(self, untold: list[str], *, most: int) -> None:
        """Say once that it tells of some and not of others; raises `Unavailable` where of none."""
        if len(untold) == most:
            raise Unavailable("the directory does not answer")
        if not self._warned:
            self._warned = True
            log.warning(
                "the directory says nothing of %d among %d accounts whose browsers are signed in"
                " (%s is one): they stay signed in",
                len(untold),
                most,
                untold[0],
            )


def _why_out(seen: Seen, address: str) -> Reason | None:
    """Why its browsers are signed out; `None` where they are not."""
    if seen.presence is Presence.HERE and seen.name != address:
        return Reason.GONE_FROM_DIRECTORY  # it is another account's name there by now
    return _REASONS.get(seen.presence)


def _beginning_with(first: int, accounts: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """All of them, in a circle."""
    at = bisect_left(accounts, (first,))
    return accounts[at:] + accounts[:at]


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
