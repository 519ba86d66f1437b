"""After a refusal: was it the owner's own password? Then she is told, and nobody else.

Everything here happens after the reply has left, and nothing of it reaches the mail program
(`decisions/right_but_refused` says when, docs/security.md what an attacker could learn).
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import NamedTuple
from urllib.parse import urlencode

from django.db import transaction
from django.urls import reverse

from sidegate.accounts import notices
from sidegate.accounts.context import Context
from sidegate.decisions import right_but_refused
from sidegate.decisions.directory import Question
from sidegate.decisions.mail import AccountRecord, Facts, PasswordCheck
from sidegate.decisions.ports import Unavailable
from sidegate.decisions.right_but_refused import Step, message_is_due, next_step
from sidegate.decisions.throttle import DAY, network_of
from sidegate.decisions.words import Attempt, Reason, Verdict
from sidegate.events.catalogue import Kind, NewEvent, tidy
from sidegate.storage import counters, second_looks
from sidegate.storage.background import Background
from sidegate.storage.mail_models import RightRefused
from sidegate.storage.models import Account
from sidegate.storage.second_looks import Row
from sidegate.storage.writer import write_event
from sidegate.wire.program import device_of

log = logging.getLogger(__name__)

MOST_WAITING = 16
"""Secrets that wait to be judged; what comes on top is judged when it is tried again."""

SHOWN_FOR = 7 * DAY
"""Milliseconds for which her pages speak of a program that was refused."""


class _Look(NamedTuple):
    """One refused secret to be judged. Its text form never holds the secret."""

    attempt: Attempt
    account: AccountRecord
    row: Row

    def __repr__(self) -> str:
        return f"_Look(account={self.account.id})"


class SecondLooks:
    """Judges refused secrets, one at a time, on the event loop it was made on."""

    def __init__(self, ctx: Context, *, background: Background) -> None:
        self._ctx = ctx
        self._background = background
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def consider(self, attempt: Attempt, facts: Facts, verdict: Verdict, *, login: str) -> None:
        """Look at a refused secret later, where it may be the owner's; `login` as counted."""
        may_matter = right_but_refused.may_matter(
            attempt,
            facts,
            verdict,
            directory=self._ctx.directory is not None,
            ask_directory=self._ctx.config.notices.ask_directory,
        )
        if not may_matter or facts.account is None or len(self._tasks) >= MOST_WAITING:
            return
        key = self._ctx.keys.current
        row = Row(
            login=counters.login_digest(key=key, login=login),
            network=network_of(attempt.address),
            secret=counters.secret_digest(key=key, login=login, secret=attempt.secret),
        )
        task = asyncio.ensure_future(self._look(_Look(attempt, facts.account, row)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Leave what still waits: it is judged when it is tried again."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look(self, look: _Look) -> None:
        try:
            async with self._one_at_a_time:
                if await self._background.run(partial(self._claimed, look)):
                    await self._judge(look)
        except Unavailable:
            log.debug("a refused password is not looked at: the database is away")
        except Exception:
            log.exception("a refused password could not be looked at")

    def _claimed(self, look: _Look) -> bool:
        """Whether it is ours to judge; one that was right before is forgiven here too."""
        now = self._ctx.now()
        with transaction.atomic():
            if _locked(look.account) is None:
                return False
            step = next_step(second_looks.looked(look.row, now=now))
            if step is Step.FORGIVE:
                second_looks.forgive(look.row, now=now)
            return step is Step.JUDGE and second_looks.claim(look.row, now=now)

    async def _judge(self, look: _Look) -> None:
        check = PasswordCheck.OUTAGE
        try:
            check = await self._checked(look)
        finally:
            if check in (PasswordCheck.BUSY, PasswordCheck.OUTAGE):
                await self._background.run(partial(second_looks.release, look.row))
        if check is PasswordCheck.RIGHT:
            await self._background.run(partial(self._was_right, look))

    async def _checked(self, look: _Look) -> PasswordCheck:
        attempt, account, directory = look.attempt, look.account, self._ctx.directory
        if directory is None:
            return await self._ctx.judge.check_when_idle(
                account_id=account.id,
                password_hash=account.password_hash,
                password_version=account.password_version,
                secret=attempt.secret,
            )
        question = Question(
            name=account.address,
            secret=attempt.secret,
            protocol=attempt.service or attempt.protocol.value,
            address=attempt.address,
            session=attempt.session,
            tls=attempt.tls,
        )
        judged = await directory.judge(question)
        same = judged.check is not PasswordCheck.RIGHT or judged.name == account.address
        return judged.check if same else PasswordCheck.WRONG

    def _was_right(self, look: _Look) -> None:
        """Count it no longer, write it down, tell the owner; all of it or nothing."""
        ctx, attempt = self._ctx, look.attempt
        now = ctx.now()
        with transaction.atomic():
            account = _locked(look.account)
            if account is None:
                return  # 2-step was turned off, or the password changed, meanwhile
            second_looks.forgive(look.row, now=now)
            write_event(_event(attempt, account))
            last = RightRefused.objects.filter(account=account).first()
            told_at = last.told_at if last else None
            if message_is_due(last_at=told_at, now=now):
                told_at = now
                link = ctx.config.server.url + link_for(attempt.program)
                notices.tell_of_program(ctx, account=account, attempt=attempt, link=link)
            RightRefused.objects.update_or_create(
                account=account,
                defaults={
                    "at": attempt.arrived,
                    "protocol": attempt.protocol.value,
                    "program": tidy(attempt.program),
                    "address": tidy(attempt.address)[:45],
                    "told_at": told_at,
                },
            )


def latest(account: Account, *, now: int) -> RightRefused | None:
    """The program that waits for an app password, while nothing was done about it since.

    One that still tries is found again each day: an older one has given up.
    """
    found = RightRefused.objects.filter(account=account, at__gt=now - SHOWN_FOR).first()
    if found is None or not account.two_step or account.password_changed_at > found.at:
        return None
    mended = account.app_passwords.filter(created_at__gt=found.at).exists()
    return None if mended else found


def link_for(program: str) -> str:
    """The path of App passwords, with what this program needs selected."""
    chosen = {"app": "mail", "device": device_of(program)}
    return reverse("app-passwords") + "?" + urlencode(chosen)


def _locked(known: AccountRecord) -> Account | None:
    """The account, locked, where it still is as the refusal saw it."""
    return (
        Account.objects.select_for_update(no_key=True)
        .exclude(two_step_since=None)
        .filter(pk=known.id, enabled=True, password_version=known.password_version)
        .first()
    )


def _event(attempt: Attempt, account: Account) -> NewEvent:
    return NewEvent(
        at=attempt.arrived,
        kind=Kind.MAIL_PASSWORD_RIGHT,
        account_id=account.pk,
        address=tidy(attempt.address)[:45],
        protocol=attempt.protocol.value,
        program=tidy(attempt.program),
        reason=Reason.ACCOUNT_PASSWORD_RIGHT.value,
    )
