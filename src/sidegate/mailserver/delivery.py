"""Takes mail from the private Dovecot's submission, and delivers it to local accounts alone.

Dovecot 2.3 tells who submits by `XCLIENT LOGIN=` (submission_relay_trusted); it counts only
when the secret of this run follows, so nothing else on this machine can submit.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sidegate.decisions.names import canonical
from sidegate.decisions.ports import Mailbox, MaySend, Sending, Unavailable
from sidegate.decisions.relay import RELAY_USER, app_password_of
from sidegate.mailserver import lmtp, message
from sidegate.mailserver.dovecot_conf import MAX_MESSAGE, MAX_RECIPIENTS, Relay

Find = Callable[[str], Awaitable[Mailbox | None]]

ELSEWHERE = (
    "550 5.7.1 this server delivers only to its own accounts; "
    "connect your own mail server to send elsewhere"
)
AWAY = "451 4.3.0 accounts cannot be looked up now; try again later"
TOO_MANY = f"452 4.5.3 at most {MAX_RECIPIENTS} recipients a message"
ONE_RECIPIENT = "550 5.7.1 a message without a sender address goes to one recipient only"

ANYTHING = MaySend(sender="", daily_most=None)

NULL_SENDER = "<>"
"""How the library names an empty envelope sender."""

GONE = "550 5.7.1 this app password may send nothing any more"
RECEIVED_ROOM = 64 * 1024
"""Bytes for the Received line that Dovecot puts before a message."""

MAX_LINE = 64 * 1024
"""Bytes in a line of a message: far above RFC 5321's 1000, as programs send such."""

IDLE = 1800.0
"""Seconds without a command after which a connection ends; Dovecot itself keeps them shorter."""

THREADS = 4
"""How many messages are in memory, and on their way to LMTP, at a time."""

CALLS = {"*": 20, "AUTH": 3, "MAIL": 5000, "RCPT": 50_000, "DATA": 5000, "RSET": 10_000}
"""How often a command may come on one connection."""

_XTEXT = re.compile(r"\+([0-9A-Fa-f]{2})")
_AUTH_PARAMETER = re.compile(r"\sAUTH=\S*", re.IGNORECASE)

log = logging.getLogger(__name__)


class Delivery:
    """The SMTP server behind Dovecot's submission, on loopback."""

    def __init__(self, *, find: Find, sending: Sending, lmtp_socket: Path) -> None:
        self._find = find
        self.sending = sending
        self._lmtp_socket = lmtp_socket
        self._secret = secrets.token_urlsafe(32)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="lmtp")
        self.slots = asyncio.Semaphore(THREADS)
        """Held while a message is in memory. Dovecot has all of it before it comes here."""
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def start(self) -> Relay:
        """Listen, and return what Dovecot needs to know."""
        # At its lower levels the library logs whole messages, and warns of its own habits.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return Relay(host="127.0.0.1", port=port, user=RELAY_USER, secret=self._secret)

    async def stop(self) -> None:
        """Stop listening and drop what is open; a message under way is not acknowledged."""
        if self._server is not None:
            self._server.close()
        await asyncio.gather(
            *(connection.drop() for connection in self._connections), return_exceptions=True
        )
        self._threads.shutdown(wait=False, cancel_futures=True)

    def is_relay(self, login: bytes, secret: bytes) -> bool:
        """Whether this is our own Dovecot."""
        user = login.decode("ascii", "replace")
        named = user == RELAY_USER or app_password_of(user) is not None
        return hmac.compare_digest(secret, self._secret.encode()) and named

    async def mailbox(self, address: str) -> Mailbox | None:
        """Look up the local account behind an address."""
        return await self._find(address)

    async def hand_over(self, *, sender: str, recipients: list[str], content: bytes) -> str:
        """Deliver; the SMTP reply says what became of it."""

        def deliver() -> str:
            return lmtp.hand_over(
                self._lmtp_socket, sender=sender, recipients=recipients, content=content
            )

        return await asyncio.get_running_loop().run_in_executor(self._threads, deliver)

    def _connection(self) -> _Connection:
        connection = _Connection(self)
        self._connections.add(connection)
        return connection

    def forget(self, connection: _Connection) -> None:
        """Let go of a connection that has ended."""
        self._connections.discard(connection)


class _Connection(SMTP):
    """One connection of Dovecot's submission: one submitting account."""

    line_length_limit = MAX_LINE

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._submission = _Submission(delivery)
        super().__init__(
            self._submission,
            loop=asyncio.get_running_loop(),
            data_size_limit=MAX_MESSAGE + RECEIVED_ROOM,
            hostname="localhost",
            ident="Sidegate",
            timeout=IDLE,
            authenticator=self._submission.authenticate,
            auth_require_tls=False,
            auth_exclude_mechanism=["LOGIN"],
            command_call_limit=CALLS,
        )

    async def drop(self) -> None:
        """End the connection and wait until nothing of it runs."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
        if self._handler_coroutine is not None:
            await self._handler_coroutine

    def connection_lost(self, error: Exception | None) -> None:
        """Let go of the connection."""
        self._delivery.forget(self)
        super().connection_lost(error)

    async def check_auth_needed(self, caller_method: str) -> bool:  # noqa: ARG002 - the library's
        """Refuse what needs the relay's sign-in (the library's own switch warns about TLS)."""
        if self._submission.account is not None:
            return False
        await self.push("530 5.7.0 only the private Dovecot submits here")
        return True

    async def smtp_XCLIENT(self, arg: str | None) -> None:  # noqa: N802 - named by the command
        """Take who submits; it counts only when the relay signs in after it."""
        if self._submission.account is not None:
            await self.push("503 5.5.1 too late")
            return
        words = [word.partition("=") for word in (arg or "").split()]
        logins = [value for key, _, value in words if key.upper() == "LOGIN"]
        self._submission.login = _from_xtext(logins[0]) if len(logins) == 1 else None
        await self.push("220 localhost ESMTP")

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - named by the command
        """Dovecot adds AUTH= (RFC 4954, 5), which the library does not know."""
        await super().smtp_MAIL(_AUTH_PARAMETER.sub("", arg) if arg else arg)

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - named by the command
        """Take a message when there is room for it."""
        async with self._delivery.slots:
            await super().smtp_DATA(arg or "")

    async def smtp_VRFY(self, arg: str | None) -> None:  # noqa: N802, ARG002 - the library's
        """Answer everything alike."""
        await self.push("252 2.5.0 send a message and see")


def _from_xtext(text: str) -> str | None:
    """Read a value of XCLIENT: +XX stands for what is not plain (RFC 3461, 4)."""
    try:
        plain = _XTEXT.sub(lambda found: chr(int(found[1], 16)), text)
        return canonical(plain.encode("latin-1").decode())
    except UnicodeError:
        return None


class _Submission:
    """What one account submits on one connection; the handle_ methods are the library's hooks."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self.login: str | None = None
        """Who XCLIENT says it is."""
        self.account: str | None = None
        """The same, once the relay has signed in."""
        self.app_password_id: int | None = None
        """The app password that sends, where it is one."""
        self._may = ANYTHING

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object
    ) -> AuthResult:
        """Let only our own Dovecot in, and only for somebody."""
        if not isinstance(given, LoginPassword) or self.login is None:
            return AuthResult(success=False, handled=False)
        if not self._delivery.is_relay(given.login, given.password):
            return AuthResult(success=False, handled=False)
        self.account = self.login
        self.app_password_id = app_password_of(given.login.decode("ascii", "replace"))
        return AuthResult(success=True)

    async def handle_EHLO(  # noqa: N802 - named by the command
        self,
        _server: SMTP,
        session: Session,
        _envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        more = ["250-ENHANCEDSTATUSCODES", "250-PIPELINING", "250-XCLIENT LOGIN"]
        return [*responses[:-1], *more, responses[-1]]

    async def handle_MAIL(  # noqa: N802 - named by the command
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        # A receipt (RFC 8098) has no sender; its From is checked like any other's.
        if address != NULL_SENDER and canonical(address) != self.account:
            return f"550 5.7.1 you are signed in as {_ascii(self.account)}: send as that address"
        try:
            may = await self._limits()
        except Unavailable:
            return AWAY
        if may is None:
            return GONE
        if address != NULL_SENDER and may.sender and not message.same(address, may.sender):
            return f"550 5.7.1 this app password sends as {_ascii(may.sender)} alone"
        self._may = may
        envelope.mail_from = address
        return "250 2.1.0 sender ok"

    async def handle_RCPT(  # noqa: N802 - named by the command
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return TOO_MANY
        if envelope.mail_from == NULL_SENDER and envelope.rcpt_tos:
            return ONE_RECIPIENT
        try:
            mailbox = await self._delivery.mailbox(address)
        except Unavailable:
            return AWAY
        if mailbox is None:
            return ELSEWHERE
        if mailbox.user not in envelope.rcpt_tos:
            envelope.rcpt_tos.append(mailbox.user)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(  # noqa: N802 - named by the command
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        if not isinstance(content, bytes) or self.account is None or envelope.mail_from is None:
            raise TypeError("the library has changed")
        refused = message.refusal(content, self.account, sender=self._may.sender)
        if refused is not None:
            return _ascii(refused)
        recipients = [name for name in envelope.rcpt_tos if name is not None]
        sender = "" if envelope.mail_from == NULL_SENDER else envelope.mail_from
        try:
            return await self._within_the_day(sender, recipients, content)
        except Unavailable:
            return AWAY

    async def _limits(self) -> MaySend | None:
        if self.app_password_id is None:
            return ANYTHING
        return await self._delivery.sending.may_send(self.app_password_id)

    async def _within_the_day(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Deliver, counted where it is limited; what was not delivered is not counted."""
        most, messages, by = self._may.daily_most, len(recipients), self.app_password_id
        counted = by is not None and most is not None
        if by is not None and most is not None:
            if messages > most:
                return f"550 5.7.1 this app password sends at most {most} messages a day"
            if not await self._delivery.sending.take(by, messages=messages):
                return f"452 4.7.1 this app password has sent its {most} messages of today (UTC)"
        reply = await self._delivery.hand_over(
            sender=sender, recipients=recipients, content=content
        )
        if by is not None and counted and not reply.startswith("2"):
            await self._delivery.sending.give_back(by, messages=messages)
        return reply

    async def handle_RSET(  # noqa: N802 - named by the command
        self, _server: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        return "250 2.0.0 ok"

    async def handle_exception(self, error: Exception) -> str:
        log.error("local delivery failed", exc_info=error)
        return "451 4.3.0 something went wrong here; try again later"


def _ascii(text: str | None) -> str:
    """Keep a reply to what SMTP without SMTPUTF8 can say."""
    return (text or "").encode("ascii", "replace").decode()
