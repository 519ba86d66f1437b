"""Your devices: browsers that are signed in, and signed out from another one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.sessions.exceptions import SessionInterrupted
from django.test import Client

from installation import PASSWORD
from portal.person import Person, page_of, text_of
from sidegate.accounts import web_sign_in
from sidegate.events.catalogue import Kind
from sidegate.pages.sessions import SessionStore, key_digest
from sidegate.storage.models import Account, Event, WebSession

TOLD = "You were signed out. Sign in again to go on."


def browser(person: Person, user_agent: str, *, address: str = "127.0.0.1") -> Person:
    """Another browser of Anna's, signed in."""
    headers = {"host": "localhost:8025", "user-agent": user_agent}
    other = Person(person.here, Client(headers=headers, REMOTE_ADDR=address))
    assert other.sign_in().status_code == 302
    return other


def phone(person: Person) -> Person:
    return browser(person, "Mozilla/5.0 (iPhone) Version/18.0 Safari/604.1", address="192.0.2.9")


def key_of(person: Person) -> str:
    return person.client.cookies["sidegate"].value


def handle_of(person: Person) -> str:
    return WebSession.objects.get(pk=key_digest(key_of(person))).handle


def is_told(person: Person) -> bool:
    answer = person.get("/security")
    assert answer.status_code == 302
    return TOLD in text_of(person.client.get(answer["Location"]))


def test_each_browser_stands_on_the_page(inside: Person) -> None:
    phone(inside)
    inside.here.clock.forward(seconds=3600)
    page = text_of(inside.get("/security/devices"))
    this = page.index("Firefox on Windows this one Signed in today")
    assert this < page.index("In use now") < page.index("Safari on iPhone")
    assert re.search(
        r"Safari on iPhone Signed in today, .* Last seen today, .* · 192\.0\.2\.9", page
    )
    assert "2 browsers are signed in" in text_of(inside.get("/security"))
    assert key_digest(key_of(inside)) not in page_of(inside.get("/security/devices"))


def test_a_browser_in_the_same_network_is_said_to_be(person: Person) -> None:
    browser(person, "Mozilla/5.0 (iPad) Safari/604.1", address="192.0.2.10")
    browser(person, "Mozilla/5.0 (Android) Firefox/140", address="198.51.100.7")
    laptop = browser(person, "Mozilla/5.0 (X11; Linux) Firefox/140", address="192.0.2.11")
    page = text_of(laptop.get("/security/devices"))
    assert "192.0.2.10, the network that you are on now" in page
    assert "198.51.100.7," not in page


def test_one_is_signed_out_and_told(inside: Person) -> None:
    other = phone(inside)
    answer = inside.post("/security/devices/sign-out", device=handle_of(other))
    assert "Safari on iPhone was signed out." in text_of(inside.get(answer["Location"]))
    assert is_told(other)
    assert inside.get("/security").status_code == 200
    assert TOLD not in text_of(other.get("/signin"))
    event = Event.objects.get(kind=Kind.WEB_SESSION_ENDED)
    assert "Safari on iPhone" in event.detail
    again = inside.post("/security/devices/sign-out", device="0" * 32)
    assert "was signed out already" in text_of(inside.get(again["Location"]))
    assert "A browser was signed out from another one" in text_of(inside.get("/activity"))


def test_all_others_are_signed_out(inside: Person) -> None:
    others = [phone(inside), phone(inside)]
    answer = inside.post("/security/devices/sign-out-others")
    page = text_of(inside.get(answer["Location"]))
    assert "2 browsers were signed out. Only this one is still signed in." in page
    assert "Sign out everywhere else" not in page
    assert [is_told(other) for other in others] == [True, True]
    again = inside.post("/security/devices/sign-out-others")
    assert "No other browser was signed in." in text_of(inside.get(again["Location"]))
    assert Event.objects.filter(kind=Kind.WEB_SESSION_ENDED).count() == 1
    assert "2 browsers" in text_of(inside.get("/activity"))


@pytest.mark.parametrize("path", ["sign-out", "sign-out-others"])
def test_whose_session_was_over_is_not_signed_out(inside: Person, path: str) -> None:
    handle = handle_of(phone(inside))
    WebSession.objects.filter(handle=handle).update(expires_at=inside.here.clock.ms)
    inside.post(f"/security/devices/{path}", device=handle)
    assert not Event.objects.filter(kind=Kind.WEB_SESSION_ENDED).exists()


def test_nobody_signs_anothers_browser_out(inside: Person) -> None:
    inside.here.add("berta@example.test")
    berta = Person(inside.here)
    berta.sign_in(address="berta@example.test")
    inside.post("/security/devices/sign-out", device=handle_of(berta))
    inside.post("/security/devices/sign-out-others")
    assert berta.get("/security").status_code == 200


@pytest.mark.parametrize("path", ["sign-out", "sign-out-others"])
def test_signing_out_takes_a_button(inside: Person, path: str) -> None:
    other = phone(inside)
    assert inside.get(f"/security/devices/{path}").status_code == 405
    assert other.get("/security").status_code == 200


def test_a_new_password_signs_the_others_out_and_tells_them(inside: Person) -> None:
    other, before = phone(inside), key_of(inside)
    inside.post("/security/password", password=PASSWORD)
    entered = key_of(inside)
    inside.post("/security/password", new_password="a quite different phrase")
    assert is_told(other)
    assert inside.get("/security").status_code == 200
    assert len({before, entered, key_of(inside)}) == 3


def test_whoever_signs_out_herself_is_told_nothing(inside: Person) -> None:
    inside.post("/signout")
    assert TOLD not in text_of(inside.client.get("/security", follow=True))
    assert TOLD not in text_of(inside.client.get("/", follow=True))


def test_a_session_that_is_used_up_is_told(inside: Person) -> None:
    inside.here.clock.forward(seconds=15 * 24 * 3600)
    inside.client.cookies["sidegate"]["expires"] = ""
    assert is_told(inside)


def test_keys_change_and_the_handle_stays(inside: Person) -> None:
    handle, old = handle_of(inside), key_of(inside)
    inside.post("/security/password", password=PASSWORD)
    assert key_of(inside) != old
    assert handle_of(inside) == handle
    assert WebSession.objects.count() == 1
    inside.client.cookies["sidegate"] = old
    assert inside.get("/security").status_code == 302


def test_a_session_ended_at_the_same_moment_does_not_come_back(inside: Person) -> None:
    """Another browser ends it between this one's reading it and raising its trust."""
    store = SessionStore(key_of(inside))
    store["entered"] = "something"
    WebSession.objects.all().delete()
    with pytest.raises(SessionInterrupted):
        store.cycle_key()
    assert not WebSession.objects.exists()


def test_a_page_whose_session_ends_meanwhile_leads_to_the_sign_in(
    inside: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = web_sign_in.check_password

    def late(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on as they are
        WebSession.objects.all().delete()
        return judged(*given, **named)

    monkeypatch.setattr(web_sign_in, "check_password", late)
    answer = inside.post("/security/password", password=PASSWORD)
    assert TOLD in text_of(inside.client.get(answer["Location"]))
    assert not WebSession.objects.exists()


def test_last_seen_is_written_every_five_minutes(inside: Person, anna: Account) -> None:
    row = WebSession.objects.get(account=anna)
    inside.here.clock.forward(seconds=5 * 60)
    inside.get("/")
    assert WebSession.objects.get().seen_at == row.seen_at
    inside.here.clock.forward(seconds=1)
    inside.get("/")
    assert WebSession.objects.get().seen_at == inside.here.clock.ms


def test_a_new_address_is_written_at_once(inside: Person) -> None:
    inside.client.get("/", REMOTE_ADDR="192.0.2.77")
    assert WebSession.objects.get().address == "192.0.2.77"
