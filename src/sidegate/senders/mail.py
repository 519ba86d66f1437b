"""Messages to owners: plain text, built by the standard library, handed to a mail server."""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import NamedTuple

from sidegate.config import MailRelay
from sidegate.decisions.ports import NotTaken, Unavailable

PATIENCE = 20.0
"""Seconds to wait for any one answer."""

_PERMANENT = range(500, 600)


class Letter(NamedTuple):
    """One message. Nothing that a stranger wrote belongs into what becomes a header."""

    sender_name: str
    sender: str
    to: str
    subject: str
    body: str
    language: str
    at: int
    """Milliseconds since the epoch, UTC."""
    message_id: str
    """Without its angle brackets; the same when the same message is sent once more."""


def compose(letter: Letter) -> bytes:
    """The message as it travels (RFC 5322), in lines that any server takes."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(letter.sender_name, addr_spec=letter.sender)
    message["To"] = Address(addr_spec=letter.to)
    message["Subject"] = letter.subject
    message["Date"] = datetime.fromtimestamp(letter.at / 1000, UTC)
    message["Message-ID"] = f"<{letter.message_id}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834, 5: nobody answers it by a machine
    # Says the same to those that never learned that one.
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(letter.body, cte="quoted-printable")
    message["Content-Language"] = letter.language  # RFC 3282; set_content drops an earlier one
    return message.as_bytes()


class SmtpSender:
    """Implements `decisions.ports.MailSender` by an SMTP server (RFC 5321)."""

    def __init__(
        self, relay: MailRelay, *, sender: str, user: str, password: str, patience: float = PATIENCE
    ) -> None:
        self._relay = relay
        self._sender = sender
        self._user = user
        self._password = password
        self._patience = patience

    def send(self, *, to: str, content: bytes) -> None:
        """Hand a message over; raises `Unavailable` (try later) or `NotTaken`."""
        try:
            with self._connected() as server:
                if self._user:
                    server.login(self._user, self._password)
                server.sendmail(self._sender, [to], content)
        except smtplib.SMTPRecipientsRefused as refused:
            code, _text = next(iter(refused.recipients.values()))
            raise _problem(code) from None
        except smtplib.SMTPAuthenticationError:
            # Mended by the operator, not by another message: what waits is sent then.
            raise Unavailable("the mail server refuses the user of [notices]") from None
        except smtplib.SMTPResponseException as answered:
            raise _problem(answered.smtp_code) from None
        except (OSError, smtplib.SMTPException) as problem:
            raise Unavailable(f"the mail server is away: {type(problem).__name__}") from None

    def _connected(self) -> smtplib.SMTP:
        host, port, security = self._relay
        if security == "TLS":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(host, port, timeout=self._patience, context=context)
        server = smtplib.SMTP(host, port, timeout=self._patience)
        if security == "STARTTLS":
            try:
                server.starttls(context=ssl.create_default_context())
            except BaseException:
                server.close()
                raise
        return server


def _problem(code: int) -> Unavailable | NotTaken:
    text = f"the mail server answers {code}"
    return NotTaken(text) if code in _PERMANENT else Unavailable(text)
