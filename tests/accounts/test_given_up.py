"""A device that was given up and goes on trying: told, and not at every try."""

from __future__ import annotations

from itertools import product

import pytest

from installation import OWNER, Installation
from mail_desk import open_desk, real_now, run
from sidegate.accounts import app_passwords, two_step
from sidegate.accounts.app_passwords import Made
from sidegate.decisions.throttle import DAY
from sidegate.decisions.words import Reason, Refuse
from sidegate.storage.models import Account, AppPassword, Event

ANNA = "anna@example.test"


@pytest.fixture
def house(installation_on_each: Installation) -> Installation:
    return installation_on_each


@pytest.fixture
def anna(house: Installation) -> Account:
    account = house.add(ANNA)
    two_step.turn_on(
        house.context, account=account, number="+37120000000", channel="sms", origin=OWNER
    )
    return account


def make(house: Installation, account: Account) -> Made:
    return app_passwords.make(
        house.context, account=account, app="mail", device="windows", origin=OWNER
    )


def test_a_device_that_was_given_up_is_told_once_a_day_from_each_network(
    house: Installation, anna: Account
) -> None:
    gone, other = make(house, anna), make(house, anna)
    for made in (gone, other):
        app_passwords.revoke(house.context, account=anna, app_password_id=made.id, origin=OWNER)
    today = real_now() // DAY * DAY - DAY
    tries = [
        (made, address, at)
        for at in (today, today + DAY // 2, today + DAY - 1, today + DAY)
        for address in ("192.0.2.7", "192.0.2.99", "198.51.100.7")
        for made in (gone, other)
    ]

    async def ask() -> None:
        async with open_desk(house) as desk:
            for made, address, at in tries:
                asked = await desk.ask(ANNA, made.secret, address=address, arrived=at)
                assert asked.verdict == Refuse(Reason.APP_PASSWORD_REVOKED, anna.pk, made.id)

    run(ask())
    told = Event.objects.filter(kind="mail-refused").values_list("at", "address", "app_password")
    networks = ("192.0.2.7", "198.51.100.7")
    once = product((today, today + DAY), networks, (gone.id, other.id))
    assert sorted(told) == sorted(once)


def test_every_other_refusal_is_told_each_time(house: Installation, anna: Account) -> None:
    paused = make(house, anna)
    AppPassword.objects.update(paused_at=1)

    async def ask() -> None:
        async with open_desk(house) as desk:
            for _ in range(2):
                await desk.ask(ANNA, paused.secret, arrived=1)
                await desk.ask(ANNA, "a guess", arrived=1)

    run(ask())
    assert Event.objects.filter(kind="mail-refused").count() == 4
