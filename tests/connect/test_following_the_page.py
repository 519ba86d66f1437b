"""The one page for an operator's own mail server, followed once from top to bottom.

Her Dovecot and Postfix are real and have run before; every block of lines and every command comes
from docs/operators/your-mail-server.md. Anna is the first owner, and Bert is everybody else.
"""

from __future__ import annotations

import json
import os
import re
import time
from typing import Any

import pytest

from child import PATIENCE, Child, running
from clients.browser import Owner
from connect.her_dovecot import ANNA, BERT, CHECK
from connect.her_machine import ALL, DESK, IN, PHONE, SCANNER, HerMachine, Programs, her_machine

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root")

EVERYTHING = dict.fromkeys(ALL, IN)
PHONE_NAMED = "Test Mail 7"
DESK_NAMED, SCANNER_NAMED = f"A mail program at {DESK}", f"A mail program at {SCANNER}"
"""Anna's mail programs, as the portal calls them: only the first says its name."""
LISTED = re.compile(r'id="program-(\w+)"><bdi>([^<]*)<')
MADE = re.compile(r'<output [^>]*aria-label="App password for ([^"]*)"[^>]*>([a-z ]+)</output>')
REFUSED = "Sign-in refused. If 2-Step Verification is on, use an app password: http"


def test_following_the_page() -> None:
    with her_machine() as machine:
        before = machine.as_it_is()
        machine.follow("Before you start")
        assert machine.as_it_is() == before, "looking changes nothing"

        machine.follow("1. Let Sidegate ask your Dovecot")
        with running(machine.data) as child:
            machine.follow("2. Start Sidegate, and watch")
            everybody_goes_on(machine, child)
            all_are_in_the_report(child)

            machine.follow("3. Let both ask Sidegate")
            everybody_goes_on(machine, child)

            passwords = anna_turns_on(machine, child)
            the_account_for_the_check_does_too(machine, child)
            everybody_goes_on(machine, child)
            new_passwords_open_mail(machine, child, passwords)
            enforcing_would_refuse(machine.follow("4. Cut one owner over"))

        machine.follow("5. Enforce")
        with running(machine.data) as child:
            the_account_password_opens_nothing_but_the_scanner(machine, child)
            new_passwords_open_mail(machine, child, passwords)
            the_others_go_on(machine, child)
            the_check_is_content(machine.follow("6. Check"))

        # Sidegate is dead now, and its database with it.
        (machine.data / "sidegate.sqlite3").unlink()
        undo, rest = machine.blocks("Undo")
        machine.obey(undo)
        everybody_goes_on(machine, child)
        app_passwords_open_nothing(machine, child, passwords)
        machine.obey(rest)
        assert machine.as_it_is() == before
        everybody_goes_on(machine, child)


# What holds between the steps -----------------------------------------------------------------


def everybody_goes_on(machine: HerMachine, child: Child) -> None:
    for login in (ANNA, BERT):
        password = machine.dovecot.passwords[login]
        assert Programs(machine, child, login).all(password) == EVERYTHING, login


def the_others_go_on(machine: HerMachine, child: Child) -> None:
    assert Programs(machine, child, BERT).all(machine.dovecot.passwords[BERT]) == EVERYTHING


def all_are_in_the_report(child: Child) -> None:
    """Reports are written behind; Bert's programs are Anna's, but for who signs in."""
    wanted = {
        (login, protocol, network, program)
        for login in (ANNA, BERT)
        for protocol, network, program in (
            ("imap", PHONE, "Test Mail 7"),
            ("imap", DESK, ""),
            ("submission", DESK, ""),
            ("submission", SCANNER, ""),
        )
    }
    deadline = time.monotonic() + PATIENCE
    while (seen := {row["at"] for row in report(child)}) != wanted:
        assert time.monotonic() < deadline, seen
        time.sleep(0.2)
    assert {row["outcome"] for row in report(child)} == {"two-step-off"}


def report(child: Child) -> list[dict[str, Any]]:
    told = json.loads(child.command("report", "observe", "--json").stdout)
    which = ("account", "protocol", "network", "program")
    return [{**row, "at": tuple(row[name] for name in which)} for row in told["rows"]]


def enforcing_would_refuse(told: str) -> None:
    """What the report prints: Anna's phone and desk; her scanner goes on, and so does Bert."""
    annas, _, others = told.partition(f"{BERT}: 2-step off")
    assert f"{ANNA}: 2-step on" in annas
    assert annas.count("REFUSED") == 3, annas
    assert annas.count("goes on: a grace window is open") == 1, annas
    assert others.count("goes on: 2-step off") == 4, others
    assert "REFUSED" not in others


def the_account_password_opens_nothing_but_the_scanner(machine: HerMachine, child: Child) -> None:
    said = Programs(machine, child, ANNA).all(machine.dovecot.passwords[ANNA])
    assert said.pop("scans") == IN
    assert all(REFUSED in one for one in said.values()), said
    assert "535 5.7.8" in said["sends"]


def new_passwords_open_mail(machine: HerMachine, child: Child, new: dict[str, str]) -> None:
    anna = Programs(machine, child, ANNA)
    assert (anna.phone(new[PHONE_NAMED]), anna.reads(new[DESK_NAMED])) == (IN, IN)
    assert anna.sends(new[DESK_NAMED]) == IN


def the_check_is_content(told: str) -> None:
    assert "problem" not in told, told
    for server in ("dovecot", "postfix"):
        assert f"every sign-in service of this {server} asks Sidegate" in told
    assert told.count("app password: let in, by Sidegate") == 6 + 1
    assert told.count("account password: refused") == 6 + 1


def app_passwords_open_nothing(machine: HerMachine, child: Child, new: dict[str, str]) -> None:
    anna = Programs(machine, child, ANNA)
    assert IN not in (anna.phone(new[PHONE_NAMED]), anna.reads(new[DESK_NAMED]))


# At the pages of the portal -------------------------------------------------------------------


def anna_turns_on(machine: HerMachine, child: Child) -> dict[str, str]:
    """Nothing is ticked but what she ticks; the new app passwords by the programs' names."""
    anna = Owner(child, ANNA, machine.dovecot.passwords[ANNA])
    anna.sign_in()
    listed = anna.up_to_turn_on()
    assert "checked" not in listed
    keys = {name: key for key, name in LISTED.findall(listed)}
    assert set(keys) == {PHONE_NAMED, DESK_NAMED, SCANNER_NAMED}
    shown = anna.turn_on(
        app_password=[keys[PHONE_NAMED], keys[DESK_NAMED]], goes_on=[keys[SCANNER_NAMED]]
    )
    assert f"On, except for a mail program at {SCANNER} (14 days left)" in anna.look("/security")
    return dict(MADE.findall(shown))


def the_account_for_the_check_does_too(machine: HerMachine, child: Child) -> None:
    owner = Owner(child, CHECK, machine.dovecot.passwords[CHECK])
    owner.sign_in()
    owner.up_to_turn_on()
    owner.turn_on()
