"""Turning 2-step on with mail programs in use: listed, app passwords in one go, grace windows."""

from __future__ import annotations

import dataclasses
import re

import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpResponse

from installation import PASSWORD, Installation
from portal.person import NUMBER, Person, page_of, text_of
from sidegate.accounts import app_passwords, grace
from sidegate.decisions.throttle import DAY
from sidegate.factors import app_password
from sidegate.pages.context import context
from sidegate.storage import sightings
from sidegate.storage.models import Account, AppPassword, Event
from sidegate.storage.sightings import Credential, Key, Seen

PAGE = "/security/two-step/turn-on"
BIRD = "Thunderbird 128.0"
OUTPUT = re.compile(r'<output id="[^"]*" data-parted aria-label="([^"]*)"[^>]*>([a-z ]+)</output>')


def saw(account: Account, protocol: str, program: str = "", network: str = "192.0.2.0/24") -> None:
    at = now() - 1000
    key = Key(account.pk, protocol, network, program, "PLAIN", Credential.ACCOUNT_PASSWORD)
    with connection.cursor() as cursor:
        sightings.mark(cursor, [(key, Seen(at, at, network.replace("0/24", "7"), 1))])


def now() -> int:
    return context().now()


@pytest.fixture
def fortnight(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """The same installation with `[policy] grace_days = 14`."""
    config = installation.context.config
    policy = dataclasses.replace(config.policy, grace_days=14)
    installation.context = dataclasses.replace(
        installation.context, config=dataclasses.replace(config, policy=policy)
    )
    monkeypatch.setattr(settings, "SIDEGATE_CONTEXT", installation.context)
    return installation


@pytest.fixture
def at_the_end(inside: Person) -> Person:
    """Anna before *Turn on*, with nothing seen yet."""
    inside.post("/security/two-step/phone", password=PASSWORD)
    inside.post("/security/two-step/phone", number=NUMBER, channel="sms")
    inside.post("/security/two-step/code", code=inside.here.sender.last_code)
    return inside


def boxes(page: HttpResponse, name: str) -> list[str]:
    found = re.findall(
        rf'<input type="checkbox" name="{name}" value="(\w+)"([^>]*)>', page_of(page)
    )
    assert not any("checked" in rest for _, rest in found), "nothing is ticked beforehand"
    return [value for value, _ in found]


def test_with_no_program_nothing_changes(at_the_end: Person) -> None:
    page = text_of(at_the_end.get(PAGE))
    assert "Mail programs that use your account password" in page, "the point that stood there"
    assert "Seen within" not in page
    assert at_the_end.post(PAGE)["Location"] == "/security/two-step"


def test_they_are_listed_and_nothing_is_ticked(at_the_end: Person, anna: Account) -> None:
    saw(anna, "imap", BIRD)
    saw(anna, "submission")
    saw(anna, "submission", network="198.51.100.0/24")
    page = at_the_end.get(PAGE)
    assert f"{BIRD} IMAP, SMTP · 192.0.2.7 · Last used today" in text_of(page)
    assert "A mail program at 198.51.100.7 SMTP · Last used today" in text_of(page)
    assert len(boxes(page, "app-password")) == 2
    assert boxes(page, "goes-on") == []
    assert at_the_end.post(PAGE)["Location"] == "/security/two-step"
    anna.refresh_from_db()
    assert anna.two_step
    assert not AppPassword.objects.exists()


def test_an_app_password_for_each_in_one_go(at_the_end: Person, anna: Account) -> None:
    saw(anna, "imap", BIRD)
    saw(anna, "imap", "iPhone Mail 20B82")
    saw(anna, "submission", network="198.51.100.0/24")
    every = boxes(at_the_end.get(PAGE), "app-password")
    answer = at_the_end.client.post(PAGE, {"app-password": every[:2]})
    shown = dict(OUTPUT.findall(page_of(answer)))
    assert sorted(shown) == [f"App password for {BIRD}", "App password for iPhone Mail 20B82"]
    keys = at_the_end.here.context.keys
    for secret in shown.values():
        letters = app_password.normalise(secret)
        assert letters is not None
        digest = app_password.digest(key=keys.current, account_id=anna.pk, letters=letters)
        row = AppPassword.objects.get(digest=digest)
        assert row.device == ("iphone" if "iPhone" in row.made_for else "other")
    assert "no-store" in answer["Cache-Control"]
    names = {app_passwords.name(row) for row in AppPassword.objects.all()}
    assert names == {f"Mail · {BIRD}", "Mail · iPhone Mail 20B82"}


def test_they_are_shown_once(at_the_end: Person, anna: Account) -> None:
    saw(anna, "imap", BIRD)
    [key] = boxes(at_the_end.get(PAGE), "app-password")
    at_the_end.post(PAGE, **{"app-password": key})
    again = at_the_end.post(PAGE, **{"app-password": key})
    assert again["Location"] == "/security/two-step"
    assert AppPassword.objects.count() == 1


@pytest.mark.parametrize("key", ["", "999999", "x"])
def test_another_s_program_is_not_taken(at_the_end: Person, anna: Account, key: str) -> None:
    ben = at_the_end.here.add("ben@example.test")
    saw(ben, "imap", BIRD)
    fields = {"app-password": key, "goes-on": key}
    assert at_the_end.post(PAGE, **fields)["Location"] == "/security/two-step"
    anna.refresh_from_db()
    assert anna.two_step
    assert not AppPassword.objects.exists()


def test_without_grace_days_a_tick_gives_nothing(at_the_end: Person, anna: Account) -> None:
    saw(anna, "imap", BIRD)
    [key] = boxes(at_the_end.get(PAGE), "app-password")
    at_the_end.post(PAGE, **{"goes-on": key})
    assert not Event.objects.filter(kind="grace-given").exists()


def test_ticked_ones_go_on_and_every_page_says_so(
    fortnight: Installation, at_the_end: Person, anna: Account
) -> None:
    saw(anna, "imap", BIRD)
    saw(anna, "submission")
    saw(anna, "imap", "Mutt 2.2")
    page = at_the_end.get(PAGE)
    keys = boxes(page, "goes-on")
    assert len(keys) == 2
    assert "Goes on with the account password for 14 days" in text_of(page)
    by_name = {
        name: key for key, name in re.findall(r'id="program-(\w+)"><bdi>([^<]*)<', page_of(page))
    }
    bird = by_name[BIRD]
    assert at_the_end.post(PAGE, **{"goes-on": bird})["Location"] == "/security/two-step"
    [given] = grace.open_for(fortnight.context, anna)
    assert (given.name, given.protocols) == (BIRD, ("imap", "submission"))
    said = f"On, except for {BIRD} (14 days left)"
    for path in ("/security", "/security/two-step", "/"):
        assert said in text_of(at_the_end.get(path)), path
    assert f"{BIRD} IMAP, SMTP · 192.0.2.7 · 14 days left End" in text_of(
        at_the_end.get("/security/two-step")
    )
    activity = text_of(at_the_end.get("/activity"))
    assert "A mail program may go on with the account password for now" in activity
    assert f"{BIRD} · for 14 days" in activity
    fortnight.clock.forward(seconds=13 * DAY // 1000 + 1)
    assert f"On, except for {BIRD} (1 day left)" in text_of(at_the_end.get("/security"))
    fortnight.clock.forward(seconds=DAY // 1000)
    assert "2-Step Verification On since" in text_of(at_the_end.get("/security"))


def test_the_owner_ends_it(fortnight: Installation, at_the_end: Person, anna: Account) -> None:
    saw(anna, "imap", BIRD)
    [key] = boxes(at_the_end.get(PAGE), "goes-on")
    at_the_end.post(PAGE, **{"goes-on": key})
    [given] = grace.open_for(fortnight.context, anna)
    assert at_the_end.get("/security/two-step/exceptions/end").status_code == 405
    answer = at_the_end.post("/security/two-step/exceptions/end", id=given.key)
    assert answer["Location"] == "/security/two-step"
    page = text_of(at_the_end.get("/security/two-step"))
    assert f"Ended: {BIRD}. It needs an app password now." in page
    assert "except for" not in page
    assert "may no longer use the account password" in text_of(at_the_end.get("/activity"))
    at_the_end.post("/security/two-step/exceptions/end", id=given.key)
    assert "not in the list any more" in text_of(at_the_end.get("/security/two-step"))


def test_nobody_else_ends_it(fortnight: Installation, at_the_end: Person, anna: Account) -> None:
    saw(anna, "imap", BIRD)
    [key] = boxes(at_the_end.get(PAGE), "goes-on")
    at_the_end.post(PAGE, **{"goes-on": key})
    [given] = grace.open_for(fortnight.context, anna)
    fortnight.add("ben@example.test")
    ben = Person(fortnight)
    ben.sign_in(address="ben@example.test")
    ben.post("/security/two-step/exceptions/end", id=given.key)
    assert grace.open_for(fortnight.context, anna) == [given]


def test_a_new_password_ends_them(
    fortnight: Installation, at_the_end: Person, anna: Account
) -> None:
    saw(anna, "imap", BIRD)
    [key] = boxes(at_the_end.get(PAGE), "goes-on")
    at_the_end.post(PAGE, **{"goes-on": key})
    at_the_end.post("/security/password", password=PASSWORD)
    at_the_end.post("/security/password", new_password="seven little umbrellas")
    assert grace.open_for(fortnight.context, anna) == []
    assert "except for" not in text_of(at_the_end.get("/security"))


def test_in_latvian(fortnight: Installation, at_the_end: Person, anna: Account) -> None:
    del fortnight
    saw(anna, "imap", BIRD)
    [key] = boxes(at_the_end.get(PAGE), "goes-on")
    at_the_end.post(PAGE, **{"goes-on": key})
    page = at_the_end.client.get("/security", headers={"accept-language": "lv"})
    assert f"Ieslēgta, izņemot: {BIRD} (atlikušas 14 dienas)" in text_of(page)


def test_very_many_are_not_all_listed(at_the_end: Person, anna: Account) -> None:
    for number in range(23):
        saw(anna, "imap", f"Program{chr(97 + number)}")
    page = at_the_end.get(PAGE)
    assert len(boxes(page, "app-password")) == 20
    assert "3 more were used longer ago." in text_of(page)
