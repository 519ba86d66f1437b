"""The operator's own Dovecot as the judge of account passwords, and as the list of users."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sidegate.config import Endpoint
from sidegate.decisions.directory import Home, Judged, Question, Seen
from sidegate.decisions.mail import PasswordCheck, Presence
from sidegate.decisions.names import canonical_name
from sidegate.decisions.own_questions import OwnQuestions
from sidegate.decisions.ports import Unavailable
from sidegate.directory.asking import Asking, TooMuch
from sidegate.wire import dovecot_auth_client as wire

log = logging.getLogger(__name__)

T = TypeVar("T")

PATIENCE = 8.0
"""Seconds for an answer: Postfix waits ten for ours."""
MOST = 1024
"""Questions that may wait on a connection; a refusal waits there for some 2 s."""
_LONGEST_REFUSAL = 6.0
_FADES = 0.98
_NO_LOOKUPS = "support credentials lookups"
"""What Dovecot says where no passdb can tell of a user without her password."""

_FAILED_CODES = {
    "temp_fail": PasswordCheck.OUTAGE,
    "pass_expired": PasswordCheck.EXPIRED,
    # `user_disabled` may be said before the password was looked at: no more than wrong.
}


class DovecotDirectory:
    """Implements `decisions.directory.Directory`; nothing that it hears is remembered.

    It lives on one event loop: that of `serve` after `attach`, one of its own in a
    program that has none. The blocking forms may be called from any other thread.
    """

    def __init__(
        self,
        *,
        auth: Endpoint,
        userdb: Endpoint,
        own: OwnQuestions | None = None,
        now: Callable[[], int] = lambda: 0,
        patience: float = PATIENCE,
    ) -> None:
        self._endpoints = (auth, userdb)
        self._own = own
        self._now = now
        self._patience = patience
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._passwords: Asking | None = None
        self._users: Asking | None = None
        self._refusals_take = 0.0
        self._told_proxy = False

    # Life ---------------------------------------------------------------------------------

    def attach(self) -> None:
        """Live on the running event loop from now on."""
        self._loop = asyncio.get_running_loop()
        auth, userdb = self._endpoints
        self._passwords = Asking(
            auth,
            greeting=_client_greeting,
            handshake=wire.password_handshake,
            most=MOST,
            patience=self._patience,
        )
        self._users = Asking(
            userdb,
            greeting=wire.master_greeting,
            handshake=wire.lookup_handshake,
            most=MOST,
            patience=self._patience,
        )

    async def close(self) -> None:
        """End the connections; what waits is told that it cannot be told now."""
        with self._lock:
            self._loop = None
            ended, self._passwords, self._users = (self._passwords, self._users), None, None
        for asking in ended:
            if asking is not None:
                asking.close()

    @property
    def refusals_take(self) -> float:
        """Seconds that its slowest refusals took lately, at most `_LONGEST_REFUSAL`."""
        return self._refusals_take

    # Questions ----------------------------------------------------------------------------

    async def look_up(self, question: Question) -> Seen:
        """Ask userdb and passdb at once; neither needs the secret.

        The passdb's name counts before the userdb's: it is whom a password would let in.
        """
        asked = (self._find(word, question.name, question.protocol) for word in ("USER", "PASS"))
        try:
            user, passwd = await asyncio.gather(*asked)
        except wire.CannotAsk:
            return Seen(Presence.GONE, question.name)
        except TooMuch:
            return Seen(Presence.BUSY, question.name)
        except Unavailable:
            return Seen(Presence.OUTAGE, question.name)
        return self._seen(question, user, passwd)

    async def judge(self, question: Question) -> Judged:
        """Ask whether the secret is right; a yes with a condition is no yes."""
        started = time.monotonic()
        asked = self._marked(question)
        try:
            answer = await self._asking(self._passwords).ask(lambda number: _auth(number, asked))
        except wire.CannotAsk:
            return Judged(PasswordCheck.WRONG, question.name)
        except TooMuch:
            return Judged(PasswordCheck.BUSY, question.name)
        except Unavailable:
            return Judged(PasswordCheck.OUTAGE, question.name)
        check = self._check(answer)
        if check is PasswordCheck.WRONG:
            self._refused_after(time.monotonic() - started)
            return Judged(check, question.name)
        return Judged(check, _name(answer.name(), question.name))

    async def home(self, name: str, protocol: str) -> Home | None:
        """The mailbox of a user, with every field that her userdb has for it."""
        try:
            answer = await self._find("USER", name, protocol)
        except wire.CannotAsk:
            return None
        if answer.command == "NOTFOUND":
            return None
        if answer.command != "USER" or not answer.parameters:
            raise Unavailable("the directory could not look the user up")
        told = wire.text(answer.parameters[0])
        return Home(told, answer.parameters[1:])

    def look_up_blocking(self, question: Question) -> Seen:
        """The same, for a thread that may wait."""
        return self._blocking(self.look_up(question), Seen(Presence.OUTAGE, question.name))

    def judge_blocking(self, question: Question) -> Judged:
        """The same, for a thread that may wait."""
        return self._blocking(self.judge(question), Judged(PasswordCheck.OUTAGE, question.name))

    # What answers mean ----------------------------------------------------------------------

    def _seen(  # noqa: PLR0911 - a table, one return a row
        self, question: Question, user: wire.Answer, passwd: wire.Answer
    ) -> Seen:
        shows = passwd.command == "PASS"
        if passwd.command == "NOTFOUND":
            return Seen(Presence.GONE, question.name)
        if passwd.command == "FAIL" and _NO_LOOKUPS not in (passwd.field("reason") or ""):
            return Seen(Presence.OUTAGE, question.name)
        if user.command not in ("USER", "NOTFOUND"):
            return Seen(Presence.OUTAGE, question.name)
        name = _name(passwd.name(), question.name)
        if name == question.name:
            name = _name(_user_name(user), question.name)
        if name != question.name:
            return Seen(Presence.HERE, name, shows)  # to be looked up under that one
        if user.command == "NOTFOUND":
            return Seen(Presence.GONE, question.name, shows)
        if shows and passwd.says("proxy"):
            self._tell_proxy()
            return Seen(Presence.OUTAGE, name)
        if shows and passwd.says("nologin"):
            return Seen(Presence.DISABLED, name)
        return Seen(Presence.HERE, name, shows)

    def _check(  # noqa: PLR0911 - a table, one return a row
        self, answer: wire.Answer
    ) -> PasswordCheck:
        if answer.command == "OK":
            if answer.says("proxy"):  # whose password is often not looked at here
                self._tell_proxy()
                return PasswordCheck.OUTAGE
            if answer.says("nologin"):
                return PasswordCheck.DISABLED
            if answer.says("pass_expired"):
                return PasswordCheck.EXPIRED
            return PasswordCheck.RIGHT
        if answer.command != "FAIL":
            return PasswordCheck.OUTAGE
        if answer.says("temp"):  # before Dovecot 2.3 had codes
            return PasswordCheck.OUTAGE
        return _FAILED_CODES.get(answer.field("code") or "", PasswordCheck.WRONG)

    def _tell_proxy(self) -> None:
        if not self._told_proxy:
            self._told_proxy = True
            log.warning("the directory passes users on to another server (proxy): not supported")

    def _refused_after(self, seconds: float) -> None:
        slowest = max(seconds, self._refusals_take * _FADES)
        self._refusals_take = min(slowest, _LONGEST_REFUSAL)

    # Asking ---------------------------------------------------------------------------------

    def _marked(self, question: Question) -> Question:
        """The question that we know again, where its Lua passdb asks us."""
        if self._own is None:
            return question
        session = self._own.marked(
            question.session, login=question.name, secret=question.secret, now=self._now()
        )
        return question._replace(session=session)

    async def _find(self, command: str, name: str, service: str) -> wire.Answer:
        return await self._asking(self._users).ask(
            lambda number: wire.lookup(number, command, name=name, service=service)
        )

    def _asking(self, asking: Asking | None) -> Asking:
        if asking is None:
            raise Unavailable("the directory is not in use")
        return asking

    def _blocking(self, question: Coroutine[Any, Any, T], otherwise: T) -> T:
        with self._lock:
            loop = self._loop or self._own_loop()
        waiting = asyncio.run_coroutine_threadsafe(question, loop)
        try:
            return waiting.result(2 * self._patience + 4)
        except TimeoutError:
            waiting.cancel()
            return otherwise

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, name="directory", daemon=True).start()

        async def live() -> None:
            self.attach()

        asyncio.run_coroutine_threadsafe(live(), loop).result()
        return loop


def _client_greeting() -> bytes:
    # Of two connections with one number Dovecot ends the first.
    return wire.client_greeting(process=secrets.randbelow(2**31 - 2) + 1)


def _auth(number: int, question: Question) -> bytes:
    return wire.auth(
        number,
        login=question.name,
        secret=question.secret,
        master=question.master,
        service=question.protocol,
        address=question.address,
        session=question.session,
        secured=question.tls,
    )


def _name(told: str | None, asked: str) -> str:
    """The canonical form of what the directory calls the user; nothing said, nothing changed."""
    return (canonical_name(told) or "") if told else asked


def _user_name(user: wire.Answer) -> str | None:
    return wire.text(user.parameters[0]) if user.command == "USER" and user.parameters else None
