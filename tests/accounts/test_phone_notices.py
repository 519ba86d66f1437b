"""Text messages to phones of the gravest changes: to whom, how many, and at whose cost."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from installation import OPERATOR, OWNER, Installation, install
from sidegate import texts
from sidegate.accounts import (
    backup_codes,
    code_limits,
    codes,
    lock_links,
    locking,
    notices,
    people,
    phone_notices,
    recovery_address,
    second_steps,
    two_step,
)
from sidegate.accounts.codes import Purpose
from sidegate.accounts.context import Origin
from sidegate.accounts.errors import TooManyCodes
from sidegate.accounts.notices import unpacked
from sidegate.accounts.phone_notices import NEW_FOR, tell_phones
from sidegate.accounts.queue import payload_of
from sidegate.accounts.second_steps import NewPasskey
from sidegate.config.options import languages
from sidegate.decisions.sends import NOTICES
from sidegate.decisions.throttle import DAY, HOUR
from sidegate.storage import jobs, sends
from sidegate.storage.models import Account, CodeSend, Event, Job
from sidegate.wire.sms import encode, fitted

FIRST, SECOND = "+37120000000", "+37120000001"
LINK = re.compile(r": http://localhost:8025/lock/([A-Za-z0-9_-]+)$")


def on(house: Installation, number: str = FIRST) -> Account:
    anna = house.add()
    two_step.turn_on(house.context, account=anna, number=number, channel="voice", origin=OWNER)
    house.clock.forward(seconds=NEW_FOR / 1000)
    return anna


def told(house: Installation) -> list[tuple[str, str]]:
    return [(one["number"], one["text"]) for one in house.sender.sent if not one["code"]]


def change_password(house: Installation, account: Account, number: int = 1) -> None:
    people.change_password(
        house.context,
        account=account,
        password=f"another long password {number}",
        keep_app_passwords=True,
        origin=OWNER,
    )


@pytest.mark.parametrize("origin", [OWNER, OPERATOR], ids=["owner", "operator"])
def test_turning_off_is_told_to_the_phones_that_go_with_it(
    installation_on_each: Installation, origin: Origin
) -> None:
    house = installation_on_each
    anna = on(house)
    anna.phones.create(number=SECOND, channel="sms", added_at=house.clock())  # just added
    two_step.turn_off(house.context, account=anna, origin=origin)
    assert not anna.phones.exists()
    [(number, text)] = told(house)
    assert number == FIRST
    assert text.startswith("Sidegate: 2-Step Verification was turned off. Not you? Lock")
    assert house.sender.sent[-1]["channel"] == "sms", "nobody is called for it"


def test_a_new_password_is_told_in_her_language(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    Account.objects.update(language="lv")
    change_password(house, anna)
    [(number, text)] = told(house)
    assert number == FIRST
    assert "Lock your account" not in text
    assert LINK.search(text)
    assert not Event.objects.filter(kind="code-sent").exists()


def test_what_was_not_done_is_not_told(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    two_step.turn_off(house.context, account=anna, origin=OWNER)
    two_step.turn_off(house.context, account=anna, origin=OWNER)
    assert len(told(house)) == 1
    change_password(house, anna)  # without 2-step there is no phone
    assert len(told(house)) == 1


def test_a_phone_gets_so_many(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    for number in range(NOTICES[HOUR] + 2):
        change_password(house, anna, number)
    assert len(told(house)) == NOTICES[HOUR]
    house.clock.forward(seconds=HOUR / 1000)
    for number in range(NOTICES[DAY]):
        change_password(house, anna, number)
    house.clock.forward(seconds=HOUR / 1000)
    for number in range(NOTICES[DAY]):
        change_password(house, anna, number)
    assert len(told(house)) == NOTICES[DAY]


def ask(house: Installation, account: Account, purpose: Purpose = "sign-in") -> None:
    codes.begin(
        house.context,
        account=account,
        purpose=purpose,
        number=FIRST,
        channel="sms",
        binding="browser",
        origin=OWNER,
    )


def test_notices_take_no_code_from_whoever_signs_in(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    for number in range(3):
        change_password(house, anna, number)
    for _ in range(3):
        ask(house, anna)
    with pytest.raises(TooManyCodes):
        ask(house, anna)
    change_password(house, anna, 9)
    assert len(told(house)) == 3
    house.clock.forward(seconds=HOUR / 1000)
    change_password(house, anna, 10)
    assert len(told(house)) == 4, "nor do codes take a notice from her"


def test_they_say_nothing_of_a_prefix(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    change_password(house, anna)
    sends.mark(job=CodeSend.objects.get().job, outcome=sends.FAILED)
    assert CodeSend.objects.get().outcome == sends.TOLD
    house.clock.forward(seconds=DAY / 2000)
    assert code_limits.conversion_of(house.context, CodeSend.objects.get().prefix).sent == 0


def test_the_price_of_a_day_holds_for_them(tmp_path: Path) -> None:
    house = install(
        tmp_path / "data",
        toml='[codes]\ndaily_spend = 0.15\nprices = { "*" = 0.1 }\n',
    )
    anna = on(house)
    change_password(house, anna)
    change_password(house, anna, 2)
    assert len(told(house)) == 1
    assert Event.objects.filter(kind="codes-stopped", reason="daily-spend").count() == 1
    with pytest.raises(TooManyCodes):  # and they are paid from the same purse
        ask(house, anna)


def test_without_text_messages_nothing_is_written(tmp_path: Path) -> None:
    house = install(tmp_path / "data", toml='[codes]\nsms = []\nvoice = "screen"\n')
    anna = on(house)
    change_password(house, anna)
    assert not Job.objects.filter(kind="phone-notice").exists()


def test_the_same_again_takes_the_place_of_what_waits(installation: Installation) -> None:
    house = installation
    anna = on(house)
    house.context.bell.answered_by(None)
    for _ in range(2):
        tell_phones(house.context, account=anna, text=texts.password_changed, origin=OWNER)
    tell_phones(house.context, account=anna, text=texts.two_step_turned_off, origin=OWNER)
    assert Job.objects.filter(kind="phone-notice", state="waiting").count() == 2


def test_what_waits_is_given_up_only_for_what_takes_its_place(installation: Installation) -> None:
    """The gateways are away, and one change more comes than may be told."""
    house = installation
    anna = on(house)
    house.sender.away = True
    for number in range(NOTICES[HOUR] + 1):
        change_password(house, anna, number)
    assert told(house) == []
    assert Job.objects.filter(kind="phone-notice", state="waiting").count() == 1
    house.sender.away = False
    house.clock.forward(seconds=60)
    house.send_codes()
    assert [number for number, _text in told(house)] == [FIRST]


def add_passkey(house: Installation, account: Account) -> None:
    new = NewPasskey(
        name="",
        credential_id=b"id",
        public_key=b"key",
        sign_count=0,
        transports="",
        user_verified=True,
        discoverable=True,
    )
    second_steps.add(house.context, account=account, new=new, origin=OWNER)


def remove_passkey(house: Installation, account: Account) -> None:
    key = second_steps.full(account)[0].key
    second_steps.remove(house.context, account=account, key=key, origin=OWNER)


def make_backup_codes(house: Installation, account: Account) -> None:
    backup_codes.turn_on(house.context, account=account, codes=["a"], origin=OWNER)


def set_recovery_address(house: Installation, account: Account) -> None:
    address = "anna@elsewhere.test"
    recovery_address.begin(
        house.context, account=account, address=address, binding="browser", origin=OWNER
    )
    taken = jobs.take(kinds=[notices.JOB], most=99, now=house.clock())
    code = max(unpacked(payload_of(house.context, job)).code for job in taken)
    found = recovery_address.confirm(
        house.context, account=account, binding="browser", code=code, origin=OWNER
    )
    assert found == address


def remove_recovery_address(house: Installation, account: Account) -> None:
    recovery_address.remove(house.context, account=account, origin=OWNER)


WAYS_IN = (
    (add_passkey, remove_passkey),
    (make_backup_codes,),
    (set_recovery_address, remove_recovery_address),
)


@pytest.mark.parametrize("changes", WAYS_IN, ids=lambda changes: changes[0].__name__)
def test_what_lets_a_thief_in_is_told(
    installation_on_each: Installation, changes: tuple[Callable[[Installation, Account], None], ...]
) -> None:
    house = installation_on_each
    anna = on(house)
    anna.phones.create(number=SECOND, channel="sms", added_at=house.clock())  # may be the thief's
    for number, change in enumerate(changes, 1):
        change(house, anna)
        assert [to for to, _text in told(house)] == [FIRST] * number
        text = told(house)[-1][1]
        assert text.startswith("Sidegate: the ways into your account were changed. Not you?")
        token = LINK.findall(text)[0]
        assert lock_links.find(house.context, token=token)
    locking.lock(house.context, token=token, origin=OWNER)
    anna.refresh_from_db()
    assert not anna.enabled


def test_the_phones_that_stay_hear_of_one_that_goes(installation: Installation) -> None:
    house = installation
    anna = on(house)
    anna.phones.create(number=SECOND, channel="sms", added_at=house.clock())
    key = next(step.key for step in second_steps.full(anna) if step.number == SECOND)
    second_steps.remove(house.context, account=anna, key=key, origin=OWNER)
    assert [number for number, _text in told(house)] == [FIRST, SECOND]
    assert not any(LINK.search(text) for _number, text in told(house)), "one of them is given up"


LINKED = (texts.two_step_turned_off, texts.password_changed, texts.ways_in_changed)


@pytest.mark.parametrize("text", LINKED)
@pytest.mark.parametrize("language", languages())
def test_it_fits_into_one_text_message_or_beside_its_link_into_two(
    language: str, text: phone_notices.Linked
) -> None:
    link = f"https://mail.example.test/lock/{'x' * 32}"
    said = fitted(text(language, name="Sidegate", link=link))
    assert len(encode(said, reference=0).parts) == (2 if language in {"ar", "uk"} else 1)
