"""Forgot password: the same answer for everybody; looking at a link changes nothing."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from installation import OPERATOR, PASSWORD, Installation, install
from portal import test_passkeys
from portal.person import ADDRESS, Person, page_of, text_of
from sidegate.accounts import job_runner, notices, password_reset, people, recovery_address
from sidegate.accounts.notices import unpacked
from sidegate.accounts.password_reset_jobs import ResetHandler
from sidegate.accounts.queue import payload_of
from sidegate.events.catalogue import Kind
from sidegate.storage import jobs
from sidegate.storage.models import Account, Event, Job, WebSession
from soft_key import SoftKey

ELSEWHERE = "anna@elsewhere.test"
NEW = "wooden kettle orange ferry"
DIRECTORY = """
[mailserver]
private = false
[notices]
smtp = "127.0.0.1:25"
from_address = "no-reply@example.test"
[directory]
source = "dovecot"
auth = "unix:/run/nowhere-auth"
userdb = "unix:/run/nowhere-userdb"
"""
SAME = "If there is an account with a verified recovery address, a message is on its way."


@pytest.fixture
def anna(installation: Installation) -> Account:
    account = installation.add(ADDRESS)
    Account.objects.filter(pk=account.pk).update(recovery_address=ELSEWHERE)
    account.refresh_from_db()
    return account


def stranger(house: Installation) -> Person:
    return Person(house)


def answer_askers(house: Installation) -> None:
    """What the runner of a running Sidegate does."""
    handler = ResetHandler(house.context)
    for job in jobs.take(kinds=[password_reset.JOB], most=100, now=house.clock()):
        outcome = asyncio.run(job_runner.outcome_of(handler, job, now=house.clock()))
        job_runner.write(handler, job, outcome, now=house.clock())


def path_of_link(person: Person) -> str:
    """Ask, and read the message."""
    answer = person.post("/signin/forgot", email=ADDRESS)
    assert answer["Location"] == "/signin/forgot/sent"
    return newest_link(person.here)


def newest_link(house: Installation) -> str:
    answer_askers(house)
    taken = jobs.take(kinds=[notices.JOB], most=100, now=house.clock())
    Job.objects.update(taken_until=0)
    told = [unpacked(payload_of(house.context, job)) for job in taken]
    (*_, notice) = [one for one in told if one.kind == Kind.PASSWORD_RESET_ASKED]
    assert notice.to == ELSEWHERE
    return notice.link.removeprefix(house.context.config.server.url)


def opens(house: Installation, password: str) -> bool:
    return Person(house).sign_in(password=password).status_code == 302


def test_from_the_sign_in_page_to_a_new_password(person: Person) -> None:
    assert 'href="/signin/forgot"' in page_of(person.get("/signin"))
    path = path_of_link(person)
    assert SAME in text_of(person.get("/signin/forgot/sent"))
    assert ADDRESS in text_of(person.get(path))
    assert person.post(path)["Location"] == "/signin/new-password"
    assert f"for {ADDRESS}" in text_of(person.get("/signin/new-password"))
    weak = person.post("/signin/new-password", new_password="short")
    assert "Use at least 8 characters." in text_of(weak)
    answer = person.post("/signin/new-password", new_password=NEW)
    assert answer["Location"] == "/signin"
    assert "Your new password is set." in text_of(person.get("/signin"))
    assert person.get("/security").status_code == 302, "nobody is signed in by it"
    assert opens(person.here, NEW)
    assert not opens(person.here, PASSWORD)


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_a_link_changes_nothing(person: Person, method: str) -> None:
    path = path_of_link(person)
    for _ in range(3):
        assert getattr(person.client, method)(path).status_code == 200
    assert person.post(path).status_code == 302
    over = person.get(path)
    assert over.status_code == 404
    assert "no longer sets a password" in text_of(over)
    assert person.post(path).status_code == 404


@pytest.mark.parametrize("token", ["x", "%00", "a" * 5000, "..%2f..", "%ed%a0%80"])
def test_no_other_link_says_anything(person: Person, token: str) -> None:
    for answer in (person.get(f"/signin/reset/{token}"), person.post(f"/signin/reset/{token}")):
        assert answer.status_code == 404
        assert ADDRESS not in text_of(answer)


def test_a_form_from_elsewhere_uses_no_link_up(person: Person) -> None:
    path = path_of_link(person)
    other = Client(enforce_csrf_checks=True, headers={"host": "localhost:8025"})
    assert other.post(path).status_code == 403
    assert person.get(path).status_code == 200


def test_the_links_page_sends_its_address_nowhere(person: Person) -> None:
    answer = person.get(path_of_link(person))
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "no-store"
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page_of(answer))


def test_only_the_browser_that_used_it(person: Person) -> None:
    person.post(path_of_link(person))
    other = Person(person.here)
    assert other.post("/signin/new-password", new_password=NEW)["Location"] == "/signin"
    assert not opens(person.here, NEW)
    person.here.clock.forward(seconds=15 * 60 + 1)
    assert person.post("/signin/new-password", new_password=NEW)["Location"] == "/signin"
    assert not opens(person.here, NEW)


def test_a_used_link_ends_with_the_address_it_went_to(person: Person, anna: Account) -> None:
    person.post(path_of_link(person))
    assert person.get("/signin/new-password").status_code == 200
    recovery_address.remove(person.here.context, account=anna, origin=OPERATOR)
    assert person.get("/signin/new-password")["Location"] == "/signin"
    assert person.post("/signin/new-password", new_password=NEW)["Location"] == "/signin"
    assert not opens(person.here, NEW)


def test_whoever_signs_in_by_password_sets_none(person: Person, two_step: Person) -> None:
    del two_step
    person.client.cookies.clear()
    person.sign_in()
    assert person.post("/signin/new-password", new_password=NEW)["Location"] == "/signin"
    assert not opens(person.here, NEW)


def test_the_second_step_comes_first(two_step: Person) -> None:
    house = two_step.here
    house.clock.forward(seconds=3601)
    person = Person(house)
    answer = person.post(path_of_link(person))
    assert answer["Location"] == "/signin/code"
    assert "Don't ask again" not in text_of(person.get("/signin/code"))
    early = person.post("/signin/new-password", new_password=NEW)
    assert early.status_code == 302
    house.clock.forward(seconds=31)
    assert not opens_first_stage(house, NEW)
    answer = person.post("/signin/code", code=house.sender.last_code, trust="yes")
    assert answer["Location"] == "/signin/new-password"
    assert person.get("/security").status_code == 302, "it signs nobody in"
    assert not any("trust" in name for name in person.client.cookies)
    assert person.post("/signin/new-password", new_password=NEW)["Location"] == "/signin"
    assert opens_first_stage(house, NEW)
    assert Account.objects.get(address=ADDRESS).two_step


def opens_first_stage(house: Installation, password: str) -> bool:
    return Person(house).sign_in(password=password).status_code == 302


@pytest.mark.parametrize("whole", [False, True])
def test_a_passkey_is_a_second_step_too(two_step: Person, whole: bool) -> None:  # noqa: FBT001
    """After the link it leads to the new password; as the whole sign-in it is one, as ever."""
    house, key = two_step.here, SoftKey()
    test_passkeys.add(two_step, key)
    house.clock.forward(seconds=3601)
    person = Person(house)
    assert person.post(path_of_link(person))["Location"] == test_passkeys.STEP
    path = test_passkeys.WHOLE if whole else test_passkeys.STEP
    answer = person.post(path, passkey=key.get(test_passkeys.options(person, path)))
    assert answer["Location"] == ("/" if whole else "/signin/new-password")
    assert person.get("/security").status_code == (200 if whole else 302)
    person.post("/signin/new-password", new_password=NEW)
    assert opens_first_stage(house, NEW) is not whole


def test_a_wrong_code_sets_no_password(two_step: Person) -> None:
    house = two_step.here
    house.clock.forward(seconds=3601)
    person = Person(house)
    person.post(path_of_link(person))
    wrong = f"{(int(house.sender.last_code) + 1) % 1_000_000:06}"
    assert "This is not the code." in text_of(person.post("/signin/code", code=wrong))
    person.post("/signin/new-password", new_password=NEW)
    assert not opens_first_stage(house, NEW)


def test_a_second_step_from_before_does_not_count(two_step: Person) -> None:
    """2-step went off and on again between the code and the new password."""
    house = two_step.here
    house.clock.forward(seconds=3601)
    person = Person(house)
    person.post(path_of_link(person))
    person.post("/signin/code", code=house.sender.last_code)
    house.clock.forward(seconds=1)
    Account.objects.update(two_step_since=house.clock())
    answer = person.post("/signin/new-password", new_password=NEW)
    assert answer["Location"] == "/signin/forgot"
    assert "something changed meanwhile" in text_of(person.get("/signin/forgot"))
    assert not opens_first_stage(house, NEW)


def test_app_passwords_go_unless_they_are_kept(two_step: Person) -> None:
    house = two_step.here
    house.clock.forward(seconds=3601)
    two_step.post("/security/app-passwords", password=PASSWORD)
    two_step.post("/security/code", code=house.sender.last_code)
    two_step.generate()
    house.clock.forward(seconds=3601)
    for keep, left in (({"keep_app_passwords": "on"}, 1), ({}, 0)):
        person = Person(house)
        person.post(path_of_link(person))
        person.post("/signin/code", code=house.sender.last_code)
        assert "Keep my app passwords" in text_of(person.get("/signin/new-password"))
        person.post("/signin/new-password", new_password=NEW, **keep)
        active = Account.objects.get(address=ADDRESS).app_passwords.filter(revoked_at=None)
        assert active.count() == left
        house.clock.forward(seconds=3601)


def test_every_browser_is_signed_out(inside: Person) -> None:
    person = Person(inside.here)
    person.post(path_of_link(person))
    person.post("/signin/new-password", new_password=NEW)
    assert inside.get("/security").status_code == 302
    assert not WebSession.objects.exclude(account=None).exists()


@pytest.fixture
def others(person: Person) -> dict[str, str]:
    """Addresses for which no message goes out, by why."""
    people.add(
        person.here.context,
        address="bert@example.test",
        name="",
        password=PASSWORD,
        origin=OPERATOR,
    )
    gone = person.here.add("gone@example.test")
    Account.objects.filter(pk=gone.pk).update(recovery_address=ELSEWHERE)
    people.set_enabled(person.here.context, account=gone, enabled=False, origin=OPERATOR)
    return {
        "unknown": "nobody@example.test",
        "no recovery address": "bert@example.test",
        "disabled": "gone@example.test",
        "no address at all": "anna",
        "a plus address": "anna+x@example.test",
    }


def test_nobody_can_tell_whether_there_is_an_account(
    person: Person, others: dict[str, str]
) -> None:
    """Text, status, cookies, and the work that is done: all the same."""

    def seen(address: str) -> tuple[object, ...]:
        browser = Person(person.here)
        with CaptureQueriesContext(connection) as queries:
            page = browser.get("/signin/forgot")
            answer = browser.post("/signin/forgot", email=address)
            sent = browser.get("/signin/forgot/sent")
        work = [re.sub(r"'[^']*'|x'[0-9a-f]+'|\d+", "?", one["sql"]) for one in queries]
        return (
            page.status_code,
            answer.status_code,
            {**answer.headers},
            sorted(browser.client.cookies),
            text_of(sent),
            work,
        )

    known = seen(ADDRESS)
    for why, address in others.items():
        assert seen(address) == known, why
    answer_askers(person.here)
    told = Event.objects.filter(kind=Kind.PASSWORD_RESET_ASKED)
    assert {event.account_id for event in told} == {Account.objects.get(address=ADDRESS).pk}


def test_a_network_that_asks_too_often_is_told_so(person: Person) -> None:
    for address in ("nobody@example.test", ADDRESS):
        for _ in range(20):
            person.client.post("/signin/forgot", {"email": address}, REMOTE_ADDR="203.0.113.9")
        answer = person.client.post(
            "/signin/forgot", {"email": address}, REMOTE_ADDR="203.0.113.10"
        )
        assert answer.status_code == 429
        assert "Try again in an hour." in text_of(answer)


def test_the_form_says_what_is_missing(person: Person) -> None:
    answer = person.post("/signin/forgot", email="")
    assert "Enter your email address." in text_of(answer)
    assert not Job.objects.filter(kind=password_reset.JOB).exists()


@pytest.mark.parametrize(
    "toml",
    [
        "[mailserver]\nprivate = false\n",
        DIRECTORY,
    ],
)
def test_none_without_mail_or_with_passwords_kept_elsewhere(tmp_path: Path, toml: str) -> None:
    person = Person(install(tmp_path, toml=toml))
    assert "Forgot" not in text_of(person.get("/signin"))
    assert person.get("/signin/forgot").status_code == 404
    assert person.post("/signin/forgot", email=ADDRESS).status_code == 404
    assert not Job.objects.exists()
