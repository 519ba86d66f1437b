"""Sessions on an operator's own Dovecot that end when what opened them is taken away."""

from __future__ import annotations

import asyncio
import imaplib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from child import running
from clients.desk import desk_for
from clients.ways import imap
from connect import pages
from connect.connected import House, connect_all, lines
from connect.her_dovecot import ANNA, BERT, her_dovecot
from connect.house import Tables, configure, open_folder
from sidegate.decisions.ports import Unavailable
from sidegate.directory.doveadm import Doveadm

BOUND = 3.0
"""Seconds: what a session that is younger than a second waits for, and the watch's bound."""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root")

KEY = "a key for the test"
MAY_END_NOTHING = ("setpriv", "--bounding-set=-kill", sys.executable, "-m", "sidegate")
"""Root that may signal no other user's process: what another user, or a container, is."""


@contextmanager
def connected(program: Sequence[str], *, told: bool) -> Iterator[House]:
    with open_folder() as folder, her_dovecot(folder) as dovecot:
        data = folder / "data"
        connect_all(dovecot, data)
        if told:
            places = {**dovecot.places(), "KEY": KEY}
            found = [one.placed(places) for one in pages.blocks("dovecot", "Open connections")]
            settings: Tables = {}
            for block in found:
                if block.language == "toml":
                    settings = pages.settings(block)
                else:
                    pages.obey(block)
            sidegate = next(one for one in lines(dovecot) if one.language == "toml")
            configure(data, {**pages.settings(sidegate), **settings})
        with running(data, program=program) as child, desk_for(data) as desk:
            yield House(dovecot, child, desk)


@contextmanager
def idle(house: House, login: str, secret: str) -> Iterator[imaplib.IMAP4]:
    client = imap(house.mail)
    client.login(login, secret)
    client.select()
    client.send(b"x IDLE\r\n")
    assert client.readline().startswith(b"+ ")
    try:
        yield client
    finally:
        with suppress(OSError):
            client.shutdown()


def ends(client: imaplib.IMAP4, *, within: float = BOUND) -> bool:
    client.sock.settimeout(within)
    try:
        while client.sock.recv(4096):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def test_as_root_beside_it_each_session_ends_alone(house: House) -> None:
    anna = house.person(ANNA)
    anna.turn_on()
    one, other = anna.app_password(), anna.app_password()
    with idle(house, ANNA, one.secret) as ended, idle(house, ANNA, other.secret) as kept:
        anna.revoke(one)
        assert ends(ended)
        assert not ends(kept, within=1)


@pytest.fixture(scope="module")
def told() -> Iterator[House]:
    with connected(MAY_END_NOTHING, told=True) as made:
        yield made


def test_told_by_doveadm_the_account_is_disconnected_and_its_other_programs_come_back(
    told: House,
) -> None:
    anna, bert = told.person(ANNA), told.person(BERT)
    anna.turn_on()
    one, other = anna.app_password(), anna.app_password()
    with (
        idle(told, ANNA, one.secret) as ended,
        idle(told, ANNA, other.secret) as ended_too,
        idle(told, BERT, bert.password) as kept,
    ):
        time.sleep(1)  # beyond what is too young to be told of
        started = time.monotonic()
        anna.revoke(one)
        assert ends(ended)
        assert time.monotonic() - started < 2
        assert ends(ended_too)
        with idle(told, ANNA, other.secret) as back:
            assert not ends(back, within=2)
        assert not ends(kept, within=0.1)
        bert.turn_on()
        assert ends(kept)
    check_doveadm(told)


def check_doveadm(house: House) -> None:
    """What it is asked, by the right key and by others."""
    url = f"unix:{house.dovecot.folder}/run/http"

    async def ask() -> None:
        doveadm = Doveadm(url=url, api_key=KEY)
        with idle(house, ANNA, house.person(ANNA).app_password().secret):
            assert set((await doveadm.sessions()).values()) == {ANNA}
        await doveadm.kick(["nobody@example.test"])
        for wide in ("*", "ann?@example.test", "127.0.0.1", "127.0.0.0/8", ""):
            with pytest.raises(Unavailable):
                await doveadm.kick([wide])
        for other in (Doveadm(url=url, api_key="x"), Doveadm(url=f"{url}-no", api_key=KEY)):
            with pytest.raises(Unavailable, match="doveadm") as told:
                await other.sessions()
            assert KEY not in str(told.value)

    asyncio.run(ask())
    assert f"doveadm: {url} tells of " in house.child.command("check", check=False).stdout


def test_a_doveadm_that_is_away_is_told_again(told: House) -> None:
    anna = told.person(ANNA)
    anna.turn_on()
    one = anna.app_password()
    socket = told.dovecot.folder / "run" / "http"
    away = socket.rename(socket.with_name("elsewhere"))
    with idle(told, ANNA, one.secret) as open_:
        anna.revoke(one)
        assert not ends(open_, within=2)
        assert "a listener named http" in told.child.command("check", check=False).stdout
        away.rename(socket)
        assert ends(open_, within=8)
    assert any("open sessions are not ended yet" in line for line in told.child.output)
    assert not any(KEY in line for line in told.child.output)


@pytest.mark.long
def test_what_cannot_be_told_is_said_once() -> None:
    with connected(MAY_END_NOTHING, told=False) as house:
        anna = house.person(ANNA)
        anna.turn_on()
        one = anna.app_password()
        with idle(house, ANNA, one.secret) as open_:
            anna.revoke(one)
            assert not ends(open_, within=2)
        said = [line for line in house.child.output if "cannot be ended here" in line]
        assert len(said) == 1
