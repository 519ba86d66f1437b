"""One mail sign-in from question to answer: read, decide, count, record, reply in time."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from sidegate.accounts.context import Context
from sidegate.decisions.mail import (
    AccountPasswordMode,
    AccountRecord,
    Facts,
    Missing,
    PasswordCheck,
    Policy,
    decide,
)
from sidegate.decisions.names import canonical
from sidegate.decisions.ports import Answer, Unavailable
from sidegate.decisions.throttle import Counters, Limits, network_of
from sidegate.decisions.words import Allow, Attempt, CannotTell, Reason, Refuse, Verdict, Why
from sidegate.events.catalogue import Kind, NewEvent, tidy
from sidegate.storage import counters
from sidegate.storage.background import Background
from sidegate.storage.fast_reader import FastReader, Found, Lookup
from sidegate.storage.worker import OUTAGES
from sidegate.storage.writer import Writer

log = logging.getLogger(__name__)

_NO_SUCH_ADDRESS = ""

# Refusals behind a right app password: nothing was guessed, so nothing is counted.
_NOT_COUNTED = frozenset(
    {
        Reason.APP_PASSWORD_REVOKED,
        Reason.APP_PASSWORDS_OFF,
        Reason.OUT_OF_SCOPE,
        Reason.ACCOUNT_DISABLED,
    }
)


class MailSignIn:
    """Implements `decisions.ports.SignIn` on the event loop it was made on.

    What an app password decides is answered from the reader's callback, with no task
    and no future; everything else goes on in a task of its own, so that a slow hash
    never delays a cheap check.
    """

    def __init__(
        self, ctx: Context, *, reader: FastReader, writer: Writer, background: Background
    ) -> None:
        self._ctx = ctx
        self._reader = reader
        self._writer = writer
        self._background = background
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        policy = ctx.config.policy
        self._policy = Policy(AccountPasswordMode(policy.account_password_for_mail), Limits())
        self._delay = policy.refusal_delay

    def submit(self, attempt: Attempt, answer: Answer) -> None:
        """Decide and answer, on the event loop."""
        address = canonical(attempt.login) or _NO_SUCH_ADDRESS
        reply = partial(self._found, attempt, answer)
        self._reader.submit(Lookup(address, attempt.secret, reply))

    async def close(self) -> None:
        """End what still waits with "cannot tell now"."""
        await asyncio.sleep(0)  # a task that never began would end without an answer
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _found(self, attempt: Attempt, answer: Answer, found: Found | Exception) -> None:
        if isinstance(found, Exception):
            self._finish(attempt, answer, CannotTell(Why.OUTAGE))
            return
        facts = Facts(*found)
        verdict = decide(attempt, facts, self._policy)
        if isinstance(verdict, Allow):
            self._finish(attempt, answer, verdict)
            return
        task = self._loop.create_task(self._slowly(attempt, answer, facts, verdict))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _slowly(
        self, attempt: Attempt, answer: Answer, facts: Facts, verdict: Verdict | Missing
    ) -> None:
        outage = CannotTell(Why.OUTAGE, facts.account.id if facts.account else None)
        try:
            settled = await self._settle(attempt, facts, verdict)
            if not isinstance(settled, Allow):
                await self._until_due(attempt, settled)
        except asyncio.CancelledError:
            settled = outage
        except Exception as problem:
            if not isinstance(problem, (Unavailable, *OUTAGES)):
                log.exception("a sign-in could not be decided")
            settled = outage
        self._finish(attempt, answer, settled)

    async def _settle(self, attempt: Attempt, facts: Facts, verdict: Verdict | Missing) -> Verdict:
        while isinstance(verdict, Missing):
            if verdict is Missing.COUNTERS:
                facts = facts._replace(counters=await self._counters(attempt, facts.account))
            else:
                facts = await self._judged(attempt, facts)
            verdict = decide(attempt, facts, self._policy)
        if isinstance(verdict, Refuse) and verdict.reason not in _NOT_COUNTED:
            await self._count(attempt)
        return verdict

    async def _counters(self, attempt: Attempt, account: AccountRecord | None) -> Counters:
        return await self._background.run(
            partial(
                counters.read,
                login=self._login_digest(attempt),
                account_id=account.id if account else None,
                network=network_of(attempt.address),
                now=self._ctx.now(),
            )
        )

    async def _judged(self, attempt: Attempt, facts: Facts) -> Facts:
        """The facts with the judge's word, and with the account as it is by then.

        A hash takes time, in which 2-step may be turned on or the password changed:
        what is stored when the sign-in comes in decides (rules 1 and 6).
        """
        password = await self._password(attempt, facts.account)
        if password is not PasswordCheck.RIGHT or facts.account is None:
            return facts._replace(password=password)
        account, app_password = await self._read(attempt)
        judged = account and account.password_version == facts.account.password_version
        return Facts(account, app_password, facts.counters, password if judged else None)

    async def _read(self, attempt: Attempt) -> Found:
        read: asyncio.Future[Found] = self._loop.create_future()

        def reply(found: Found | Exception) -> None:
            if read.done():
                return
            if isinstance(found, Exception):
                read.set_exception(found)
            else:
                read.set_result(found)

        address = canonical(attempt.login) or _NO_SUCH_ADDRESS
        self._reader.submit(Lookup(address, attempt.secret, reply))
        return await read

    async def _password(self, attempt: Attempt, account: AccountRecord | None) -> PasswordCheck:
        return await self._ctx.judge.check(
            account_id=account.id if account else None,
            password_hash=account.password_hash if account else "",
            password_version=account.password_version if account else 0,
            secret=attempt.secret,
        )

    async def _count(self, attempt: Attempt) -> None:
        key, login = self._ctx.keys.current, _counted_login(attempt)
        await self._background.run(
            partial(
                counters.add,
                login=self._login_digest(attempt),
                network=network_of(attempt.address),
                secret=counters.secret_digest(key=key, login=login, secret=attempt.secret),
                now=self._ctx.now(),
            )
        )

    def _login_digest(self, attempt: Attempt) -> bytes:
        return counters.login_digest(key=self._ctx.keys.current, login=_counted_login(attempt))

    async def _until_due(self, attempt: Attempt, verdict: Verdict) -> None:
        """Refusals leave at one fixed time after they arrived; so does "throttled"."""
        if isinstance(verdict, CannotTell) and verdict.why is not Why.THROTTLED:
            return
        waited = (self._ctx.now() - attempt.arrived) / 1000
        # Never longer than the delay, even where the clock was set back.
        await asyncio.sleep(self._delay - max(0.0, min(waited, self._delay)))

    def _finish(self, attempt: Attempt, answer: Answer, verdict: Verdict) -> None:
        try:
            answer(verdict)
        finally:
            self._writer.record(_event(attempt, verdict))


def _counted_login(attempt: Attempt) -> str:
    return canonical(attempt.login) or attempt.login


def _event(attempt: Attempt, verdict: Verdict) -> NewEvent:
    if isinstance(verdict, Allow):
        kind, reason, app_password_id = Kind.MAIL_ALLOWED, "", verdict.app_password_id
    elif isinstance(verdict, Refuse):
        kind, reason = Kind.MAIL_REFUSED, verdict.reason.value
        app_password_id = verdict.app_password_id
    else:
        kind, reason, app_password_id = Kind.MAIL_UNAVAILABLE, verdict.why.value, None
    return NewEvent(
        at=attempt.arrived,
        kind=kind,
        account_id=verdict.account_id,
        address=tidy(attempt.address)[:45] if attempt.address else "",
        protocol=attempt.protocol.value,
        program=tidy(attempt.program) if attempt.program else "",
        reason=reason,
        app_password_id=app_password_id,
    )
