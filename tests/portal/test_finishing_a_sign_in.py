"""What a sign-in rests on is taken away at the very moment at which it is finished."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from installation import OPERATOR, OWNER, PASSWORD, Installation
from portal.person import ADDRESS, NUMBER, Person
from sidegate.accounts import (
    known_browsers,
    lock_links,
    locking,
    people,
    second_steps,
    two_step,
)
from sidegate.accounts.second_steps import NewPasskey, NewPhone
from sidegate.portal import known, sign_in_stages
from sidegate.storage.models import Account, Event, WebSession
from sidegate.storage.second_step_models import TrustedBrowser

PHONE = NUMBER.replace(" ", "")
Work = Callable[[Installation, Account], object]


@pytest.fixture
def house(installation_on_each: Installation) -> Installation:
    return installation_on_each


@pytest.fixture
def anna(house: Installation) -> Account:
    """With 2-step on, a phone and a passkey."""
    account = house.add(ADDRESS)
    two_step.turn_on(house.context, account=account, number=PHONE, channel="sms", origin=OWNER)
    key = NewPasskey("Key", b"id", b"key", 0, "", user_verified=True, discoverable=True)
    second_steps.add(house.context, account=account, new=key, origin=OWNER)
    house.clock.forward(seconds=3600)
    return account


@pytest.fixture
def waiting(house: Installation, anna: Account) -> Person:
    """A browser that was sent the code of its second step."""
    person = Person(house)
    person.sign_in()
    [step] = [one for one in second_steps.of(anna) if one.number]
    answer = person.post("/signin/another-way", way=f"{step.id}-sms")
    assert answer["Location"] == "/signin/code"
    return person


def give_code(person: Person, **more: str) -> None:
    person.post("/signin/code", code=person.here.sender.last_code, **more)


def is_in(person: Person) -> bool:
    return person.get("/security").status_code == 200


def remove_phone(house: Installation, anna: Account) -> None:
    [step] = [one for one in second_steps.of(anna) if one.number]
    assert second_steps.remove(house.context, account=anna, key=step.key, origin=OWNER)


def change_phone(house: Installation, anna: Account) -> None:
    [step] = [one for one in second_steps.of(anna) if one.number]
    second_steps.change_number(
        house.context,
        account=anna,
        new=NewPhone(number="+37129999999", channel="sms"),
        replaces=step,
        origin=OWNER,
    )


def turn_off(house: Installation, anna: Account) -> None:
    two_step.turn_off(house.context, account=anna, origin=OWNER)


def turn_off_and_on(house: Installation, anna: Account) -> None:
    turn_off(house, anna)
    house.clock.forward(seconds=1)
    two_step.turn_on(house.context, account=anna, number=PHONE, channel="sms", origin=OWNER)


def change_password(house: Installation, anna: Account) -> None:
    people.change_password(
        house.context,
        account=anna,
        password="wooden kettle orange ferry",
        keep_app_passwords=True,
        origin=OWNER,
    )


def lock(house: Installation, anna: Account) -> None:
    token = lock_links.new_link(house.context, account=anna).rpartition("/")[2]
    locking.lock(house.context, token=token, origin=OWNER)


def disable(house: Installation, anna: Account) -> None:
    people.set_enabled(house.context, account=anna, enabled=False, origin=OPERATOR)


TAKEN_AWAY = [
    remove_phone, change_phone, turn_off, turn_off_and_on, change_password, lock, disable,
]  # fmt: skip
named = pytest.mark.parametrize("take_away", TAKEN_AWAY, ids=lambda work: work.__name__)


def once_before(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, do: Callable[[], object]
) -> None:
    """Do something the first time that a function is called, before it."""
    known_as, left = getattr(where, name), [do]

    def instead(*given: object, **named: object) -> object:
        if left:
            left.pop()()
        return known_as(*given, **named)

    monkeypatch.setattr(where, name, instead)


@named
def test_earlier_it_refuses_the_sign_in(
    house: Installation,
    anna: Account,
    waiting: Person,
    take_away: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the right code and the last look."""
    once_before(monkeypatch, known, "token_of", lambda: take_away(house, anna))
    give_code(waiting, trust="on")
    assert not is_in(waiting)
    assert not WebSession.objects.filter(account=anna).exists()
    assert not Event.objects.filter(kind="web-signed-in").exists()
    assert not TrustedBrowser.objects.exists()


@named
def test_later_it_ends_the_session(
    house: Installation,
    anna: Account,
    waiting: Person,
    take_away: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before the answer has left, and before the browser is trusted."""
    once_before(monkeypatch, known, "remember", lambda: take_away(house, anna))
    give_code(waiting, trust="on")
    assert not is_in(waiting)
    assert not WebSession.objects.filter(account=anna).exists()
    assert Event.objects.filter(kind="web-signed-in").count() == 1
    assert not TrustedBrowser.objects.exists()


def test_another_step_that_comes_changes_nothing(
    house: Installation, anna: Account, waiting: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = NewPhone(number="+37129999999", channel="sms")
    once_before(
        monkeypatch,
        known,
        "token_of",
        lambda: second_steps.add(house.context, account=anna, new=new, origin=OWNER),
    )
    give_code(waiting, trust="on")
    assert is_in(waiting)
    assert TrustedBrowser.objects.count() == 1


def test_a_trusted_browser_is_refused_once_its_trust_has_ended(
    house: Installation, anna: Account, waiting: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_code(waiting, trust="on")
    waiting.post("/signout")
    once_before(monkeypatch, sign_in_stages, "finish", lambda: remove_phone(house, anna))
    waiting.sign_in(password=PASSWORD)
    assert not is_in(waiting)


@named
def test_at_the_same_time_one_waits_for_the_other(
    house: Installation,
    anna: Account,
    waiting: Person,
    take_away: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was looked at for the last time, and its session is not written yet."""
    looked, tried = threading.Event(), threading.Event()

    def wait() -> None:
        looked.set()
        tried.wait(0.5)  # never set where what is taken away has to wait

    once_before(monkeypatch, known_browsers, "is_hers", wait)
    failed: list[BaseException] = []

    def other() -> None:
        try:
            assert looked.wait(10)
            take_away(house, anna)
        except BaseException as problem:  # noqa: BLE001 - told below
            failed.append(problem)
        finally:
            tried.set()
            connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    give_code(waiting)
    thread.join()
    assert failed == []
    assert not is_in(waiting)
    assert not WebSession.objects.filter(account=anna).exists()
