"""One mail sign-in from question to answer: read, decide, count, record, reply in time."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from sidegate.accounts import people, refusal_log
from sidegate.accounts.context import Context, Origin
from sidegate.accounts.enforcing import enforced
from sidegate.accounts.right_but_refused import SecondLooks
from sidegate.decisions.directory import Directory, Question
from sidegate.decisions.mail import (
    AccountPasswordMode,
    AccountRecord,
    Facts,
    Missing,
    PasswordCheck,
    Policy,
    decide,
)
from sidegate.decisions.names import MASTER_SEPARATOR, acting, canonical
from sidegate.decisions.ports import Answer, Unavailable
from sidegate.decisions.throttle import Counters, Limits, network_of
from sidegate.decisions.words import (
    Allow,
    Attempt,
    CannotTell,
    CredentialKind,
    Reason,
    Refuse,
    Verdict,
    Why,
)
from sidegate.events.catalogue import Kind, NewEvent, tidy
from sidegate.storage import counters
from sidegate.storage.background import Background
from sidegate.storage.fast_reader import FastReader, Found, Lookup
from sidegate.storage.outages import failures
from sidegate.storage.writer import Writer

log = logging.getLogger(__name__)

_NO_SUCH_ADDRESS = ""

# Refusals behind a right app password: nothing was guessed, so nothing is counted.
_NOT_COUNTED = frozenset(
    {
        Reason.APP_PASSWORD_REVOKED,
        Reason.APP_PASSWORD_EXPIRED,
        Reason.APP_PASSWORD_PAUSED,
        Reason.APP_PASSWORDS_OFF,
        Reason.OUT_OF_SCOPE,
        Reason.WRONG_NETWORK,
        Reason.ACCOUNT_DISABLED,
        Reason.NOT_MINE,
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
        self._second_looks = SecondLooks(ctx, background=background)
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        policy = ctx.config.policy
        self._directory = ctx.directory
        self._masters = frozenset(ctx.config.directory.masters)
        self._policy = Policy(
            AccountPasswordMode(policy.account_password_for_mail),
            Limits(),
            directory=ctx.directory is not None,
            enforced=enforced(ctx.config),
            grace=policy.grace_days > 0,
        )
        self._delay = policy.refusal_delay

    def submit(self, attempt: Attempt, answer: Answer) -> None:
        """Decide and answer, on the event loop."""
        if self._directory is None:
            address, master = canonical(attempt.login), ""
        else:
            address, master = acting(attempt.login, attempt.authzid, self._masters)
        address = address or _NO_SUCH_ADDRESS
        reply = partial(self._found, attempt, answer, address, master)
        self._reader.submit(Lookup(address, attempt.secret, reply))

    async def close(self) -> None:
        """End what still waits with "cannot tell now"."""
        await asyncio.sleep(0)  # a task that never began would end without an answer
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._second_looks.close()

    def _found(
        self, attempt: Attempt, answer: Answer, name: str, master: str, found: Found | Exception
    ) -> None:
        if isinstance(found, Exception):
            self._finish(attempt, answer, CannotTell(Why.OUTAGE))
            return
        facts = Facts(*found)
        if self._directory is not None:
            facts = facts._replace(name=name, master=master)
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
        settled: Verdict
        guess = False
        try:
            facts, settled = await self._settle(attempt, facts, verdict)
            guess = await self._guessed(attempt, facts, settled)
            if not isinstance(settled, Allow):
                await self._until_due(attempt, settled)
        except asyncio.CancelledError:
            settled = outage
        except Exception as problem:
            if not isinstance(problem, (Unavailable, *failures())):
                log.exception("a sign-in could not be decided")
            settled = outage
        self._finish(attempt, answer, settled)
        # The reply has left: nothing of what follows is to be seen in it.
        if isinstance(settled, Refuse):
            _tell(attempt, facts, settled, guess=guess)
        login = _counted_login(attempt, facts)
        self._second_looks.consider(attempt, facts, settled, login=login)

    async def _settle(
        self, attempt: Attempt, facts: Facts, verdict: Verdict | Missing
    ) -> tuple[Facts, Verdict]:
        while isinstance(verdict, Missing):
            facts = await self._learned(attempt, facts, verdict)
            verdict = decide(attempt, facts, self._policy)
        return facts, verdict

    async def _guessed(self, attempt: Attempt, facts: Facts, verdict: Verdict) -> bool:
        """Count it where something may have been guessed; whether it is news, and a stranger's."""
        if not isinstance(verdict, Refuse) or not _counts(verdict):
            return False
        new = await self._count(attempt, facts)
        return new and not (facts.counters and facts.counters.familiar)

    async def _learned(self, attempt: Attempt, facts: Facts, missing: Missing) -> Facts:
        if missing is Missing.COUNTERS:
            return facts._replace(counters=await self._counters(attempt, facts))
        if self._directory is None:
            return await self._judged(attempt, facts)
        return await self._learned_there(self._directory, attempt, facts, missing)

    async def _learned_there(
        self, directory: Directory, attempt: Attempt, facts: Facts, missing: Missing
    ) -> Facts:
        """The facts with one that the operator's directory gives."""
        if missing is Missing.PRESENCE:
            seen = await directory.look_up(_question(attempt, facts, secret=""))
            return facts._replace(presence=seen.presence, answered=seen.name)
        if missing is Missing.NAME:
            found = await self._read(attempt, facts.answered)
            followed = facts.followed + 1
            return Facts(*found, name=facts.answered, followed=followed, master=facts.master)
        if missing is Missing.PASSWORD:
            judged = await directory.judge(_question(attempt, facts, secret=attempt.secret))
            facts = facts._replace(password=judged.check, answered=judged.name)
            if judged.check is not PasswordCheck.RIGHT or judged.name != facts.name:
                return facts
            if facts.master:
                return facts  # no password of the account's own: nothing that it could change
        else:
            origin = Origin(by="owner", address=attempt.address, program=attempt.program)
            await self._background.run(
                partial(people.ensure, self._ctx, name=facts.name, origin=origin)
            )
        # As it is by now: 2-step may have been turned on meanwhile (rules 1 and 6).
        account, app_password = await self._read(attempt, facts.name)
        return facts._replace(account=account, app_password=app_password)

    async def _counters(self, attempt: Attempt, facts: Facts) -> Counters:
        account = facts.account
        return await self._background.run(
            partial(
                counters.read,
                login=self._login_digest(attempt, facts),
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
        address = canonical(attempt.login) or _NO_SUCH_ADDRESS
        account, app_password = await self._read(attempt, address)
        judged = account and account.password_version == facts.account.password_version
        return Facts(account, app_password, facts.counters, password if judged else None)

    async def _read(self, attempt: Attempt, address: str) -> Found:
        read: asyncio.Future[Found] = self._loop.create_future()

        def reply(found: Found | Exception) -> None:
            if read.done():
                return
            if isinstance(found, Exception):
                read.set_exception(found)
            else:
                read.set_result(found)

        self._reader.submit(Lookup(address, attempt.secret, reply))
        return await read

    async def _password(self, attempt: Attempt, account: AccountRecord | None) -> PasswordCheck:
        return await self._ctx.judge.check(
            account_id=account.id if account else None,
            password_hash=account.password_hash if account else "",
            password_version=account.password_version if account else 0,
            secret=attempt.secret,
        )

    async def _count(self, attempt: Attempt, facts: Facts) -> bool:
        key, login = self._ctx.keys.current, _counted_login(attempt, facts)
        return await self._background.run(
            partial(
                counters.add,
                login=self._login_digest(attempt, facts),
                network=network_of(attempt.address),
                secret=counters.secret_digest(key=key, login=login, secret=attempt.secret),
                now=self._ctx.now(),
            )
        )

    def _login_digest(self, attempt: Attempt, facts: Facts) -> bytes:
        login = _counted_login(attempt, facts)
        return counters.login_digest(key=self._ctx.keys.current, login=login)

    async def _until_due(self, attempt: Attempt, verdict: Verdict) -> None:
        """Refusals leave at one fixed time after they arrived; so does "throttled"."""
        if isinstance(verdict, CannotTell) and verdict.why is not Why.THROTTLED:
            return
        if _passes_on(verdict):
            return
        waited = (self._ctx.now() - attempt.arrived) / 1000
        delay = self._delay
        if self._directory is not None:
            # Its own refusals take their time: what was not asked there must not leave before.
            delay = max(delay, self._directory.refusals_take)
        # Never longer than the delay, even where the clock was set back.
        await asyncio.sleep(delay - max(0.0, min(waited, delay)))

    def _finish(self, attempt: Attempt, answer: Answer, verdict: Verdict) -> None:
        try:
            answer(verdict)
        finally:
            if not _passes_on(verdict):
                self._writer.record(_event(attempt, verdict))


def _counted_login(attempt: Attempt, facts: Facts) -> str:
    if facts.master:  # whoever guesses it is counted wherever it is tried
        return MASTER_SEPARATOR + facts.master
    return facts.name or canonical(attempt.login) or attempt.login


def _counts(refused: Refuse) -> bool:
    """Whether something may have been guessed: behind a right app password nothing was."""
    return refused.app_password_id is None and refused.reason not in _NOT_COUNTED


def _tell(attempt: Attempt, facts: Facts, refused: Refuse, *, guess: bool) -> None:
    refusal_log.tell(
        address=attempt.address,
        protocol=attempt.protocol.value,
        guess=guess,
        reason=refused.reason,
        account=facts.account.address if facts.account else "",
    )


def _passes_on(verdict: Verdict) -> bool:
    """Whether somebody else decides: then nothing happened here yet."""
    return isinstance(verdict, Refuse) and verdict.reason is Reason.NOT_MINE


def _question(attempt: Attempt, facts: Facts, *, secret: str) -> Question:
    return Question(
        name=facts.name,
        secret=secret,
        protocol=attempt.service or attempt.protocol.value,
        address=attempt.address,
        session=attempt.session,
        tls=attempt.tls,
        master=facts.master,
    )


def _event(attempt: Attempt, verdict: Verdict) -> NewEvent:
    if isinstance(verdict, Allow):
        kind, reason, app_password_id = Kind.MAIL_ALLOWED, "", verdict.app_password_id
        if verdict.credential is CredentialKind.MASTER:
            kind = Kind.MAIL_MASTER
        elif verdict.window_id is not None:
            kind = Kind.MAIL_GRACE
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
        mechanism=attempt.mechanism,
    )
