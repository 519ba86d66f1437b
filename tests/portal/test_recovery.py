"""A waiting recovery on the pages: begun at the second stage, stopped anywhere, finished later."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from installation import OWNER, PASSWORD, Installation, install
from portal.person import ADDRESS, Person, page_of, text_of
from portal.test_password_reset import ELSEWHERE, NEW, path_of_link
from sidegate.accounts import notices, people, recovery
from sidegate.accounts import two_step as two_step_actions
from sidegate.accounts.notices import unpacked
from sidegate.accounts.queue import payload_of
from sidegate.decisions.recovery import OPEN_FOR, PAUSE, WAIT
from sidegate.events.catalogue import Kind
from sidegate.storage import jobs
from sidegate.storage.models import Account, Event, Job
from sidegate.storage.recovery_models import Recovery

HOUR = 3600


@pytest.fixture
def house(two_step: Person) -> Installation:
    """Anna has 2-step on, a recovery address, and has lost her phone."""
    Account.objects.update(recovery_address=ELSEWHERE)
    two_step.here.clock.forward(seconds=2 * HOUR)
    return two_step.here


def at_second_stage(house: Installation) -> Person:
    person = Person(house)
    assert person.sign_in().status_code == 302
    return person


def start(house: Installation) -> Person:
    person = at_second_stage(house)
    assert person.post("/signin/recovery/start")["Location"] == "/signin/recovery"
    assert Recovery.objects.filter(ended_at=None).exists()
    return person


def forward(house: Installation, milliseconds: int) -> None:
    house.clock.forward(seconds=milliseconds / 1000)


def is_on() -> bool:
    return Account.objects.get(address=ADDRESS).two_step


def stop_path(house: Installation) -> str:
    taken = jobs.take(kinds=[notices.JOB], most=100, now=house.clock())
    Job.objects.update(taken_until=0)
    told = [unpacked(payload_of(house.context, job)) for job in taken]
    (*_, notice) = [one for one in told if one.kind == Kind.RECOVERY_BEGAN]
    return notice.link.removeprefix(house.context.config.server.url)


def test_lost_waited_and_back(house: Installation) -> None:
    person = at_second_stage(house)
    assert 'href="/signin/recovery"' in page_of(person.get("/signin/another-way"))
    page = text_of(person.get("/signin/recovery"))
    assert "it takes 48 hours" in page
    assert "Your mailbox, your recovery address and your phones are told at once" in page
    person.post("/signin/recovery/start")
    assert "A recovery is under way" in text_of(person.get("/signin/recovery"))
    assert person.post("/signin/recovery/finish")["Location"] == "/signin/recovery"
    assert is_on()
    forward(house, WAIT - 1)
    sent = len(house.sender.sent)
    assert person.sign_in()["Location"] == "/signin/recovery", "no code to the lost phone"
    assert len(house.sender.sent) == sent
    assert "from" in text_of(person.get("/signin/recovery"))
    person.post("/signin/recovery/finish")
    assert is_on()
    forward(house, 1)
    assert "Finish the recovery?" in text_of(person.get("/signin/recovery"))
    answer = person.post("/signin/recovery/finish")
    assert answer["Location"] == "/security/two-step"
    assert not is_on()
    page = text_of(person.get("/security/two-step"))
    assert "Turn it on again now" in page
    assert not any(
        cookie.value for name, cookie in person.client.cookies.items() if "recov" in name
    )
    assert "was finished" in text_of(person.get("/activity"))


def test_looking_begins_nothing_and_nothing_is_begun_from_outside(house: Installation) -> None:
    person = at_second_stage(house)
    for path in ("/signin/recovery", "/signin/another-way"):
        person.get(path)
    for path in ("/signin/recovery/start", "/signin/recovery/finish"):
        assert person.get(path).status_code == 405
        assert Person(house).post(path)["Location"] == "/signin"
    assert not Recovery.objects.exists()


def test_rescued_meanwhile(house: Installation) -> None:
    person = at_second_stage(house)
    account = Account.objects.get(address=ADDRESS)
    two_step_actions.turn_off(house.context, account=account, origin=OWNER)
    assert person.get("/signin/recovery")["Location"] == "/signin"
    assert person.post("/signin/recovery/start")["Location"] == "/signin"
    assert not Recovery.objects.exists()


def test_a_password_that_changes_as_it_is_finished_lets_nobody_in(
    installation_on_each: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes before the sign-in on the finished recovery, or ends the session: never between."""
    house = installation_on_each
    anna = house.add(ADDRESS)
    first = Person(house)
    first.sign_in()
    first.turn_on()
    Account.objects.update(recovery_address=ELSEWHERE)
    house.clock.forward(seconds=2 * HOUR)
    person = start(house)
    forward(house, WAIT)
    person.sign_in()
    looked, tried = threading.Event(), threading.Event()
    refresh = Account.refresh_from_db

    def slowly(account: Account) -> None:
        looked.set()
        tried.wait(0.5)  # never set where the change has to wait
        refresh(account)

    def change() -> None:
        try:
            assert looked.wait(10)
            people.change_password(
                house.context,
                account=anna,
                password=NEW,
                keep_app_passwords=True,
                origin=OWNER,
            )
        finally:
            tried.set()
            connection.close()

    monkeypatch.setattr(Account, "refresh_from_db", slowly)
    thread = threading.Thread(target=change)
    thread.start()
    person.post("/signin/recovery/finish")
    thread.join()
    assert Account.objects.get().password_version == anna.password_version + 1
    assert person.get("/security").status_code == 302


def test_another_browser_does_not_finish_it(house: Installation) -> None:
    """Somebody who knows the password waits for the owner's own recovery to be ripe."""
    owner = start(house)
    forward(house, WAIT)
    thief = at_second_stage(house)
    assert "only in the browser that it was started in" in text_of(thief.get("/signin/recovery"))
    thief.post("/signin/recovery/finish")
    assert is_on()
    owner.sign_in()
    owner.post("/signin/recovery/finish")
    assert not is_on()


def test_the_cookie_opens_nothing_without_the_password(house: Installation) -> None:
    person = start(house)
    forward(house, WAIT)
    assert person.get("/security").status_code == 302
    assert person.post("/signin/recovery/finish")["Location"] == "/signin"
    assert "is wrong" in text_of(person.sign_in(password="a guess"))
    assert is_on()


def test_another_password_in_the_same_browser(house: Installation) -> None:
    person = start(house)
    forward(house, WAIT)
    house.add("bert@example.test")
    bert = Account.objects.get(address="bert@example.test")
    two_step_actions.turn_on(
        house.context, account=bert, number="+37120000009", channel="sms", origin=OWNER
    )
    person.sign_in(address="bert@example.test")
    person.post("/signin/recovery/finish")
    bert.refresh_from_db()
    assert bert.two_step
    assert is_on()


def test_after_seven_days_it_is_over(house: Installation) -> None:
    person = start(house)
    forward(house, WAIT + OPEN_FOR)
    person.sign_in()
    person.post("/signin/recovery/finish")
    assert is_on()
    assert "Start the recovery" in text_of(person.get("/signin/recovery"))


def test_neither_password_nor_second_step(house: Installation) -> None:
    person = Person(house)
    person.post(path_of_link(person))
    page = text_of(person.get("/signin/recovery"))
    assert "After 48 hours ask for a new password again." in page
    person.post("/signin/recovery/start")
    assert person.post("/signin/recovery/finish")["Location"] == "/signin/recovery"
    assert person.post("/signin/new-password", new_password=NEW).status_code == 302
    forward(house, WAIT)
    elsewhere = Person(house)
    elsewhere.post(path_of_link(elsewhere))
    assert elsewhere.post("/signin/recovery/finish")["Location"] == "/signin/new-password"
    assert is_on(), "until the new password is set"
    page = text_of(elsewhere.get("/signin/new-password"))
    assert "With it the recovery is finished" in page
    elsewhere.post("/signin/new-password", new_password=NEW)
    assert not is_on()
    assert elsewhere.sign_in(password=NEW)["Location"] == "/"


def test_stopped_while_the_new_password_is_typed(house: Installation) -> None:
    person = Person(house)
    person.post(path_of_link(person))
    person.post("/signin/recovery/start")
    forward(house, WAIT)
    person.post(path_of_link(person))
    person.post("/signin/recovery/finish")
    account = Account.objects.get(address=ADDRESS)
    assert recovery.stop(house.context, account=account, origin=OWNER)
    assert person.post("/signin/new-password", new_password=NEW)["Location"] == "/signin/forgot"
    assert is_on()
    assert Person(house).sign_in(password=NEW).status_code == 200


def test_every_page_of_hers_says_so_and_stops_it(two_step: Person, house: Installation) -> None:
    assert "recovery of your account" not in text_of(two_step.get("/"))
    thief = start(house)
    for path in ("/", "/security", "/personal", "/activity"):
        page = two_step.get(path)
        assert "A recovery of your account is under way: from" in text_of(page), path
        assert 'action="/security/recovery/stop"' in page_of(page)
    answer = two_step.post("/security/recovery/stop")
    assert "The recovery was stopped." in text_of(two_step.get(answer["Location"]))
    assert "under way" not in text_of(two_step.get("/"))
    forward(house, WAIT)
    thief.sign_in()
    thief.post("/signin/recovery/finish")
    assert is_on()
    again = text_of(thief.get("/signin/recovery"))
    assert "No recovery can be started now" in again
    thief.post("/signin/recovery/start")
    assert not Recovery.objects.filter(ended_at=None).exists()
    forward(house, PAUSE - WAIT)
    thief.sign_in()
    thief.post("/signin/recovery/start")
    assert Recovery.objects.filter(ended_at=None).exists()


def test_a_link_stops_it_without_a_sign_in(house: Installation) -> None:
    person = start(house)
    path, anybody = stop_path(house), Person(house)
    for _ in range(3):
        assert "Stop the recovery?" in text_of(anybody.get(path))
    assert Recovery.objects.filter(ended_at=None).exists(), "looking stops nothing"
    forged = Client(enforce_csrf_checks=True, headers={"host": "localhost:8025"})
    assert forged.post(path).status_code == 403
    assert anybody.post(path)["Location"] == "/stopped"
    assert "was stopped" in text_of(anybody.get("/stopped"))
    assert anybody.get(path).status_code == 404
    assert anybody.post(path).status_code == 404
    forward(house, WAIT)
    person.sign_in()
    person.post("/signin/recovery/finish")
    assert is_on()
    assert Event.objects.filter(kind=Kind.RECOVERY_STOPPED).count() == 1


@pytest.mark.parametrize("token", ["x", "%00", "a" * 5000, "..%2f..", "%ed%a0%80"])
def test_no_other_link_says_anything(house: Installation, token: str) -> None:
    start(house)
    for answer in (Person(house).get(f"/stop/{token}"), Person(house).post(f"/stop/{token}")):
        assert answer.status_code == 404
        assert ADDRESS not in text_of(answer)


def test_who_signs_in_with_the_password_alone_cannot_stop_it(house: Installation) -> None:
    """Whoever knows the password must not keep the owner from getting back in."""
    start(house)
    thief = at_second_stage(house)
    assert thief.post("/security/recovery/stop")["Location"].startswith("/signin")
    assert "/stop" not in page_of(thief.get("/signin/recovery"))
    assert Recovery.objects.filter(ended_at=None).exists()


def test_the_links_and_cookies_are_closed_to_scripts_and_other_sites(house: Installation) -> None:
    person = start(house)
    (cookie,) = [one for name, one in person.client.cookies.items() if "recovery" in name]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", cookie.value)


def test_where_no_mail_is_sent_the_operator_is_asked(tmp_path: Path) -> None:
    house = install(tmp_path, toml="[mailserver]\nprivate = false\n")
    house.add(ADDRESS)
    person = Person(house)
    person.sign_in()
    person.turn_on()
    house.clock.forward(seconds=HOUR)
    other = at_second_stage(house)
    assert "Ask whoever runs your mail server" in text_of(other.get("/signin/recovery"))
    other.post("/signin/recovery/start")
    assert not Recovery.objects.exists()


def test_in_latvian(house: Installation) -> None:
    Account.objects.update(language="lv")
    person = Person(house, Client(headers={"host": "localhost:8025", "accept-language": "lv"}))
    person.sign_in(password=PASSWORD)
    assert "Konta atkopšana" in text_of(person.get("/signin/recovery"))
    person.post("/signin/recovery/start")
    assert "Notiek atkopšana" in text_of(person.get("/signin/recovery"))
