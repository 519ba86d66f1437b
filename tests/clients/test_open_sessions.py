"""Mail sessions that are open when what opened them is taken away."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from child import Child
from clients.desk import Desk
from clients.ways import authenticate, imap, pop3, smtp

BOUND = 2.0
"""Seconds within which a session ends, by the contract."""


@dataclass
class Sessions:
    """One session of each protocol, the IMAP one in IDLE; all with one secret."""

    imap: imaplib.IMAP4
    pop3: poplib.POP3
    smtp: smtplib.SMTP

    def _sockets(self) -> dict[str, socket.socket]:
        sockets = {"imap": self.imap.sock, "pop3": self.pop3.sock, "smtp": self.smtp.sock}
        return {name: one for name, one in sockets.items() if one is not None}

    def all_end(self, *, but: str = "") -> None:
        deadline = time.monotonic() + BOUND
        for name, one in self._sockets().items():
            if name == but:
                continue
            one.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                while one.recv(4096):  # a last word, such as "* BYE"
                    pass
            except ConnectionError:
                pass
            except TimeoutError:
                raise AssertionError(f"{name} is still open") from None

    def all_live(self) -> None:
        self.imap.send(b"DONE\r\n")
        assert b"OK Idle completed" in self.imap.readline()
        assert self.imap.noop()[0] == "OK"
        assert self.pop3.noop().startswith(b"+OK")
        assert self.smtp.noop()[0] == 250


@contextmanager
def opened(child: Child, login: str, secret: str) -> Iterator[Sessions]:
    sessions = Sessions(imap(child), pop3(child), smtp(child))
    sessions.imap.login(login, secret)
    sessions.imap.select()
    sessions.imap.send(b"x IDLE\r\n")
    assert sessions.imap.readline().startswith(b"+ ")
    sessions.pop3.user(login)
    sessions.pop3.pass_(secret)
    authenticate(sessions.smtp, login, secret)
    try:
        yield sessions
    finally:
        sessions.imap.shutdown()
        sessions.pop3.close()
        sessions.smtp.close()


def test_a_revocation_ends_its_own_sessions_alone(child: Child, desk: Desk) -> None:
    anna, bert = desk.person(), desk.person()
    anna.turn_on()
    one, other = anna.app_password(), anna.app_password()
    with (
        opened(child, anna.address, one.secret) as ended,
        opened(child, anna.address, other.secret) as kept,
        opened(child, bert.address, bert.password) as foreign,
    ):
        child.command("app-password", "revoke", anna.address, str(one.id))
        ended.all_end()
        kept.all_live()
        foreign.all_live()


def test_a_protocol_that_is_taken_away_ends_its_own_sessions_alone(
    child: Child, desk: Desk
) -> None:
    anna = desk.person()
    anna.turn_on()
    key = anna.app_password()
    with (
        opened(child, anna.address, key.secret) as some,
        opened(child, anna.address, anna.app_password().secret) as kept,
    ):
        anna.may_do(key, "imap")
        some.all_end(but="imap")
        some.imap.send(b"DONE\r\n")
        assert b"OK Idle completed" in some.imap.readline()
        kept.all_live()


def test_turning_on_ends_the_sessions_of_the_account_password(child: Child, desk: Desk) -> None:
    anna, bert = desk.person(), desk.person()
    with (
        opened(child, anna.address, anna.password) as ended,
        opened(child, bert.address, bert.password) as foreign,
    ):
        anna.turn_on()
        ended.all_end()
        foreign.all_live()


def test_turning_off_ends_the_sessions_of_app_passwords(child: Child, desk: Desk) -> None:
    anna = desk.person()
    anna.turn_on()
    with opened(child, anna.address, anna.app_password().secret) as ended:
        child.command("account", "two-step", "off", anna.address)
        ended.all_end()
    with opened(child, anna.address, anna.password) as again:
        again.all_live()


def test_disabling_an_account_ends_everything(child: Child, desk: Desk) -> None:
    anna, bert = desk.person(), desk.person()
    anna.turn_on()
    with (
        opened(child, anna.address, anna.app_password().secret) as by_app_password,
        opened(child, bert.address, bert.password) as by_account_password,
    ):
        child.command("account", "disable", anna.address)
        by_app_password.all_end()
        child.command("account", "disable", bert.address)
        by_account_password.all_end()


def test_a_new_password_ends_what_the_old_one_opened(child: Child, desk: Desk) -> None:
    anna, bert = desk.person(), desk.person()
    anna.turn_on()
    with (
        opened(child, anna.address, anna.app_password().secret) as kept,
        opened(child, bert.address, bert.password) as ended,
    ):
        anna.change_password("another long password", keep=True)
        bert.change_password("another long password", keep=True)
        ended.all_end()
        kept.all_live()
