"""Pages that a walk comes to seldom, and that every template of a page is looked at somewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from playwright.sync_api import Browser

from browser.looking import look_at
from browser.rendered import House, shown
from installation import OPERATOR, PASSWORD, Installation
from portal.person import ADDRESS, Person
from portal.test_app_passwords import open_session
from sidegate.accounts import activity, open_sessions, people, recovery
from sidegate.config.model import Config
from sidegate.decisions.mail import PasswordCheck
from sidegate.directory.own import OwnDirectory
from sidegate.storage.models import Account, AppPassword

NO_MAIL = "[mailserver]\nprivate = false\n"
HOUR = 3600
APP_PASSWORDS = "/security/app-passwords"


def outside(here: Installation) -> Person:
    here.add(ADDRESS)
    return Person(here)


def inside(here: Installation) -> Person:
    person = outside(here)
    assert person.sign_in().status_code == 302
    return person


def with_two_step(here: Installation) -> Person:
    person = inside(here)
    person.turn_on()
    return person


def at_second_stage(here: Installation) -> Person:
    person = with_two_step(here)
    Account.objects.update(recovery_address="anna@elsewhere.example")
    here.clock.forward(seconds=HOUR + 1)
    person.post("/signout")
    assert person.sign_in()["Location"] == "/signin/code"
    return person


# ---- How one comes to each.


def lock_over(here: Installation) -> HttpResponse:
    return outside(here).get("/lock/used-before")


def recovery_over(here: Installation) -> HttpResponse:
    return outside(here).get("/stop/used-before")


def reset_over(here: Installation) -> HttpResponse:
    return outside(here).get("/signin/reset/used-before")


def not_understood(here: Installation) -> HttpResponse:
    return outside(here).sign_in(password="x" * 100_000)


def form_from_elsewhere(here: Installation) -> HttpResponse:
    strict = Client(enforce_csrf_checks=True, headers={"host": "localhost:8025"})
    return Person(here, strict).sign_in()


def no_such_page(here: Installation) -> HttpResponse:
    return inside(here).get("/no-such-page")


def our_fault(here: Installation) -> HttpResponse:
    person = inside(here)
    person.client.raise_request_exception = False
    with patch.object(activity, "recent", side_effect=RuntimeError):
        return person.get("/activity")


def database_away(here: Installation) -> HttpResponse:
    person = inside(here)
    with patch.object(activity, "recent", side_effect=OperationalError):
        return person.get("/activity")


def no_app_passwords(here: Installation) -> HttpResponse:
    return inside(here).get(APP_PASSWORDS)


def password_elsewhere(here: Installation) -> HttpResponse:
    person = inside(here)
    with patch.object(Config, "has_own_passwords", new=False):
        return person.get("/security/password")


def no_recovery_address(here: Installation) -> HttpResponse:
    return inside(here).get("/personal/recovery-address")


def operator_without_two_step(here: Installation) -> HttpResponse:
    person = inside(here)
    account = Account.objects.get(address=ADDRESS)
    people.set_operator(here.context, account=account, operator=True, origin=OPERATOR)
    return person.get("/operator")


def wrong_password(here: Installation) -> HttpResponse:
    return outside(here).sign_in(password="not this one")


def cannot_check(here: Installation) -> HttpResponse:
    person = outside(here)
    with patch.object(OwnDirectory, "check_blocking", return_value=PasswordCheck.BUSY):
        return person.sign_in()


def cannot_check_again(here: Installation) -> HttpResponse:
    person = inside(here)
    with patch.object(OwnDirectory, "check_blocking", return_value=PasswordCheck.BUSY):
        return person.post("/security/password", password=PASSWORD)


def wrong_password_again(here: Installation) -> HttpResponse:
    return inside(here).post("/security/password", password="not this one")


def wrong_code(here: Installation) -> HttpResponse:
    person = at_second_stage(here)
    return person.post("/signin/code", code=another_code(here))


def too_many_wrong_codes(here: Installation) -> HttpResponse:
    person = at_second_stage(here)
    for _ in range(5):
        last = person.post("/signin/code", code=another_code(here))
    return last


def another_code(here: Installation) -> str:
    return "000000" if here.sender.last_code != "000000" else "111111"


def no_more_codes(here: Installation) -> HttpResponse:
    person = at_second_stage(here)
    while person.sign_in()["Location"] == "/signin/code":
        pass
    return person.get("/signin/another-way")


def no_more_links(here: Installation) -> HttpResponse:
    person = outside(here)
    for _ in range(21):
        last = person.client.post("/signin/forgot", {"email": ADDRESS}, REMOTE_ADDR="203.0.113.9")
    assert isinstance(last, HttpResponse)
    return last


def recovery_paused(here: Installation) -> HttpResponse:
    person = at_second_stage(here)
    person.post("/signin/recovery/start")
    account = Account.objects.get(address=ADDRESS)
    assert recovery.stop(here.context, account=account, origin=OPERATOR)
    return person.get("/signin/recovery")


def no_recovery(here: Installation) -> HttpResponse:
    return at_second_stage(here).get("/signin/recovery")


def still_connected(here: Installation) -> HttpResponse:
    person = with_two_step(here)
    person.post(APP_PASSWORDS, password=PASSWORD)
    person.generate()
    row = AppPassword.objects.get()
    open_session(row.account, row)
    with patch.object(open_sessions, "MOST_WAITED", 0.1):
        person.post(f"{APP_PASSWORDS}/revoke", id=str(row.pk))
    return person.get(APP_PASSWORDS)


class State(NamedTuple):
    """A page, and how one comes to it."""

    name: str
    come_to: Callable[[Installation], HttpResponse]
    status: int
    template: str
    toml: str = ""


STATES = [
    State("lock-over", lock_over, 404, "portal/lock_over.html"),
    State("error-400", not_understood, 400, "portal/error.html"),
    State("app-passwords-off", no_app_passwords, 200, "portal/app_passwords_off.html"),
    State("password-elsewhere", password_elsewhere, 200, "portal/password_elsewhere.html"),
    State(
        "recovery-address-off",
        no_recovery_address,
        200,
        "portal/personal_recovery_off.html",
        NO_MAIL,
    ),
    State("two-step-first", operator_without_two_step, 403, "console/two_step_first.html"),
]
"""Templates that no walk comes to; of those that are built alike, one."""
MORE_STATES = [
    State("recovery-over", recovery_over, 404, "portal/recovery_over.html"),
    State("reset-over", reset_over, 404, "portal/reset_over.html"),
    State("error-403-form", form_from_elsewhere, 403, "portal/error.html"),
    State("error-404", no_such_page, 404, "portal/error.html"),
    State("error-500", our_fault, 500, "portal/error.html"),
    State("error-503", database_away, 503, "portal/error.html"),
    State("sign-in-wrong", wrong_password, 200, "portal/sign_in.html"),
    State("sign-in-503", cannot_check, 503, "portal/sign_in.html"),
    State("password-again-wrong", wrong_password_again, 200, "portal/password_again.html"),
    State("password-again-503", cannot_check_again, 503, "portal/password_again.html"),
    State("second-stage-wrong", wrong_code, 200, "portal/code.html"),
    State("second-stage-too-many", too_many_wrong_codes, 200, "portal/code.html"),
    State("another-way-no-more", no_more_codes, 200, "portal/ways.html"),
    State("forgot-429", no_more_links, 429, "portal/forgot.html"),
    State("recovery-paused", recovery_paused, 200, "portal/recovery.html"),
    State("recovery-none", no_recovery, 200, "portal/recovery.html", NO_MAIL),
    State("still-connected", still_connected, 200, "portal/app_passwords.html"),
]


@pytest.mark.parametrize(
    "state",
    [*STATES, *(pytest.param(state, marks=pytest.mark.long) for state in MORE_STATES)],
    ids=lambda state: state.name,
)
def test_a_rare_state(state: State, chromium: Browser, tmp_path: Path) -> None:
    house = House(tmp_path / "data", toml=state.toml)
    page = house.page(state.come_to)
    assert (page.status, page.template) == (state.status, state.template)
    with shown(chromium, house, page) as opened:
        look_at(opened, state.name)
    house.close()


# ---- Every template.

TEMPLATES = {
    "console/operator.html": "operator",
    "portal/activity.html": "activity",
    "portal/app_password.html": "app-password-one",
    "portal/app_password_made.html": "app-password",
    "portal/app_passwords.html": "app-passwords",
    "portal/app_passwords_made.html": "app-passwords-in-one-go",
    "portal/app_passwords_revoke_all.html": "app-passwords-revoke-all",
    "portal/authenticator_add.html": "authenticator-add",
    "portal/backup_codes.html": "backup-codes",
    "portal/backup_codes_new.html": "backup-codes-new",
    "portal/code.html": "second-stage",
    "portal/devices.html": "devices",
    "portal/forgot.html": "forgot",
    "portal/forgot_sent.html": "forgot-sent",
    "portal/home.html": "home",
    "portal/lock.html": "lock",
    "portal/locked.html": "locked",
    "portal/mail.html": "mail",
    "portal/own_data.html": "own-data",
    "portal/passkey_add.html": "passkey-add",
    "portal/passkey_step.html": "passkey-step",
    "portal/password.html": "password",
    "portal/password_again.html": "password-again",
    "portal/personal.html": "personal",
    "portal/personal_language.html": "personal-language",
    "portal/personal_name.html": "personal-name",
    "portal/personal_recovery.html": "personal-recovery-wrong",
    "portal/personal_recovery_code.html": "personal-recovery-code",
    "portal/personal_time_zone.html": "personal-time-zone",
    "portal/phone.html": "phone",
    "portal/phone_number.html": "phone-change",
    "portal/recovery.html": "recovery-start",
    "portal/recovery_stop.html": "recovery-stop",
    "portal/recovery_stopped.html": "recovery-stopped",
    "portal/reset_link.html": "reset-link",
    "portal/reset_password.html": "reset-password",
    "portal/security.html": "security-off",
    "portal/sign_in.html": "sign-in",
    "portal/step.html": "passkey-one",
    "portal/step_code.html": "second-stage-app",
    "portal/two_step_off.html": "two-step-off",
    "portal/two_step_on.html": "two-step-on",
    "portal/two_step_phone.html": "phone-wrong",
    "portal/two_step_turn_off.html": "turn-off",
    "portal/two_step_turn_on.html": "turn-on",
    "portal/ways.html": "another-way",
    "portal/recovery_over.html": "recovery-over",
    "portal/reset_over.html": "reset-over",
    **{state.template: state.name for state in STATES},
}
"""Each page, and the look that it is looked at by."""
_ROOMS = Path(people.__file__).parents[1]
_LOOKS = re.compile(r'look_at\(\w+, "([^"]+)"\)')


def pages() -> Iterator[str]:
    """Every template that is a page: what is put into others extends nothing."""
    for room in ("portal", "console"):
        folder = _ROOMS / room / "templates"
        for file in folder.rglob("*.html"):
            if file.name != "base.html" and "{% extends" in file.read_text():
                yield str(file.relative_to(folder))


def test_every_template_is_looked_at() -> None:
    assert sorted(TEMPLATES) == sorted(pages())
    walks = Path(__file__).parent.glob("test_*.py")
    looks = {name for walk in walks for name in _LOOKS.findall(walk.read_text())}
    assert {*TEMPLATES.values()} <= looks | {state.name for state in [*STATES, *MORE_STATES]}
