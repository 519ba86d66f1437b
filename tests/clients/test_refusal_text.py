"""What a refused person gets to see: the same text for every reason, as each protocol says it."""

from __future__ import annotations

import imaplib
from concurrent.futures import ThreadPoolExecutor

import pytest

from child import Child
from clients.desk import Desk, Person
from clients.ways import LIBRARIES, WAYS, all_of, as_text, everywhere, imap


def text(child: Child) -> str:
    return (
        "Sign-in refused. If 2-Step Verification is on, use an app password: "
        f"{child.url}/security/app-passwords"
    )


def as_shown(child: Child) -> dict[str, str]:
    """What the outcome of each way holds."""
    said = {
        "imap": f"[ALERT] {text(child)}",
        "pop3": f"-ERR [AUTH] {text(child)}",
        "submission": f"535 5.7.8 {text(child)}",
    }
    return {way.name: said[way.protocol] for way in WAYS}


def test_the_libraries_get_exactly_this_for_every_reason(child: Child, desk: Desk) -> None:
    anna, bert = desk.person(), desk.person()
    anna.turn_on()
    revoked = anna.app_password()
    anna.revoke(revoked)
    attempts = {
        "the right account password": (anna.address, anna.password),
        "a wrong one with 2-step on": (anna.address, "a wrong password"),
        "a wrong one with 2-step off": (bert.address, "a wrong password"),
        "an unknown address": ("nobody@example.test", "a wrong password"),
        "an app password that was revoked": (anna.address, revoked.secret),
        "no address at all": ("nobody", "a wrong password"),
    }
    expected = {
        name: said
        for name, said in as_shown(child).items()
        if name in {way.name for way in LIBRARIES}
    }
    for why, outcomes in all_of(child, attempts, LIBRARIES).items():
        assert {name: one.said for name, one in outcomes.items()} == expected, why


def test_programs_show_it_as_they_do(child: Child, desk: Desk) -> None:
    anna = desk.person()
    outcomes = everywhere(child, anna.address, "a wrong password")
    for name, said in as_shown(child).items():
        assert said in outcomes[name].said, name
    for security in ("TLS", "STARTTLS"):
        mbsync = outcomes[f"mbsync {security}"]
        assert f"returned an error: NO [ALERT] {text(child)}" in mbsync.said
        assert f"*** IMAP ALERT *** {text(child)}" in mbsync.said
        assert mbsync.status == 1
        msmtp = outcomes[f"msmtp {security}"]
        assert f"msmtp: server message: 535 5.7.8 {text(child)}" in msmtp.said
        assert msmtp.status == 77
    for name, outcome in outcomes.items():
        if name.startswith("curl"):
            assert outcome.status == 67, name
            assert "Login denied" in outcome.said, name


CODES = {
    '"name" "K-9 Mail" "version" "6.8"': "AUTHENTICATIONFAILED",
    '"name" "Thunderbird for Android" "version" "8.0"': "AUTHENTICATIONFAILED",
    '"name" "Thunderbird" "version" "128.0"': "ALERT",
    '"vendor" "Apple" "name" "iPhone Mail"': "ALERT",
}


def test_the_code_is_the_one_that_the_program_understands(child: Child, desk: Desk) -> None:
    anna = desk.person()
    with ThreadPoolExecutor() as pool:
        said = pool.map(lambda program: refused_as(child, anna, program), CODES)
    assert list(said) == [f"[{code}] {text(child)}" for code in CODES.values()]


def refused_as(child: Child, anna: Person, program: str) -> str:
    client = imap(child)
    # imaplib has no name for it: RFC 2971's ID, before signing in.
    client._simple_command("ID", f"({program})")
    with pytest.raises(imaplib.IMAP4.error) as refused:
        client.login(anna.address, "a wrong password")
    client.logout()
    return as_text(refused.value.args[0])


def test_a_disabled_account_is_named_behind_the_right_secret_alone(
    child: Child, desk: Desk
) -> None:
    anna, bert = desk.person(), desk.person()
    anna.turn_on()
    one = anna.app_password()
    for account in (anna, bert):
        child.command("account", "disable", account.address)
    disabled = "account is disabled"
    attempts = {
        "an app password": (anna.address, one.secret),
        "an account password": (bert.address, bert.password),
        "an account password with 2-step on": (anna.address, anna.password),
        "a wrong one": (bert.address, "a wrong password"),
    }
    outcomes = all_of(child, attempts, LIBRARIES)
    for why in ("an app password", "an account password"):
        assert all(disabled in one.said for one in outcomes[why].values()), why
    for why in ("an account password with 2-step on", "a wrong one"):
        assert all(text(child) in one.said for one in outcomes[why].values()), why
