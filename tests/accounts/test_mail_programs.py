"""What an owner would call one mail program."""

from __future__ import annotations

import pytest
from django.db import connection

from installation import START, Installation
from sidegate.accounts import mail_programs
from sidegate.accounts.mail_programs import LATELY, MailProgram
from sidegate.storage import sightings
from sidegate.storage.sightings import Credential, Key, Seen

HOME, OFFICE = "192.0.2.7", "198.51.100.4"
NETWORKS = {HOME: "192.0.2.0/24", OFFICE: "198.51.100.0/24", "": "unknown"}
BIRD, PHONE = "Thunderbird 128.0", "iPhone Mail 20B82"


@pytest.fixture
def account(installation: Installation) -> int:
    return installation.add().pk


def seen(account: int, protocol: str, address: str, program: str = "", **more: object) -> None:
    at = int(str(more.get("at", START)))
    mechanism = str(more.get("mechanism", "PLAIN"))
    credential = Credential(str(more.get("credential", "account-password")))
    key = Key(account, protocol, NETWORKS[address], program, mechanism, credential)
    with connection.cursor() as cursor:
        sightings.mark(cursor, [(key, Seen(at, at, address, 1))])


def found(account: int, now: int = START) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (one.name, one.protocols, one.last_address)
        for one in mail_programs.lately(account, now=now)
    ]


def test_reading_and_sending_is_one_program(account: int) -> None:
    seen(account, "imap", HOME, BIRD)
    seen(account, "submission", HOME, at=START + 5)
    assert found(account) == [(BIRD, ("imap", "submission"), HOME)]
    [program] = mail_programs.lately(account, now=START)
    assert program.last_at == START + 5


def test_two_mechanisms_are_one_program(account: int) -> None:
    seen(account, "imap", HOME, BIRD, mechanism="PLAIN")
    seen(account, "imap", HOME, BIRD, mechanism="LOGIN")
    [program] = mail_programs.lately(account, now=START)
    assert len(program.uses) == 1


def test_an_update_makes_no_other_program(account: int) -> None:
    seen(account, "imap", HOME, "Thunderbird 127.0", at=START - 10)
    seen(account, "imap", HOME, BIRD)
    assert found(account) == [(BIRD, ("imap",), HOME)]


def test_a_phone_is_one_program_in_every_network(account: int) -> None:
    seen(account, "imap", HOME, PHONE)
    seen(account, "imap", OFFICE, PHONE, at=START - 10)
    [program] = mail_programs.lately(account, now=START)
    assert (program.last_address, program.other_networks) == (HOME, 1)


def test_who_says_no_name_is_one_for_each_network(account: int) -> None:
    seen(account, "imap", HOME)
    seen(account, "pop3", OFFICE, at=START - 10)
    assert found(account) == [("", ("imap",), HOME), ("", ("pop3",), OFFICE)]


def test_sending_belongs_to_whoever_reads_there(account: int) -> None:
    seen(account, "imap", HOME, BIRD)
    seen(account, "imap", HOME, PHONE, at=START - 10)
    seen(account, "submission", HOME, at=START - 20)
    both = ("imap", "submission")
    assert found(account) == [(BIRD, both, HOME), (PHONE, both, HOME)]


def test_a_scanner_that_only_sends_is_a_program(account: int) -> None:
    seen(account, "imap", HOME, BIRD)
    seen(account, "submission", OFFICE, at=START - 10)
    assert found(account) == [(BIRD, ("imap",), HOME), ("", ("submission",), OFFICE)]


def test_what_does_not_count(account: int) -> None:
    seen(account, "imap", HOME, BIRD, credential="app-password")
    seen(account, "imap", HOME, PHONE, credential="other")
    seen(account, "imap", OFFICE, BIRD, at=START - LATELY - 1)
    seen(account, "doveadm", HOME)
    assert found(account) == []


def test_without_an_address_it_may_not_go_on(account: int) -> None:
    seen(account, "imap", "", BIRD)
    [program] = mail_programs.lately(account, now=START)
    assert (program.may_go_on, program.last_address) == (False, "")


def test_its_key_stays_the_same(account: int) -> None:
    def keys() -> dict[str, str]:
        return {one.name: one.key for one in mail_programs.lately(account, now=START)}

    seen(account, "imap", HOME, BIRD)
    seen(account, "imap", HOME, PHONE)
    before = keys()
    seen(account, "submission", HOME)
    seen(account, "imap", OFFICE, BIRD)
    assert keys() == before
    assert len(set(before.values())) == 2


def test_each_account_its_own(installation: Installation, account: int) -> None:
    seen(installation.add("ben@example.test").pk, "imap", HOME, BIRD)
    programs: list[MailProgram] = mail_programs.lately(account, now=START)
    assert programs == []
