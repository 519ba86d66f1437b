"""Who is let in, before and after 2-Step Verification is on, by every way there is."""

from __future__ import annotations

from child import Child
from clients.desk import Desk
from clients.ways import LIBRARIES, NAMES, all_of, everywhere, let_in

EACH_LIBRARY = {way.name for way in LIBRARIES}
DELAY = 2.0
EARLY = 0.1
"""Clocks of two processes: a refusal may seem this much too early, and no more."""


def test_before_two_step_the_account_password_opens_everything(child: Child, desk: Desk) -> None:
    anna = desk.person()
    assert let_in(everywhere(child, anna.address, anna.password)) == NAMES
    assert let_in(everywhere(child, anna.address, "a wrong password")) == set()


def test_from_the_moment_it_is_on_only_app_passwords_do(child: Child, desk: Desk) -> None:
    anna = desk.person()
    # Recognised in memory now (rule 10), and yet refused at once.
    assert let_in(everywhere(child, anna.address, anna.password)) == NAMES
    anna.turn_on()
    one = anna.app_password()
    outcomes = everywhere(child, anna.address, anna.password)
    assert let_in(outcomes) == set()
    # By the decision itself, not only by what stands behind it.
    assert all("Sign-in refused" in outcomes[name].said for name in EACH_LIBRARY), outcomes
    assert let_in(everywhere(child, anna.address, one.secret)) == NAMES
    typed = (one.grouped, one.grouped.upper(), f" {one.secret.title()} ")
    for secret, outcomes in all_of(child, {each: (anna.address, each) for each in typed}).items():
        assert let_in(outcomes) == NAMES, secret


def test_no_other_spelling_of_an_address_gets_around_it(child: Child, desk: Desk) -> None:
    anna = desk.person()
    anna.turn_on()
    one = anna.app_password()
    local, _, domain = anna.address.partition("@")
    spellings = {
        anna.address.upper(),
        f"{local}+tag@{domain}",
        f"{local.title()}+a+b@{domain.upper()}",
        f"{local}@{domain}.",
    }
    asked = {spelling: (spelling, anna.password) for spelling in spellings}
    for spelling, outcomes in all_of(child, asked, LIBRARIES).items():
        assert let_in(outcomes) == set(), spelling
    asked = {spelling: (spelling, one.secret) for spelling in spellings}
    for spelling, outcomes in all_of(child, asked, LIBRARIES).items():
        assert let_in(outcomes) == EACH_LIBRARY, spelling


def test_an_app_password_opens_its_scope_alone(child: Child, desk: Desk) -> None:
    anna = desk.person()
    anna.turn_on()
    scopes = ("imap", "pop3", "submission")
    asked = {scope: (anna.address, anna.app_password([scope]).secret) for scope in scopes}
    for scope, outcomes in all_of(child, asked, LIBRARIES).items():
        assert let_in(outcomes) == {way.name for way in LIBRARIES if way.protocol == scope}


def test_an_app_password_opens_its_own_account_alone(child: Child, desk: Desk) -> None:
    anna, bert = desk.person(), desk.person()
    anna.turn_on()
    bert.turn_on()
    one = anna.app_password()
    assert let_in(everywhere(child, bert.address, one.secret, LIBRARIES)) == set()


def test_turning_off_gives_the_account_password_back(child: Child, desk: Desk) -> None:
    anna = desk.person()
    anna.turn_on()
    one = anna.app_password()
    anna.turn_off()
    asked = {"app password": (anna.address, one.secret), "account": (anna.address, anna.password)}
    outcomes = all_of(child, asked, LIBRARIES)
    assert let_in(outcomes["app password"]) == set()
    assert let_in(outcomes["account"]) == EACH_LIBRARY


def test_a_revoked_one_is_refused_at_once_and_the_others_are_not(child: Child, desk: Desk) -> None:
    anna = desk.person()
    anna.turn_on()
    one, other = anna.app_password(), anna.app_password()
    assert let_in(everywhere(child, anna.address, one.secret, LIBRARIES)) == EACH_LIBRARY
    child.command("app-password", "revoke", anna.address, str(one.id))
    asked = {"revoked": (anna.address, one.secret), "other": (anna.address, other.secret)}
    outcomes = all_of(child, asked, LIBRARIES)
    assert let_in(outcomes["revoked"]) == set()
    assert let_in(outcomes["other"]) == EACH_LIBRARY


def test_every_refusal_leaves_at_the_same_time(child: Child, desk: Desk) -> None:
    anna, bert = desk.person(), desk.person()
    anna.turn_on()
    revoked, narrow = anna.app_password(), anna.app_password(["pop3"])
    anna.revoke(revoked)
    bert.enable(enabled=False)
    attempts = {
        "the account password": (anna.address, anna.password),
        "a wrong one": (anna.address, "a wrong password"),
        "an unknown address": ("nobody@example.test", "a wrong password"),
        "no address at all": ("nobody", "a wrong password"),
        "a revoked one": (anna.address, revoked.secret),
        "one of another scope": (anna.address, narrow.secret),
        "a disabled account": (bert.address, bert.password),
    }
    ways = [way for way in LIBRARIES if way.protocol != "pop3"]
    for why, outcomes in all_of(child, attempts, ways).items():
        assert let_in(outcomes) == set(), why
        early = {name: one for name, one in outcomes.items() if one.seconds < DELAY - EARLY}
        assert not early, why
