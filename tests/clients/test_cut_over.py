"""A cut-over with real mail programs: what was ticked goes on, all else needs an app password."""

from __future__ import annotations

import imaplib
import json
import poplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from child import Child, running
from clients.desk import Desk, Person, desk_for
from clients.test_open_sessions import BOUND
from clients.ways import PATIENCE, imap, pop3

ELSEWHERE = "127.0.0.2"  # of loopback, each address is a network of its own


class ImapFromElsewhere(imaplib.IMAP4_SSL):
    """IMAP from another address of this machine."""

    def _create_socket(self, timeout: float | None) -> socket.socket:
        address = ("127.0.0.1", self.port)
        plain = socket.create_connection(address, timeout, source_address=(ELSEWHERE, 0))
        secure: ssl.SSLContext = self.ssl_context
        return secure.wrap_socket(plain, server_hostname=self.host)


@pytest.fixture
def lenient(data: Path) -> Iterator[Child]:
    """A Sidegate whose operator allows grace windows."""
    with running(data, more="[policy]\ngrace_days = 14\nrefusal_delay = 0.2") as child:
        yield child


@pytest.fixture
def desk(lenient: Child) -> Iterator[Desk]:
    with desk_for(lenient.data) as opened:
        yield opened


@contextmanager
def signed_in(client: imaplib.IMAP4, person: Person, program: str) -> Iterator[imaplib.IMAP4]:
    """A session of a program that names itself first."""
    try:
        client._simple_command("ID", f'("name" "{program}" "version" "128.0")')
        client.login(person.address, person.password)
        yield client
    finally:
        client.shutdown()


def until_seen(desk: Desk, person: Person, *programs: list[str]) -> None:
    """Sightings are written a moment after the sign-in."""
    deadline = time.monotonic() + PATIENCE
    while (seen := desk.ask("programs_seen", address=person.address)["programs"]) != [*programs]:
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)


def test_what_was_ticked_goes_on_until_it_is_ended(lenient: Child, desk: Desk) -> None:
    anna = desk.person()
    with signed_in(imap(lenient), anna, "Thunderbird"):
        until_seen(desk, anna, ["Thunderbird 128.0", "imap"])
    desk.ask("two_step_on", address=anna.address, go_on=True)

    with signed_in(imap(lenient), anna, "Thunderbird") as going_on:
        going_on.select()
        is_named(lenient, anna)
        all_else_is_refused(lenient, anna)
        assert going_on.noop()[0] == "OK"
        desk.ask("end_exceptions", address=anna.address)
        has_ended(going_on)
    is_refused(imap(lenient), anna, "Thunderbird")


def is_named(child: Child, anna: Person) -> None:
    shown = json.loads(child.command("account", "show", anna.address, "--json").stdout)
    [exception] = shown["two_step_exceptions"]
    assert (exception["program"], exception["protocols"]) == ("Thunderbird 128.0", ["imap"])
    words = child.command("account", "show", anna.address).stdout
    assert "Thunderbird 128.0 (imap) at 127.0.0.1, until" in words


def all_else_is_refused(child: Child, anna: Person) -> None:
    elsewhere = ImapFromElsewhere("localhost", child.ports["imaps"], ssl_context=child.tls)
    is_refused(elsewhere, anna, "Thunderbird")
    is_refused(imap(child), anna, "Mutt")
    client = pop3(child)
    client.user(anna.address)
    with pytest.raises(poplib.error_proto, match="app password"):
        client.pass_(anna.password)
    client.close()


def is_refused(client: imaplib.IMAP4, anna: Person, program: str) -> None:
    with (
        pytest.raises(imaplib.IMAP4.error, match="app password"),
        signed_in(client, anna, program),
    ):
        pass


def has_ended(session: imaplib.IMAP4) -> None:
    """It ends within the bound, with a last word such as "* BYE"."""
    assert session.sock is not None
    session.sock.settimeout(BOUND)
    with suppress(ConnectionError):
        while session.sock.recv(4096):
            pass
