"""Each finished sign-in says by which second step, on the event and in Activity."""

from __future__ import annotations

import json

from installation import OWNER, Installation
from portal.person import Person, text_of
from portal.test_passkeys import STEP, WHOLE, add, options
from sidegate.accounts import backup_codes
from sidegate.factors import backup_code
from sidegate.storage.models import Account, Event
from soft_key import SoftKey


def last() -> str:
    detail = json.loads(Event.objects.filter(kind="web-signed-in").latest("id").detail)
    return str(detail["step"])


def to_second_stage(person: Person) -> None:
    person.post("/signout")
    person.here.clock.forward(seconds=3601)
    assert person.sign_in().status_code == 302


def test_the_password_alone(inside: Person) -> None:
    assert inside.get("/").status_code == 200
    assert last() == ""


def test_a_phone_and_a_browser_that_is_not_asked(two_step: Person) -> None:
    to_second_stage(two_step)
    two_step.post("/signin/code", code=two_step.here.sender.last_code, trust="yes")
    assert last() == "phone"
    to_second_stage(two_step)
    assert last() == "trusted-browser"
    page = text_of(two_step.get("/activity"))
    assert "a browser that is not asked for a second step" in page


def test_a_passkey_as_the_second_step_and_alone(two_step: Person) -> None:
    key = SoftKey()
    add(two_step, key)
    to_second_stage(two_step)
    assert two_step.post(STEP, passkey=key.get(options(two_step, STEP))).status_code == 302
    assert last() == "passkey"
    two_step.post("/signout")
    assert two_step.post(WHOLE, passkey=key.get(options(two_step, WHOLE))).status_code == 302
    assert last() == "passkey-alone"
    assert "a passkey in place of the password" in text_of(two_step.get("/activity"))


def test_a_backup_code(two_step: Person, anna: Account, installation: Installation) -> None:
    codes = [backup_code.generate(random=installation.context.random)]
    backup_codes.turn_on(installation.context, account=anna, codes=codes, origin=OWNER)
    to_second_stage(two_step)
    assert two_step.post("/signin/backup-code", code=codes[0]).status_code == 302
    assert last() == "backup-codes"
