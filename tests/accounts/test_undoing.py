"""The link of a notice undoes what came with it or later; what cannot be undone is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from installation import OPERATOR, OWNER, START, Installation
from sidegate.accounts import (
    app_password_changes,
    app_passwords,
    backup_codes,
    lock_links,
    locking,
    people,
    phones,
    recovery_address,
    second_steps,
    two_step,
    undoing,
)
from sidegate.accounts.app_password_choices import USUAL, Choices, networks_in
from sidegate.accounts.codes import CodeOver
from sidegate.accounts.errors import NotAvailable
from sidegate.accounts.second_steps import NewPasskey, NewPhone
from sidegate.accounts.undoing import Changes, Item
from sidegate.decisions.throttle import DAY
from sidegate.events.catalogue import Kind
from sidegate.storage.former_models import FormerAddress, FormerPhone
from sidegate.storage.models import Account, AppPassword, Event, LockLink, RecoveryChange
from sidegate.storage.recovery_models import PasswordReset

HERS, HER_OTHER, HIS = "+37120000001", "+37120000002", "+37129999999"


@pytest.fixture
def anna(installation_on_each: Installation) -> Account:
    """With a phone, 2-step on and a recovery address, for a day."""
    house = installation_on_each
    account = house.add()
    two_step.turn_on(house.context, account=account, number=HERS, channel="sms", origin=OWNER)
    set_address(house, account, "anna@home.test")
    house.clock.forward(seconds=86_400)
    return account


def passkey(name: str) -> NewPasskey:
    return NewPasskey(
        name=name,
        credential_id=name.encode(),
        public_key=b"key",
        sign_count=0,
        transports="",
        user_verified=True,
        discoverable=True,
    )


def set_address(house: Installation, account: Account, address: str) -> None:
    """As `confirm` does once the code was right."""
    with transaction.atomic():
        recovery_address._replace(
            house.context, account, address, kind=Kind.RECOVERY_ADDRESS_SET, origin=OWNER
        )


def add(house: Installation, account: Account, new: NewPasskey | NewPhone) -> None:
    second_steps.add(house.context, account=account, new=new, origin=OWNER)


def lock(house: Installation, account: Account, *, since: int) -> Changes:
    """By the link of what happened then."""
    token = lock_links.new_link(house.context, account=account).rpartition("/")[2]
    LockLink.objects.update(since=since)
    found = locking.lock(house.context, token=token, origin=OWNER)
    assert found is not None
    account.refresh_from_db()
    return found


def undone() -> list[dict[str, Any]]:
    rows = Event.objects.filter(kind="change-undone").order_by("id")
    return [json.loads(row.detail) for row in rows]


def names(account: Account) -> list[str]:
    return [step.number or step.name or step.kind for step in second_steps.of(account)]


def test_what_was_added_goes_and_what_was_there_stays(
    installation_on_each: Installation, anna: Account
) -> None:
    house = installation_on_each
    add(house, anna, passkey("hers"))
    old = app_passwords.make(house.context, account=anna, app="mail", device="mac", origin=OWNER)
    house.clock.forward(seconds=3600)
    since = house.clock()
    set_address(house, anna, "thief@evil.test")
    add(house, anna, passkey("his"))
    house.clock.forward(seconds=60)
    add(house, anna, NewPhone(number=HIS, channel="sms"))
    backup_codes.turn_on(house.context, account=anna, codes=["aaaa-bbbb"], origin=OWNER)
    app_passwords.make(house.context, account=anna, app="mail", device="ipad", origin=OWNER)
    set_address(house, anna, "thief@worse.test")
    found = lock(house, anna, since=since)
    assert names(anna) == ["hers", HERS]
    assert anna.recovery_address == "anna@home.test"
    assert anna.two_step
    assert [row.pk for row in app_passwords.active(anna)] == [old.id]
    assert [(item.what, item.name) for item in found.removed] == [
        ("passkey", "his"),
        ("phone", "••• •• 99"),
        ("backup-codes", ""),
        ("recovery-address", "t•••@worse.test"),
        ("app-password", "Mail · iPad"),
    ]
    assert found.put_back == [Item("recovery-address", "a•••@home.test")]
    assert found.lost == []
    told = [(one["undone"], one.get("name") or one.get("number")) for one in undone()]
    assert told == [
        ("second-step-added", "his"),
        ("second-step-added", "••• •• 99"),
        ("backup-codes-made", None),
        ("recovery-address-set", "t•••@worse.test"),
    ]
    assert not any("thief" in json.dumps(one) for one in undone())


HOME, OFFICE = networks_in("192.0.2.0/24"), networks_in("198.51.100.0/24")
LIMITED = Choices(scopes=frozenset({"imap"}), expires_at=START + 30 * DAY, networks=HOME)
SCANNER = Choices(scopes=frozenset({"submission"}), sender="anna+scan@example.test", daily_most=5)
MORE: dict[str, tuple[Choices, dict[str, Any]]] = {
    "another protocol": (LIMITED, {"scopes": frozenset({"imap", "submission"})}),
    "a later end": (LIMITED, {"expires_at": START + 31 * DAY}),
    "no end": (LIMITED, {"expires_at": None}),
    "other networks": (LIMITED, {"networks": OFFICE}),
    "every network": (LIMITED, {"networks": ()}),
    "another sender": (SCANNER, {"sender": "anna@example.test"}),
    "any sender": (SCANNER, {"sender": ""}),
    "more messages": (SCANNER, {"daily_most": 6}),
    "any number of messages": (SCANNER, {"daily_most": None}),
}  # fmt: skip
NO_MORE: dict[str, tuple[Choices, dict[str, Any]]] = {
    "the same": (LIMITED, {}),
    "fewer protocols": (USUAL, {"scopes": frozenset({"imap"})}),
    "an earlier end": (LIMITED, {"expires_at": START + 29 * DAY}),
    "an end": (USUAL, {"expires_at": START + 29 * DAY}),
    "fewer networks": (LIMITED, {"networks": networks_in("192.0.2.7")}),
    "a sender": (Choices(scopes=SCANNER.scopes), {"sender": "anna@example.test"}),
    "fewer messages": (SCANNER, {"daily_most": 4}),
}


def change(house: Installation, account: Account, row: AppPassword, choices: Choices) -> bool:
    return app_password_changes.change(
        house.context, account=account, row=row, label="Hers", choices=choices, origin=OWNER
    )


def made_before(house: Installation, account: Account, choices: Choices) -> AppPassword:
    device = "printer" if choices.scopes == SCANNER.scopes else "mac"
    made = app_passwords.make(
        house.context, account=account, app="mail", device=device, choices=choices, origin=OWNER
    )
    house.clock.forward(seconds=3600)
    return AppPassword.objects.get(pk=made.id)


@pytest.mark.parametrize("how", MORE)
def test_what_an_app_password_was_let_do_more_revokes_it(
    installation_on_each: Installation, anna: Account, how: str
) -> None:
    house = installation_on_each
    before, changes = MORE[how]
    row = made_before(house, anna, before)
    since = house.clock()
    assert change(house, anna, row, replace(before, **changes))
    found = lock(house, anna, since=since)
    assert app_passwords.active(anna) == []
    assert (found.removed, found.revoked) == ([], [Item("app-password", "Hers")])
    last = Event.objects.get(kind="app-password-revoked")
    assert last.app_password_id == row.pk


@pytest.mark.parametrize("how", NO_MORE)
def test_one_that_may_do_no_more_than_before_stays(
    installation_on_each: Installation, anna: Account, how: str
) -> None:
    house = installation_on_each
    before, changes = NO_MORE[how]
    row = made_before(house, anna, before)
    since = house.clock()
    assert change(house, anna, row, replace(before, **changes))
    assert lock(house, anna, since=since).revoked == []
    assert app_passwords.active(anna) == [row]


def test_one_that_was_resumed_is_revoked_and_one_paused_stays(
    installation_on_each: Installation, anna: Account
) -> None:
    house = installation_on_each
    rows = [made_before(house, anna, USUAL) for _ in range(2)]
    act = partial(house_act, house, anna)
    act(app_password_changes.pause, rows[0])
    house.clock.forward(seconds=3600)
    since = house.clock()
    act(app_password_changes.resume, rows[0])
    act(app_password_changes.pause, rows[1])
    found = lock(house, anna, since=since)
    assert [item.name for item in found.revoked] == ["Mail · Mac"]
    assert app_passwords.active(anna) == [rows[1]]


def house_act(
    house: Installation, account: Account, act: Callable[..., bool], row: AppPassword
) -> None:
    assert act(house.context, account=account, app_password_id=row.pk, origin=OWNER)


def test_what_was_changed_before_the_message_stays(
    installation_on_each: Installation, anna: Account
) -> None:
    house = installation_on_each
    row = made_before(house, anna, LIMITED)
    assert change(house, anna, row, USUAL)
    house.clock.forward(seconds=3600)
    assert lock(house, anna, since=house.clock()).revoked == []
    assert app_passwords.active(anna) == [row]


def test_a_change_written_just_before_its_notice_goes_too(
    installation_on_each: Installation, anna: Account
) -> None:
    """The link is made last in the transaction; a clock goes on meanwhile."""
    house = installation_on_each
    add(house, anna, passkey("his"))
    house.clock.forward(seconds=5)
    lock(house, anna, since=house.clock())
    assert names(anna) == [HERS]


def test_a_removed_recovery_address_comes_back(
    installation_on_each: Installation, anna: Account
) -> None:
    house = installation_on_each
    since = house.clock()
    recovery_address.remove(house.context, account=anna, origin=OWNER)
    found = lock(house, anna, since=since)
    assert anna.recovery_address == "anna@home.test"
    assert (found.removed, found.put_back) == ([], [Item("recovery-address", "a•••@home.test")])
    assert [one["undone"] for one in undone()] == ["recovery-address-removed"]


def test_a_changed_number_comes_back_and_only_hers(
    installation_on_each: Installation, anna: Account
) -> None:
    house = installation_on_each
    since = house.clock()
    for number in (HIS, HER_OTHER):  # twice, in her number's place
        house.clock.forward(seconds=30)
        [step] = second_steps.full(anna)
        new = NewPhone(number=number, channel="voice")
        phones.add(house.context, account=anna, new=new, replaces=step, origin=OWNER)
    assert FormerPhone.objects.count() == 2
    found = lock(house, anna, since=since)
    assert names(anna) == [HERS]
    assert anna.phones.get().channel == "sms"
    assert found.put_back == [Item("phone", "••• •• 01")]


def test_a_number_that_came_back_comes_back_again(
    installation_on_each: Installation, anna: Account
) -> None:
    """Both links within `EARLIER` of both changes."""
    house = installation_on_each
    since = house.clock()
    for number in (HIS, HER_OTHER):
        [step] = second_steps.full(anna)
        new = NewPhone(number=number, channel="sms")
        phones.add(house.context, account=anna, new=new, replaces=step, origin=OWNER)
        found = lock(house, anna, since=since)
        assert (names(anna), len(found.put_back)) == ([HERS], 1)
        people.set_enabled(house.context, account=anna, enabled=True, origin=OPERATOR)


def test_two_step_that_a_thief_turned_on_goes_off(installation_on_each: Installation) -> None:
    house = installation_on_each
    bert = house.add("bert@example.test")
    house.clock.forward(seconds=86_400)
    since = house.clock()
    two_step.turn_on(house.context, account=bert, number=HIS, channel="sms", origin=OWNER)
    app_passwords.make(house.context, account=bert, app="mail", device="mac", origin=OWNER)
    found = lock(house, bert, since=since)
    assert not bert.two_step
    assert names(bert) == []
    assert app_passwords.active(bert) == []
    assert found.lost == []
    assert undone()[-1]["undone"] == "two-step-on"


def test_what_he_took_away_is_told(installation_on_each: Installation, anna: Account) -> None:
    house = installation_on_each
    add(house, anna, passkey("hers"))
    backup_codes.turn_on(house.context, account=anna, codes=["cccc-dddd"], origin=OWNER)
    house.clock.forward(seconds=3600)
    since = house.clock()
    key = second_steps.full(anna)[0].key
    second_steps.remove(house.context, account=anna, key=key, origin=OWNER)
    backup_codes.turn_on(house.context, account=anna, codes=["eeee-ffff"], origin=OWNER)
    found = lock(house, anna, since=since)
    assert found.lost == [Item("passkey", "hers"), Item("backup-codes")]
    assert undoing.lost_before_locking(anna) == ["passkey", "backup-codes"]


def test_two_step_that_he_turned_off_is_told_until_it_is_on_again(
    installation_on_each: Installation, anna: Account
) -> None:
    house = installation_on_each
    since = house.clock()
    two_step.turn_off(house.context, account=anna, origin=OWNER)
    found = lock(house, anna, since=since)
    assert found.lost == [Item("two-step")]
    assert not anna.two_step
    Account.objects.filter(pk=anna.pk).update(enabled=True, locked_at=None)
    assert undoing.lost_before_locking(anna) == ["two-step"]
    two_step.turn_on(house.context, account=anna, number=HERS, channel="sms", origin=OWNER)
    assert undoing.lost_before_locking(anna) == []


def test_turned_off_and_on_with_his_phone_it_stays_on_without_a_second_step(
    installation_on_each: Installation, anna: Account
) -> None:
    """Off would let the account password alone in, unnoticed."""
    house = installation_on_each
    since = house.clock()
    two_step.turn_off(house.context, account=anna, origin=OWNER)
    two_step.turn_on(house.context, account=anna, number=HIS, channel="sms", origin=OWNER)
    found = lock(house, anna, since=since)
    assert anna.two_step
    assert names(anna) == []
    assert found.lost == [Item("two-step")]


def test_what_the_operator_turned_off_is_not_told_as_lost(
    installation_on_each: Installation, anna: Account
) -> None:
    house = installation_on_each
    since = house.clock()
    two_step.turn_off(house.context, account=anna, origin=OPERATOR)
    assert lock(house, anna, since=since).lost == []


def test_what_is_under_way_ends(installation_on_each: Installation, anna: Account) -> None:
    house = installation_on_each
    recovery_address.begin(
        house.context, account=anna, address="x@evil.test", binding="b", origin=OWNER
    )
    PasswordReset.objects.create(account=anna, digest=b"d", password_version=1, expires_at=2**50)
    lock(house, anna, since=house.clock())
    assert not RecoveryChange.objects.exists()
    assert not PasswordReset.objects.exists()


def test_a_change_that_was_under_way_comes_too_late(
    installation_on_each: Installation, anna: Account
) -> None:
    """His page was let in before the lock, and writes after it."""
    house = installation_on_each
    row = made_before(house, anna, LIMITED)
    lock(house, anna, since=house.clock())
    with pytest.raises(NotAvailable):
        add(house, anna, passkey("his"))
    with pytest.raises(NotAvailable):
        backup_codes.turn_on(house.context, account=anna, codes=["x"], origin=OWNER)
    with pytest.raises(NotAvailable):
        app_passwords.make(house.context, account=anna, app="mail", device="mac", origin=OWNER)
    assert not change(house, anna, row, USUAL)
    assert not app_password_changes.resume(
        house.context, account=anna, app_password_id=row.pk, origin=OWNER
    )
    row.refresh_from_db()
    assert (row.networks, row.label) == ("192.0.2.0/24", "")
    answer = recovery_address.confirm(
        house.context, account=anna, binding="b", code="123456", origin=OWNER
    )
    assert isinstance(answer, CodeOver)
    two_step.turn_off(house.context, account=anna, origin=OPERATOR)
    assert not two_step.turn_on(
        house.context, account=anna, number=HIS, channel="sms", origin=OWNER
    )


def test_what_no_link_puts_back_any_more_is_dropped(
    installation_on_each: Installation, anna: Account
) -> None:
    house = installation_on_each
    set_address(house, anna, "other@home.test")
    house.clock.forward(seconds=(lock_links.LIFETIME - 1000) / 1000)
    undoing.forget_old(now=house.clock())
    assert FormerAddress.objects.filter(address="anna@home.test").exists()
    house.clock.forward(seconds=2 * 86_400)
    undoing.forget_old(now=house.clock())
    assert not FormerAddress.objects.exists()
