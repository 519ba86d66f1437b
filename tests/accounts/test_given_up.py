"""A device that was given up and goes on trying: told, and not at every try."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation import OWNER, Installation
from mail_desk import open_desk, real_now, run
from sidegate.accounts import app_passwords, two_step
from sidegate.accounts.app_passwords import Made
from sidegate.decisions.throttle import DAY
from sidegate.decisions.words import Allow, Protocol, Reason, Refuse
from sidegate.events.catalogue import Kind, NewEvent
from sidegate.storage.given_up import GivenUp
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


SHUT_OUT: dict[str, tuple[Reason, dict[str, Any]]] = {
    "paused": (Reason.APP_PASSWORD_PAUSED, {"paused_at": 1}),
    "expired": (Reason.APP_PASSWORD_EXPIRED, {"expires_at": 1}),
    "of other networks": (Reason.WRONG_NETWORK, {"networks": "203.0.113.0/24"}),
    "for sending alone": (Reason.OUT_OF_SCOPE, {"scopes": "submission"}),
}


@pytest.mark.parametrize("how", SHUT_OUT)
def test_so_is_one_whose_app_password_opens_nothing_there(
    house: Installation, anna: Account, how: str
) -> None:
    reason, columns = SHUT_OUT[how]
    made = make(house, anna)
    AppPassword.objects.update(**columns)
    today = real_now() // DAY * DAY - DAY

    async def ask() -> None:
        async with open_desk(house) as desk:
            for at, address in product(
                (today, today + 1, today + DAY), ("192.0.2.7", "192.0.2.99", "198.51.100.7")
            ):
                asked = await desk.ask(ANNA, made.secret, address=address, arrived=at)
                assert asked.verdict == Refuse(reason, anna.pk, made.id)

    run(ask())
    told = Event.objects.filter(kind="mail-refused").values_list("at", "address", "reason")
    once = product((today, today + DAY), ("192.0.2.7", "198.51.100.7"), (reason,))
    assert sorted(told) == sorted(once)


def test_each_protocol_that_it_may_not_use_is_told(house: Installation, anna: Account) -> None:
    made = make(house, anna)
    AppPassword.objects.update(scopes="imap")
    mail = (Protocol.POP3, Protocol.SUBMISSION)

    async def ask() -> None:
        async with open_desk(house) as desk:
            for protocol in mail * 2:
                await desk.ask(ANNA, made.secret, protocol=protocol, arrived=1)
            assert isinstance(await desk.verdict(ANNA, made.secret), Allow)

    run(ask())
    told = Event.objects.filter(kind="mail-refused").values_list("protocol", flat=True)
    assert sorted(told) == sorted(mail)


def test_another_reason_is_told_the_same_day(house: Installation, anna: Account) -> None:
    made = make(house, anna)
    changes: tuple[dict[str, Any], ...] = ({"paused_at": 1}, {"revoked_at": 1})

    async def ask() -> None:
        async with open_desk(house) as desk:
            for columns in changes:
                await desk.do(partial(AppPassword.objects.update, **columns))
                for _ in range(2):
                    await desk.ask(ANNA, made.secret, arrived=1)

    run(ask())
    told = Event.objects.filter(kind="mail-refused").values_list("reason", flat=True)
    assert sorted(told) == [Reason.APP_PASSWORD_PAUSED, Reason.APP_PASSWORD_REVOKED]


@pytest.mark.usefixtures("anna")
def test_what_is_no_app_password_of_hers_is_told_each_time(house: Installation) -> None:
    async def ask() -> None:
        async with open_desk(house) as desk:
            for _ in range(2):
                await desk.ask(ANNA, "a guess", arrived=1)

    run(ask())
    assert Event.objects.filter(kind="mail-refused").count() == 2


@given(reason=st.sampled_from(["", *Reason]), app_password=st.none() | st.just(9))
def test_only_the_refusal_of_an_app_password_is_left_out(
    reason: str, app_password: int | None
) -> None:
    """What was allowed, what was guessed: each is told."""
    event = NewEvent(1, Kind.MAIL_ALLOWED, 7, reason=reason, app_password_id=app_password)
    given_up = GivenUp()
    assert not given_up.was_told(event)
    assert given_up.was_told(event) == bool(reason and app_password)
