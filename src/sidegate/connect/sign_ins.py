"""Signing in to a mail server as mail programs do, to see what it answers."""

from __future__ import annotations

import contextlib
import imaplib
import poplib
import smtplib
import socket
import ssl
from collections.abc import Callable
from typing import NamedTuple

from sidegate.config.model import MailProtocol

PATIENCE = 12.0
"""Seconds: a refusal takes 2; a server that waits for its judge says nothing for 30 and more."""


class Target(NamedTuple):
    """One port on which people sign in."""

    service: str
    protocol: str
    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        return f"{self.service} on port {self.port}"


class Outcome(NamedTuple):
    """What became of one sign-in."""

    allowed: bool
    text: str = ""
    """The server's own words."""
    temporary: bool = False
    """It said that it cannot tell now, or nothing at all."""


def sign_in(target: Target, login: str, secret: str, *, source: str = "") -> Outcome:
    """Sign in once; `source` is the address to come from, where there is a choice."""
    try:
        return _BY_PROTOCOL[target.protocol](target, login, secret, source)
    except ConnectionRefusedError:
        return Outcome(allowed=False, text=f"nobody listens on port {target.port}", temporary=True)
    except TimeoutError:
        text = f"no answer within {PATIENCE:.0f} s"
        return Outcome(allowed=False, text=text, temporary=True)
    except _NOT_EVEN_ASKED as error:
        return Outcome(allowed=False, text=_text(str(error)), temporary=True)


# What ends a connection before a verdict; POP3's may come with the greeting.
_NOT_EVEN_ASKED = (
    OSError,
    EOFError,
    smtplib.SMTPException,
    imaplib.IMAP4.error,
    poplib.error_proto,
)


def _connected(target: Target, source: str) -> socket.socket:
    given = (source, 0) if source else None
    return socket.create_connection((target.host, target.port), PATIENCE, source_address=given)


def _tls() -> ssl.SSLContext:
    """Whether the certificate is good is no part of this: it is our own server, on this machine."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# IMAP ---------------------------------------------------------------------------------------


class _Imap(imaplib.IMAP4):
    def __init__(self, target: Target, source: str) -> None:
        self._target, self._source = target, source
        super().__init__(target.host, target.port, timeout=PATIENCE)

    def _create_socket(self, timeout: float | None) -> socket.socket:  # noqa: ARG002 - imaplib's
        made = _connected(self._target, self._source)
        return _tls().wrap_socket(made) if self._target.tls else made


def _imap(target: Target, login: str, secret: str, source: str) -> Outcome:
    client = _Imap(target, source)
    try:
        if not target.tls and "STARTTLS" in client.capabilities:
            client.starttls(_tls())
        _identify(client)
        client.authenticate("PLAIN", lambda _: f"\0{login}\0{secret}".encode())
        client.select(readonly=True)
        client.logout()
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        text = _text(error.args[0])
        return Outcome(allowed=False, text=text, temporary="[UNAVAILABLE]" in text)
    finally:
        with contextlib.suppress(OSError):  # closed by LOGOUT
            client.shutdown()
    return Outcome(allowed=True)


def _identify(client: imaplib.IMAP4) -> None:
    """Say who we are; nginx takes no ID, and goes on."""
    try:
        client.xatom("ID", '("name" "sidegate-check")')
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        pass


# POP3 ---------------------------------------------------------------------------------------


class _Pop3(poplib.POP3):
    def __init__(self, target: Target, source: str) -> None:
        self._target, self._source = target, source
        try:
            super().__init__(target.host, target.port, timeout=PATIENCE)
        except poplib.error_proto:
            self.close()  # poplib leaves it open where the greeting is bad
            raise

    def _create_socket(self, timeout: float) -> socket.socket:  # noqa: ARG002 - poplib's
        made = _connected(self._target, self._source)
        return _tls().wrap_socket(made) if self._target.tls else made


def _pop3(target: Target, login: str, secret: str, source: str) -> Outcome:
    client = _Pop3(target, source)
    try:
        if not target.tls and "STLS" in client.capa():
            client.stls(_tls())
        client.user(login)
        client.pass_(secret)
        client.stat()
        client.quit()
    except poplib.error_proto as error:
        text = _text(error.args[0])
        temporary = "[SYS/TEMP]" in text or "EOF" in text
        return Outcome(allowed=False, text=text, temporary=temporary)
    finally:
        client.close()
    return Outcome(allowed=True)


# Submission ---------------------------------------------------------------------------------


_PERMANENT = 500


class _Smtp(smtplib.SMTP):
    def __init__(self, target: Target, source: str) -> None:
        self._target, self._source = target, source
        super().__init__(timeout=PATIENCE, local_hostname="localhost")
        self._host = target.host  # for whom STARTTLS is

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002
        made = _connected(self._target, self._source)
        return _tls().wrap_socket(made) if self._target.tls else made


def _smtp(target: Target, login: str, secret: str, source: str) -> Outcome:
    client = _Smtp(target, source)
    try:
        client.connect(target.host, target.port)
        client.ehlo()
        if not target.tls and client.has_extn("starttls"):
            client.starttls(context=_tls())
            client.ehlo()
        if not client.has_extn("auth"):  # smtplib would take its 503 for a yes
            raise smtplib.SMTPNotSupportedError("no sign-in (AUTH) is offered on this port")
        client.user, client.password = login, secret
        client.auth("PLAIN", client.auth_plain)
        client.quit()
    except smtplib.SMTPAuthenticationError as error:
        text = f"{error.smtp_code} {_text(error.smtp_error)}"
        return Outcome(allowed=False, text=text, temporary=error.smtp_code < _PERMANENT)
    finally:
        client.close()
    return Outcome(allowed=True)


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "backslashreplace") if isinstance(said, bytes) else said


_BY_PROTOCOL: dict[str, Callable[[Target, str, str, str], Outcome]] = {
    "imap": _imap,
    "pop3": _pop3,
    "submission": _smtp,
}
PROTOCOLS: tuple[MailProtocol, ...] = ("imap", "pop3", "submission")
