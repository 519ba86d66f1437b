"""A sign-in from a browser that is new to its account: told once, by mail, and on Activity."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client

from installation import PASSWORD
from portal.person import Person, text_of
from sidegate.accounts.notices import MOST_SIGN_INS_A_DAY
from sidegate.storage.models import Account, Event, Job
from sidegate.storage.second_step_models import KnownBrowser

COOKIE = "sidegate-known"


def messages() -> int:
    return Job.objects.filter(subject__endswith=":web-signed-in").count()


def again(person: Person) -> None:
    person.post("/signout")
    assert person.sign_in().status_code == 302


def test_a_browser_is_new_once(inside: Person) -> None:
    assert messages() == 2  # at once, and ten minutes later
    token = inside.client.cookies[COOKIE].value
    again(inside)
    assert inside.client.cookies[COOKIE].value == token
    assert messages() == 2
    assert Event.objects.filter(kind="web-signed-in", detail__contains='"new"').count() == 1
    assert "a new browser" in text_of(inside.get("/activity"))


def test_another_browser_is_told(inside: Person) -> None:
    other = Person(inside.here)
    assert other.sign_in().status_code == 302
    assert messages() == 4
    assert other.client.cookies[COOKIE].value != inside.client.cookies[COOKIE].value


def test_a_cookie_that_is_no_token_is_put_right(inside: Person) -> None:
    for wrong in ("x", "é" * 32, "a" * 33, "a" * 5000):
        inside.client.cookies[COOKIE] = wrong
        again(inside)
        assert len(inside.client.cookies[COOKIE].value) == 32
    assert KnownBrowser.objects.count() == 5


def test_an_outage_loses_no_message(
    person: Person, anna: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What tells of the new browser fails: it is still new when it tries again."""

    def away(*_: object, **__: object) -> None:
        raise OperationalError("away")

    with monkeypatch.context() as broken:
        broken.setattr("sidegate.accounts.web_sign_in.tell_of_change", away)
        assert person.sign_in().status_code == 503
    assert COOKIE not in person.client.cookies
    assert not KnownBrowser.objects.filter(account=anna).exists()
    assert person.get("/security").status_code == 302, "nobody is in without its event"
    assert person.sign_in().status_code == 302
    assert messages() == 2


def test_so_many_messages_a_day(inside: Person) -> None:
    for _ in range(MOST_SIGN_INS_A_DAY + 2):
        del inside.client.cookies[COOKIE]
        again(inside)
    assert messages() == 2 * MOST_SIGN_INS_A_DAY
    assert Event.objects.filter(detail__contains='"new"').count() == MOST_SIGN_INS_A_DAY + 3
    inside.here.clock.forward(seconds=86_401)
    inside.client.cookies.clear()
    assert inside.sign_in().status_code == 302
    assert messages() == 2 * MOST_SIGN_INS_A_DAY + 2


def test_nothing_before_the_sign_in_is_finished(later: Person, anna: Account) -> None:
    """A right password alone, with 2-step on: no cookie, no row, no message."""
    rows, told = KnownBrowser.objects.count(), messages()
    other = Person(later.here, Client(headers={"host": "localhost:8025"}))
    other.post("/signin", email="nobody@example.test", password=PASSWORD)
    assert other.sign_in()["Location"] == "/signin/code"
    assert COOKIE not in other.client.cookies
    assert (KnownBrowser.objects.count(), messages()) == (rows, told)
    other.post("/signin/code", code=other.here.sender.last_code)
    assert COOKIE in other.client.cookies
    assert KnownBrowser.objects.filter(account=anna).count() == rows + 1
    assert messages() == told + 2
