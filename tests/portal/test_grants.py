"""An area stays open for 5 minutes, whatever is done in it; what was typed is not lost."""

from __future__ import annotations

import json

import pytest

from installation import PASSWORD
from portal.person import NUMBER, Person, form_value, page_of, text_of
from portal.test_cut_over import saw
from portal.test_personal import ask as ask_recovery
from sidegate.accounts import app_passwords
from sidegate.portal.grants import FRESH
from sidegate.storage.models import Account, AppPassword, WebSession
from sidegate.storage.second_step_models import Passkey
from soft_key import SoftKey

SECURITY = "/security"
APP_PASSWORDS = f"{SECURITY}/app-passwords"
STEPS = f"{SECURITY}/two-step"
ASKED = "enter the password of"
LATE = "so nothing was changed"
KEPT = "What you typed is still here"

OFF = [f"{SECURITY}/password", "/personal/recovery-address", "/personal/data", f"{STEPS}/phone"]
ON = [f"{STEPS}/turn-off", f"{STEPS}/backup-codes", APP_PASSWORDS, f"{STEPS}/phones/new"]


def forward(person: Person, minutes: float) -> None:
    person.here.clock.forward(seconds=round(minutes * 60))


def stays_open(person: Person, path: str) -> None:
    """Pages all along, and five minutes all the same."""
    assert FRESH == 5 * 60_000
    person.post(path, password=PASSWORD)
    for _minute in range(5):
        assert ASKED not in text_of(person.get(path))
        forward(person, 1)
    assert ASKED not in text_of(person.get(path))
    forward(person, 1 / 60)
    page = text_of(person.get(path))
    assert ASKED in page
    assert "This stays open for 5 minutes" in page


@pytest.mark.parametrize("path", OFF)
def test_no_page_makes_it_last_longer(inside: Person, path: str) -> None:
    stays_open(inside, path)


@pytest.mark.parametrize("path", ON)
def test_nor_with_a_second_step(two_step: Person, path: str) -> None:
    stays_open(two_step, path)


def test_what_was_typed_comes_back(two_step: Person) -> None:
    two_step.post(APP_PASSWORDS, password=PASSWORD)
    once = form_value(two_step.get(APP_PASSWORDS), "once")
    forward(two_step, 6)
    typed = {"app": "mail", "device": "mac", "name": "Her <b>Mac</b>", "networks": "192.0.2.0/24"}
    page = two_step.post(APP_PASSWORDS, once=once, **typed)
    assert LATE in text_of(page)
    assert not AppPassword.objects.exists()
    # The second step is asked for too, by now; what was typed waits through both.
    two_step.post(APP_PASSWORDS, password=PASSWORD)
    two_step.post(f"{SECURITY}/code", code=two_step.here.sender.last_code)
    page = two_step.get(APP_PASSWORDS)
    shown = page_of(page)
    assert KEPT in text_of(page)
    assert '<option value="mac" selected>' in shown
    assert 'value="Her &lt;b&gt;Mac&lt;/b&gt;"' in shown
    assert '<details class="more" open>' in shown
    again = two_step.get(APP_PASSWORDS)
    assert KEPT not in text_of(again)
    assert '<details class="more">' in page_of(again)
    assert two_step.post(APP_PASSWORDS, once=form_value(again, "once"), **typed).status_code == 200
    assert AppPassword.objects.get().label == "Her <b>Mac</b>"


def test_choices_of_one_app_password_come_back(two_step: Person, anna: Account) -> None:
    two_step.post(APP_PASSWORDS, password=PASSWORD)
    two_step.generate()
    path = f"{APP_PASSWORDS}/{AppPassword.objects.get().pk}"
    forward(two_step, 6)
    two_step.post(path, name="Laptop", scopes="pop3")
    two_step.post(path, password=PASSWORD)
    two_step.post(f"{SECURITY}/code", code=two_step.here.sender.last_code)
    shown = page_of(two_step.get(path))
    assert 'value="Laptop"' in shown
    assert 'value="pop3" id="id_scopes_1" checked' in shown
    assert 'value="imap" id="id_scopes_0" checked' not in shown
    assert app_passwords.active(anna)[0].label == ""


def test_a_phone_number_comes_back(inside: Person) -> None:
    path = f"{STEPS}/phone"
    inside.post(path, password=PASSWORD)
    forward(inside, 6)
    assert LATE in text_of(inside.post(path, number=NUMBER, channel="voice"))
    inside.post(path, password=PASSWORD)
    shown = page_of(inside.get(path))
    assert f'value="{NUMBER}"' in shown
    assert 'value="voice" id="id_channel_1" checked' in shown


def test_ticked_programs_come_back(inside: Person, anna: Account) -> None:
    saw(anna, "imap", "Outlook")
    inside.post(f"{STEPS}/phone", password=PASSWORD)
    inside.post(f"{STEPS}/phone", number=NUMBER, channel="sms")
    inside.post(f"{STEPS}/code", code=inside.here.sender.last_code)
    last = f"{STEPS}/turn-on"
    key = form_value(inside.get(last), "app-password")
    forward(inside, 6)
    assert LATE in text_of(inside.post(last, **{"app-password": key}))
    inside.post(last, password=PASSWORD)
    page = page_of(inside.get(last))
    assert f'name="app-password" value="{key}" id="app-password-{key}" checked' in page
    assert f'id="goes-on-{key}" checked' not in page
    anna.refresh_from_db()
    assert not anna.two_step


def test_no_password_and_no_code_is_kept(inside: Person) -> None:
    path = f"{SECURITY}/password"
    inside.post(path, password=PASSWORD)
    forward(inside, 6)
    inside.post(path, new_password="five unrelated words here now", keep_app_passwords="on")
    stored = json.dumps(inside.client.session.load())
    assert "keep_app_passwords" in stored
    assert "unrelated" not in stored
    inside.post(path, password=PASSWORD)
    assert WebSession.objects.count() == 1
    page = inside.get(path)
    assert "except passwords and codes" in text_of(page)


def test_it_goes_with_the_first_page_outside(inside: Person) -> None:
    path = f"{STEPS}/phone"
    inside.post(path, number=NUMBER, channel="sms")
    inside.get("/")
    inside.post(path, password=PASSWORD)
    page = inside.get(path)
    assert KEPT not in text_of(page)
    assert f'value="{NUMBER}"' not in page_of(page)


@pytest.mark.parametrize("what", ["revoke", "1/switch"])
def test_a_button_that_comes_too_late(two_step: Person, what: str) -> None:
    two_step.post(APP_PASSWORDS, password=PASSWORD)
    two_step.generate()
    forward(two_step, 6)
    row = AppPassword.objects.get()
    path = two_step.post(f"{APP_PASSWORDS}/{what.replace('1', str(row.pk))}", id=str(row.pk))
    page = text_of(two_step.get(path["Location"]))
    assert LATE in page
    assert ASKED in page
    row.refresh_from_db()
    assert (row.revoked_at, row.paused_at) == (None, None)


def test_a_code_that_was_asked_for_inside_counts_while_it_lives(inside: Person) -> None:
    inside.post(f"{STEPS}/phone", password=PASSWORD)
    forward(inside, 4)
    inside.post(f"{STEPS}/phone", number=NUMBER, channel="sms")
    code = inside.here.sender.last_code
    forward(inside, 9)
    assert "Enter the code" in text_of(inside.get(f"{STEPS}/code"))
    assert ASKED in text_of(inside.get(f"{STEPS}/phone"))
    assert inside.post(f"{STEPS}/code", code=code)["Location"] == f"{STEPS}/turn-on"
    assert ASKED in text_of(inside.get(f"{STEPS}/turn-on"))
    inside.post(f"{STEPS}/turn-on", password=PASSWORD)
    assert inside.post(f"{STEPS}/turn-on")["Location"] == STEPS


def test_asking_again_does_not_prolong_it(inside: Person) -> None:
    """However many codes are sent: ten minutes after the last that was asked for inside."""
    inside.post(f"{STEPS}/phone", password=PASSWORD)
    inside.post(f"{STEPS}/phone", number=NUMBER, channel="sms")
    forward(inside, 4)
    inside.post(f"{STEPS}/code/again")
    forward(inside, 9)
    assert inside.post(f"{STEPS}/code/again")["Location"] == f"{STEPS}/code"
    code = inside.here.sender.last_code
    assert ASKED not in text_of(inside.get(f"{STEPS}/code"))
    forward(inside, 1)
    sent = len(inside.here.sender.sent)
    assert ASKED in text_of(inside.post(f"{STEPS}/code", code=code))
    inside.post(f"{STEPS}/code/again")
    assert len(inside.here.sender.sent) == sent
    # It waits for her all the same.
    inside.post(f"{STEPS}/code", password=PASSWORD)
    assert inside.post(f"{STEPS}/code", code=code)["Location"] == f"{STEPS}/turn-on"


def test_the_code_to_a_recovery_address_may_take_half_an_hour(inside: Person) -> None:
    code = ask_recovery(inside)
    forward(inside, 29)
    assert ASKED in text_of(inside.post("/personal/recovery-address", address="b@example.test"))
    page = inside.post("/personal/recovery-address/code", code=code)
    assert page["Location"] == "/personal"
    assert Account.objects.get().recovery_address


def test_a_passkey_that_is_being_made_counts(two_step: Person) -> None:
    path = f"{STEPS}/passkey"
    two_step.post(path, password=PASSWORD)
    forward(two_step, 4)
    asked = json.loads(two_step.post(f"{path}/options").content)
    forward(two_step, 4)
    assert two_step.post(f"{path}/options").status_code == 403
    made = SoftKey(credential_id=b"one").create(asked)
    assert two_step.post(path, **{"new-passkey": made, "name": "Key"})["Location"] == STEPS
    assert Passkey.objects.get().name == "Key"


def test_what_another_area_asked_for_opens_nothing(two_step: Person) -> None:
    path = f"{STEPS}/phones/new"
    two_step.post(path, password=PASSWORD)
    two_step.post(path, number="+37120000001", channel="sms")
    two_step.post(APP_PASSWORDS, password=PASSWORD)
    code = two_step.here.sender.last_code
    assert ASKED in text_of(two_step.post(f"{STEPS}/phones/code", code=code))
