"""Phones while 2-step is on: added, changed, preferred, removed; each verified, each told."""

from __future__ import annotations

import re

from django.http import HttpResponse

from installation import PASSWORD
from portal.person import NUMBER, Person, page_of, text_of
from sidegate.accounts import phone_numbers
from sidegate.storage.models import Account, Event, Job

OLD, NEW, THIRD = "+37120000000", "+37120000001", "+37120000002"
PHONES = "/security/two-step/phones"


def enter(person: Person, path: str) -> HttpResponse:
    """Go to a page of an area that asks for the password."""
    answer = person.post(path, password=PASSWORD)
    assert answer["Location"] == path
    return person.get(path)


def verify(person: Person, path: str, number: str, channel: str = "sms") -> HttpResponse:
    answer = person.post(path, number=number, channel=channel)
    assert answer["Location"] == f"{PHONES}/code"
    code = next(one["code"] for one in reversed(person.here.sender.sent) if one["code"])
    return person.post(f"{PHONES}/code", code=code)


def numbers(anna: Account) -> list[str]:
    return [phone.number for phone in phone_numbers.phones(anna)]


def key_of(anna: Account, number: str = OLD) -> str:
    return f"phone-{anna.phones.get(number=number).pk}"


def told(person: Person) -> list[str]:
    """Whom the old phones' messages went to."""
    return [one["number"] for one in person.here.sender.sent if not one["code"]]


def add(person: Person, number: str = NEW) -> None:
    path = f"{PHONES}/new"
    enter(person, path)
    assert verify(person, path, number)["Location"] == "/security/two-step"


def test_another_phone_counts_once_it_is_verified(two_step: Person, anna: Account) -> None:
    page = text_of(two_step.get("/security/two-step"))
    assert "the weakest second step" in page
    path = f"{PHONES}/new"
    assert "Add a phone" in text_of(enter(two_step, path))
    two_step.post(path, number=NEW, channel="voice")
    assert numbers(anna) == [OLD]
    code = two_step.here.sender.last_code
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert "This is not the code" in text_of(two_step.post(f"{PHONES}/code", code=wrong))
    assert numbers(anna) == [OLD]
    assert two_step.post(f"{PHONES}/code", code=code)["Location"] == "/security/two-step"
    assert numbers(anna) == [OLD, NEW]
    page = text_of(two_step.get("/security/two-step"))
    assert "The phone was added" in page
    assert "+371 20 000 001" in page
    assert told(two_step) == [OLD]
    assert "were changed" in two_step.here.sender.sent[-1]["text"]
    assert Event.objects.filter(kind="code-sent").count() == 2  # it is none
    assert Event.objects.filter(kind="second-step-added").exists()
    assert Job.objects.filter(subject__startswith="notice:", state="waiting").exists()


def test_a_number_takes_the_place_of_another(two_step: Person, anna: Account) -> None:
    path = f"{PHONES}/{key_of(anna)}/number"
    assert "take the place of +371 20 000 000" in text_of(enter(two_step, path))
    verify(two_step, path, NEW)
    assert numbers(anna) == [NEW]
    assert told(two_step) == [OLD]
    assert Event.objects.filter(kind="phone-changed").count() == 1
    assert Job.objects.filter(subject__endswith=":phone-changed").count() == 2
    assert not Job.objects.filter(subject__contains=":second-step").exists()
    assert "The number was changed" in text_of(two_step.get("/security/two-step"))


def test_a_number_does_not_take_the_place_of_a_phone_that_is_gone(
    two_step: Person, anna: Account
) -> None:
    add(two_step)
    old = key_of(anna)
    assert two_step.post(f"{PHONES}/{old}/number", number=THIRD, channel="sms").status_code == 302
    code = two_step.here.sender.last_code
    two_step.post(f"/security/two-step/steps/{old}/remove")  # in another tab
    answer = two_step.client.post(f"{PHONES}/code", {"code": code}, follow=True)
    assert "This phone was removed meanwhile." in text_of(answer)
    assert numbers(anna) == [NEW]


def test_nothing_without_the_password(two_step: Person, anna: Account) -> None:
    key = key_of(anna)
    for path in ("new", "code", f"{key}/number"):
        answer = two_step.post(f"{PHONES}/{path}", number=NEW, channel="voice", code="123456")
        assert "enter the password of" in text_of(answer), path
    page = two_step.post(f"{PHONES}/{key}/settings", channel="voice")["Location"]
    assert "enter the password of" in text_of(two_step.get(page))
    assert len(two_step.here.sender.sent) == 1
    assert anna.phones.get().channel == "sms"


def test_a_second_step_is_asked_for_too(later: Person, anna: Account) -> None:
    answer = later.post(f"{PHONES}/new", password=PASSWORD)
    assert answer["Location"] == "/security/code"
    assert later.post("/security/code", code=later.here.sender.last_code)["Location"] == (
        f"{PHONES}/new"
    )
    verify(later, f"{PHONES}/new", NEW)
    assert numbers(anna) == [OLD, NEW]


def test_the_preferred_one_gets_the_code(two_step: Person, anna: Account) -> None:
    add(two_step)
    key = key_of(anna, NEW)
    page = text_of(two_step.get(f"/security/two-step/steps/{key}"))
    assert "Use this phone first" in page
    two_step.post(f"{PHONES}/{key}/settings", first="yes")
    two_step.post(f"{PHONES}/{key}/settings", channel="voice")
    assert numbers(anna) == [NEW, OLD]
    assert "Use this phone first" not in text_of(two_step.get(f"/security/two-step/steps/{key}"))
    two_step.post("/signout")
    two_step.here.clock.forward(seconds=31)
    two_step.sign_in()
    sent = two_step.here.sender.sent[-1]
    assert (sent["number"], sent["channel"]) == (NEW, "voice")


def test_the_last_one_stays(two_step: Person, anna: Account) -> None:
    key = key_of(anna)
    remove = f"/security/two-step/steps/{key}/remove"
    enter(two_step, f"/security/two-step/steps/{key}")
    two_step.post(remove)
    assert "This is your last second step" in text_of(
        two_step.get(f"/security/two-step/steps/{key}")
    )
    assert numbers(anna) == [OLD]


def test_a_removed_phone_is_told(two_step: Person, anna: Account) -> None:
    add(two_step)
    two_step.post(f"/security/two-step/steps/{key_of(anna)}/remove")
    assert numbers(anna) == [NEW]
    assert told(two_step) == [OLD, OLD, NEW]


def test_numbers_that_are_refused(two_step: Person, anna: Account) -> None:
    path = f"{PHONES}/new"
    enter(two_step, path)
    page = text_of(two_step.post(path, number=NUMBER, channel="sms"))
    assert "This number is already one of yours" in page
    for last in range(2, 6):
        anna.phones.create(number=f"+3712000001{last}", channel="sms", added_at=last)
    answer = two_step.post(path, number=NEW, channel="sms")
    assert "as many phones as are allowed" in text_of(answer)
    assert re.search(r'<p class="error" id="id_number_error">', page_of(answer))
    assert len(two_step.here.sender.sent) == 1


def test_too_many_codes(two_step: Person) -> None:
    path = f"{PHONES}/new"
    enter(two_step, path)
    for _ in range(3):
        two_step.post(path, number=THIRD, channel="sms")
    page = text_of(two_step.post(path, number=THIRD, channel="sms"))
    assert "3 codes were sent to this number within 10 minutes" in page
    assert "The next one can be sent at" in page


def test_send_again(two_step: Person) -> None:
    path = f"{PHONES}/new"
    enter(two_step, path)
    two_step.post(path, number=NEW, channel="sms")
    two_step.here.clock.forward(seconds=31)
    assert two_step.post(f"{PHONES}/code/again")["Location"] == f"{PHONES}/code"
    assert len([one for one in two_step.here.sender.sent if one["number"] == NEW]) == 2


def test_it_says_that_phones_are_the_weakest(inside: Person) -> None:
    inside.post("/security/two-step/phone", password=PASSWORD)
    page = text_of(inside.get("/security/two-step/phone"))
    assert "Codes by phone are the weakest second step" in page
