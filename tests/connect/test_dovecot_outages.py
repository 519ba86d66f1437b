"""Beside an operator's own Dovecot: what is no wrong password is never called one."""

from __future__ import annotations

import imaplib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from child import running
from clients.desk import desk_for
from clients.ways import LIBRARIES, Outcome, all_of, everywhere, let_in
from connect.connected import EVERYTHING, HER, VERSIONS, House, connect_all
from connect.her_dovecot import ANNA, BERT, her_dovecot
from connect.house import Reached, open_folder
from connect.load import under_load
from sidegate.decisions.throttle import Limits

ONE_EACH = tuple(way for way in LIBRARIES if way.name.endswith(" TLS"))
CANNOT_TELL = {"imap": "[UNAVAILABLE]", "pop3": "-ERR [SYS/TEMP]", "submission": "454 4.7.0"}
TEMPORARY = ("[UNAVAILABLE]", "timed out", "EOF")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root")


def said_by(outcomes: dict[str, Outcome], protocol: str) -> set[str]:
    return {outcomes[way.name].said for way in ONE_EACH if way.protocol == protocol}


def test_too_many_wrong_passwords_and_a_directory_that_says_nothing(house: House) -> None:
    """One after the other, as each is about what the same programs are told."""
    anna, bert = house.person(ANNA), house.person(BERT)
    anna.turn_on()
    key = anna.app_password()
    asked = {
        "the app password": (ANNA, key.secret),
        "the account password": (BERT, bert.password),
        "a wrong password": (BERT, "a wrong password"),
        "somebody unknown": ("nobody@example.test", "a wrong password"),
    }
    with house.dovecot.saying_nothing():
        for why, outcomes in all_of(house.mail, asked, ONE_EACH).items():
            assert let_in(outcomes) == set(), why
            for protocol, start in CANNOT_TELL.items():
                for said in said_by(outcomes, protocol):
                    assert said.startswith(start), (why, said)
    assert house.enters(BERT, bert.password, ONE_EACH) == {way.name for way in ONE_EACH}

    with ThreadPoolExecutor(10) as pool:
        guesses = [
            pool.submit(brief_imap, house.mail, ANNA, f"guess {number}")
            for number in range(Limits().familiar_pair)
        ]
        assert not any(one.result().allowed for one in guesses)
    outcomes = everywhere(house.mail, ANNA, "one more", ONE_EACH)
    for protocol, start in CANNOT_TELL.items():
        for said in said_by(outcomes, protocol):
            assert said.startswith(start), said
    assert house.enters(ANNA, key.secret) == EVERYTHING, "a right app password goes on (rule 5)"
    time.sleep(0.5)  # events are written behind the reply
    told = house.child.command("events", "--account", ANNA, "--json").stdout
    assert "throttled" in {one["reason"] for one in json.loads(told)}


@pytest.mark.parametrize("version", VERSIONS)
def test_stopped_and_restarted_under_load(version: str) -> None:
    with open_folder() as folder, her_dovecot(folder, HER[version]) as dovecot:
        data = folder / "data"
        connect_all(dovecot, data)
        with running(data) as child, desk_for(data) as desk:
            house = House(dovecot, child, desk)
            anna = house.person(ANNA)
            anna.turn_on()
            key = anna.app_password()
            mail = house.mail
            with under_load(lambda: brief_imap(mail, ANNA, key.secret)) as load:
                child.stop()
                time.sleep(1)
                stopped = brief_imap(mail, ANNA, "a wrong password")
                with running(data):
                    load.goes_on(seconds=8)
    assert not stopped.allowed
    assert any(one in stopped.said for one in TEMPORARY), stopped
    assert sum(one.allowed for one in load.before) > 5
    # What was under way is told that it cannot be told now, or waits for nothing.
    refused = {one.said for one in load.before if not one.allowed}
    assert all(any(one in said for one in TEMPORARY) for said in refused), refused
    assert len(load.after) > 5
    assert all(one.allowed for one in load.after), load.after


def brief_imap(mail: Reached, login: str, secret: str) -> Outcome:
    """A program that does not wait long: a connection of the outage is never answered."""
    try:
        client = imaplib.IMAP4_SSL(
            "localhost", mail.ports["imaps"], ssl_context=mail.tls, timeout=3
        )
        try:
            client.login(login, secret)
        finally:
            client.shutdown()
    except (OSError, imaplib.IMAP4.error) as error:
        return Outcome(allowed=False, said=str(error))
    return Outcome(allowed=True)
