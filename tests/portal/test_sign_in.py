"""Signing in: both stages, no enumeration, no way around."""

import re
from typing import cast

import pytest

from installation import OPERATOR, PASSWORD, Installation
from portal.person import ADDRESS, Person, form_value, text_of
from sidegate.accounts import people
from sidegate.accounts import two_step as second_step_switch
from sidegate.decisions.mail import PasswordCheck
from sidegate.directory.own import OwnDirectory
from sidegate.portal import sign_in_stages
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.models import Account, Event, WebSession


def test_without_two_step_the_password_is_enough(person: Person) -> None:
    answer = person.sign_in()
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert "Welcome, Anna" in text_of(person.get("/"))
    assert Event.objects.filter(kind="web-signed-in").count() == 1


def test_every_page_but_the_open_ones_asks_for_a_sign_in(person: Person) -> None:
    for path in ("/", "/security", "/activity", "/security/app-passwords", "/mail"):
        answer = person.get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/signin")


def test_the_sign_in_goes_on_to_the_page_that_was_asked_for(person: Person) -> None:
    page = person.client.get("/security", follow=True)
    assert form_value(page, "next") == "/security"
    assert person.sign_in(next="/security")["Location"] == "/security"


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.test/", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test",
     "javascript:alert(1)", "http:evil.test", "signin", "/\tx//evil.test\n"],
)  # fmt: skip
def test_it_goes_nowhere_else(person: Person, wanted: str) -> None:
    assert "evil" not in person.sign_in(next=wanted)["Location"] or wanted.startswith("/\t")
    assert person.get("/signin", next=wanted)["Location"].startswith("/")
    assert not person.get("/signin", next=wanted)["Location"].startswith(("//", "/\\"))


def without_what_differs_each_time(page: str) -> str:
    page = re.sub(r'csrfmiddlewaretoken" value="[^"]+"', "", page)
    return re.sub(r"[a-z]+@example\.test", "", page)


def test_nobody_learns_whether_an_address_exists(
    person: Person, installation: Installation
) -> None:
    disabled = installation.add("dora@example.test")
    people.set_enabled(installation.context, account=disabled, enabled=False, origin=OPERATOR)
    answers = [
        person.sign_in(address=ADDRESS, password="wrong"),
        person.sign_in(address="nobody@example.test", password="wrong"),
        person.sign_in(address="nobody@example.test", password=PASSWORD),
        person.sign_in(address="dora@example.test", password=PASSWORD),
    ]
    assert "The email address or the password is wrong" in text_of(answers[0])
    pages = {without_what_differs_each_time(answer.content.decode()) for answer in answers}
    assert len(pages) == 1
    assert {answer.status_code for answer in answers} == {200}
    assert len({tuple(sorted(answer.cookies)) for answer in answers}) == 1


def test_too_many_wrong_ones_are_cannot_tell(person: Person) -> None:
    for address in (ADDRESS, "nobody@example.test"):
        for n in range(40):
            last = person.sign_in(address=address, password=f"wrong {n}")
        assert last.status_code == 503
        assert "Try again in a few minutes" in text_of(last)
        assert "wrong" not in text_of(last)


def test_an_outage_is_no_wrong_password(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OwnDirectory, "check_blocking", lambda *_a, **_k: PasswordCheck.BUSY)
    answer = person.sign_in()
    assert answer.status_code == 503
    assert "Try again in a few minutes" in text_of(answer)


def test_empty_fields_are_named(person: Person) -> None:
    page = person.post("/signin", email="", password="")
    assert "Enter your email address." in text_of(page)
    assert "Enter your password." in text_of(page)
    assert "<title>Error: Sign in" in page.content.decode()


def test_with_two_step_the_password_opens_nothing(later: Person) -> None:
    later.post("/signout")
    answer = later.sign_in(next="/security")
    assert answer["Location"] == "/signin/code"
    for path in ("/", "/security", "/security/app-passwords", "/activity"):
        assert later.get(path).status_code == 302
    assert later.post("/security/two-step/turn-off")["Location"] == "/signin"


def test_the_code_finishes_it(later: Person) -> None:
    later.post("/signout")
    later.sign_in(next="/security")
    page = text_of(later.get("/signin/code"))
    assert "We sent a text message with a code of 6 digits to ••• •• 00." in page
    code = later.here.sender.last_code
    answer = later.post("/signin/code", code=f" {code[:3]}-{code[3:]} ")
    assert answer["Location"] == "/security"
    assert later.get("/security").status_code == 200


def test_five_wrong_codes_kill_it(later: Person) -> None:
    later.post("/signout")
    later.sign_in()
    right = later.here.sender.last_code
    wrong = "000000" if right != "000000" else "111111"
    assert "4 tries are left" in text_of(later.post("/signin/code", code=wrong))
    for _ in range(3):
        later.post("/signin/code", code=wrong)
    assert "too many wrong tries" in text_of(later.post("/signin/code", code=wrong))
    assert "too many wrong tries" in text_of(later.post("/signin/code", code=right))
    assert later.get("/security").status_code == 302


def test_what_is_no_code_costs_no_try(later: Person) -> None:
    later.post("/signout")
    later.sign_in()
    for typed in ("12345", "abcdef", "1234567", "\N{SNOWMAN}" * 6):
        assert "A code has 6 digits" in text_of(later.post("/signin/code", code=typed))
    assert "Enter the code" in text_of(later.post("/signin/code", code=""))
    assert later.post("/signin/code", code=later.here.sender.last_code)["Location"] == "/"


def test_a_code_is_good_for_ten_minutes(later: Person) -> None:
    later.post("/signout")
    later.sign_in()
    later.here.clock.forward(seconds=601)
    page = later.post("/signin/code", code=later.here.sender.last_code)
    assert "older than 10 minutes" in text_of(page)


def test_a_stage_is_good_for_fifteen(later: Person) -> None:
    later.post("/signout")
    later.sign_in()
    later.here.clock.forward(seconds=901)
    assert later.get("/signin/code")["Location"] == "/signin"
    assert "That took too long" in text_of(later.get("/signin"))


def test_send_again_waits_thirty_seconds(later: Person) -> None:
    later.post("/signout")
    later.sign_in()
    first = later.here.sender.last_code
    sent = len(later.here.sender.sent)
    assert later.post("/signin/code/again")["Location"] == "/signin/code"
    assert "moments ago" in text_of(later.get("/signin/code"))
    assert len(later.here.sender.sent) == sent
    later.here.clock.forward(seconds=30)
    later.post("/signin/code/again")
    page = text_of(later.get("/signin/code"))
    assert "A new code is on its way" in page
    assert len(later.here.sender.sent) == sent + 1
    if first != later.here.sender.last_code:
        assert "not the code" in text_of(later.post("/signin/code", code=first))
    assert later.post("/signin/code", code=later.here.sender.last_code)["Location"] == "/"


def test_another_way_is_a_call(later: Person) -> None:
    later.post("/signout")
    later.sign_in()
    page = later.get("/signin/another-way")
    assert "Phone call ••• •• 00" in text_of(page)
    way = re.findall(r'name="way" value="(\d+-voice)"', page.content.decode())[0]
    assert later.post("/signin/another-way", way=way)["Location"] == "/signin/code"
    assert later.here.sender.sent[-1]["channel"] == "voice"
    assert "We are calling ••• •• 00" in text_of(later.get("/signin/code"))
    assert later.post("/signin/code", code=later.here.sender.last_code)["Location"] == "/"


def test_another_way_is_no_other_number(later: Person) -> None:
    later.post("/signout")
    later.sign_in()
    sent = len(later.here.sender.sent)
    for way in ("", "999-sms", "+37129999999-sms", "x"):
        assert later.post("/signin/another-way", way=way).status_code == 200
    assert len(later.here.sender.sent) == sent


def test_three_codes_in_ten_minutes(later: Person) -> None:
    later.post("/signout")
    for _ in range(3):
        assert later.sign_in()["Location"] == "/signin/code"
    assert later.sign_in()["Location"] == "/signin/another-way"
    page = text_of(later.get("/signin/another-way"))
    assert "3 codes were sent to this number within 10 minutes" in page
    assert "The next one can be sent at" in page


def test_a_gateway_that_is_away(later: Person) -> None:
    later.post("/signout")
    later.here.sender.away = True
    assert later.sign_in()["Location"] == "/signin/code"
    page = text_of(later.get("/signin/code"))
    assert "could not be sent to ••• •• 00 yet. We keep trying." in page
    later.here.sender.away = False
    later.here.clock.forward(seconds=2)
    later.here.send_codes()
    assert "We sent a text message" in text_of(later.get("/signin/code"))
    assert later.post("/signin/code", code=later.here.sender.last_code)["Location"] == "/"


def test_a_code_counts_in_the_browser_that_asked(later: Person) -> None:
    later.post("/signout")
    other = Person(later.here)
    later.sign_in()
    code = later.here.sender.last_code
    other.sign_in()
    assert "not the code" in text_of(other.post("/signin/code", code=code)) or (
        code == later.here.sender.last_code
    )


def test_the_session_key_changes_with_trust(person: Person) -> None:
    keys = []

    def note_key() -> None:
        keys.append(person.client.cookies["sidegate"].value)

    person.sign_in()
    note_key()
    person.turn_on()
    note_key()
    person.post("/security/app-passwords", password=PASSWORD)
    note_key()
    assert len(set(keys)) == 3


def test_signing_out_ends_the_session(inside: Person) -> None:
    cookie = inside.client.cookies["sidegate"].value
    assert inside.post("/signout")["Location"] == "/signin"
    inside.client.cookies["sidegate"] = cookie
    assert inside.get("/security").status_code == 302
    assert not WebSession.objects.exists()
    assert Event.objects.filter(kind="web-signed-out").exists()


def test_signing_out_is_no_link(inside: Person) -> None:
    assert inside.get("/signout").status_code == 405
    assert inside.get("/security").status_code == 200


def test_a_sign_in_is_never_finished_without_its_second_step(
    two_step: Person, anna: Account
) -> None:
    request = cast("PortalRequest", two_step.client.get("/security").wsgi_request)
    with pytest.raises(ValueError, match="second step"):
        sign_in_stages.finish(request, anna, step="")


def test_a_session_without_second_step_ends_when_two_step_comes_on(inside: Person) -> None:
    other = Person(inside.here)
    other.sign_in()
    inside.turn_on()
    assert other.get("/security").status_code == 302
    assert inside.get("/security").status_code == 200


def test_a_second_step_from_before_it_came_on_again_does_not_count(
    two_step: Person, anna: Account
) -> None:
    assert two_step.get("/security").status_code == 200
    two_step.here.clock.forward(seconds=1)
    second_step_switch.turn_off(two_step.here.context, account=anna, origin=OPERATOR)
    since = two_step.here.context.now()
    Account.objects.filter(pk=anna.pk).update(two_step_since=since)
    assert two_step.get("/security").status_code == 302


def test_a_disabled_account_is_signed_out(inside: Person, anna: Account) -> None:
    people.set_enabled(inside.here.context, account=anna, enabled=False, origin=OPERATOR)
    assert inside.get("/security").status_code == 302
