"""Turning 2-Step Verification on and off, in the help page's order."""

import pytest

from installation import PASSWORD, Installation
from portal.person import NUMBER, Person, form_value, text_of
from sidegate.accounts import app_passwords
from sidegate.storage.models import Account, Event


def test_the_whole_way_on(inside: Person, anna: Account) -> None:
    assert "2-Step Verification Off" in text_of(inside.get("/security"))
    assert "Continue" in text_of(inside.get("/security/two-step"))
    page = text_of(inside.get("/security/two-step/phone"))
    assert "enter the password of anna@example.test again" in page
    answer = inside.post("/security/two-step/phone", password=PASSWORD)
    assert answer["Location"] == "/security/two-step/phone"
    page = text_of(inside.get("/security/two-step/phone"))
    assert "Phone number" in page
    assert "Text message" in page
    answer = inside.post("/security/two-step/phone", number=NUMBER, channel="sms")
    assert answer["Location"] == "/security/two-step/code"
    assert NUMBER in text_of(inside.get("/security/two-step/code"))
    answer = inside.post("/security/two-step/code", code=inside.here.sender.last_code)
    assert answer["Location"] == "/security/two-step/turn-on"
    assert "Codes will reach you by text message" in text_of(inside.get(answer["Location"]))
    anna.refresh_from_db()
    assert not anna.two_step
    assert inside.post("/security/two-step/turn-on")["Location"] == "/security/two-step"
    page = text_of(inside.get("/security/two-step"))
    assert "On since today" in page
    assert NUMBER in page
    assert "2-Step Verification On since today" in text_of(inside.get("/security"))


def test_by_call(inside: Person) -> None:
    inside.turn_on(channel="voice")
    assert inside.here.sender.sent[-1]["channel"] == "voice"
    assert "Phone call" in text_of(inside.get("/security/two-step"))


@pytest.mark.parametrize("path", ["phone", "code", "turn-on"])
def test_no_screen_without_the_password(inside: Person, anna: Account, path: str) -> None:
    page = inside.get(f"/security/two-step/{path}")
    assert "enter the password of" in text_of(page)
    inside.post(f"/security/two-step/{path}", number=NUMBER, channel="sms", code="123456")
    anna.refresh_from_db()
    assert not anna.two_step
    assert not inside.here.sender.sent


def test_a_wrong_password(inside: Person) -> None:
    page = inside.post("/security/two-step/phone", password="wrong")
    assert "This is not your password" in text_of(page)
    assert Event.objects.filter(kind="web-refused").exists()


def test_every_way_is_named_before_she_begins(inside: Person) -> None:
    assert "also takes a passkey or a code" in text_of(inside.get("/"))
    page = text_of(inside.get("/security/two-step"))
    ways = ("a passkey", "text message", "phone call", "an authenticator app", "backup codes")
    assert [page.index(way) for way in ways] == sorted(page.index(way) for way in ways)


def test_no_turning_on_without_the_code(inside: Person, anna: Account) -> None:
    inside.post("/security/two-step/phone", password=PASSWORD)
    inside.post("/security/two-step/phone", number=NUMBER, channel="sms")
    assert inside.post("/security/two-step/turn-on")["Location"] == "/security/two-step/phone"
    anna.refresh_from_db()
    assert not anna.two_step


def test_a_proof_is_not_kept_for_ever(inside: Person, anna: Account) -> None:
    inside.post("/security/two-step/phone", password=PASSWORD)
    inside.post("/security/two-step/phone", number=NUMBER, channel="sms")
    inside.post("/security/two-step/code", code=inside.here.sender.last_code)
    inside.here.clock.forward(seconds=601)
    inside.post("/security/two-step/turn-on", password=PASSWORD)
    assert inside.post("/security/two-step/turn-on")["Location"] == "/security/two-step/phone"
    anna.refresh_from_db()
    assert not anna.two_step


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter the phone number"),
        ("hello", "This is not a phone number"),
        ("20000000", "Begin with + and the code of the country"),
        ("+371 2000", "too short"),
        ("+371 2000 0000 0000 0000", "too long"),
        ("+37190000000", "Codes are not sent to numbers like this one"),
        ("+371\x002000", "Null characters"),
    ],
)
def test_numbers_that_cannot_be(inside: Person, typed: str, said: str) -> None:
    inside.post("/security/two-step/phone", password=PASSWORD)
    page = inside.post("/security/two-step/phone", number=typed, channel="voice")
    assert said in text_of(page)
    assert not inside.here.sender.sent


@pytest.mark.parametrize(
    ("language", "typed", "number"),
    [
        ("lv", "2000 0000", "+37120000000"),
        ("lv-LV,en-US;q=0.5", "2000 0000", "+37120000000"),
        ("en-US,lv;q=0.7", "2000 0000", "+37120000000"),
        ("uk", "050 123 4567", "+380501234567"),
        ("de-AT,de;q=0.7", "0664 1234567", "+436641234567"),
    ],
)
def test_a_number_without_country_where_the_browser_tells_one(
    inside: Person, language: str, typed: str, number: str
) -> None:
    inside.post("/security/two-step/phone", password=PASSWORD)
    inside.client.post(
        "/security/two-step/phone",
        {"number": typed, "channel": "sms"},
        headers={"accept-language": language},
    )
    assert inside.here.sender.sent[-1]["number"] == number


@pytest.mark.parametrize("language", ["ar", "de", "en-US", "es", "fr"])
def test_a_language_of_many_countries_tells_none(inside: Person, language: str) -> None:
    inside.post("/security/two-step/phone", password=PASSWORD)
    inside.client.post(
        "/security/two-step/phone",
        {"number": "0151 2345 6789", "channel": "sms"},
        headers={"accept-language": language},
    )
    assert not inside.here.sender.sent


def test_going_back_loses_nothing(inside: Person) -> None:
    inside.post("/security/two-step/phone", password=PASSWORD)
    inside.post("/security/two-step/phone", number=NUMBER, channel="voice")
    page = inside.get("/security/two-step/phone")
    assert form_value(page, "number") == NUMBER
    assert 'value="voice" id="id_channel_1" checked' in " ".join(page.content.decode().split())


def test_each_time_it_is_entered(inside: Person) -> None:
    inside.post("/security/two-step/phone", password=PASSWORD)
    assert "Phone number" in text_of(inside.get("/security/two-step/phone"))
    inside.get("/security")
    assert "Phone number" not in text_of(inside.get("/security/two-step/phone"))


def test_a_gateway_that_is_away(inside: Person) -> None:
    inside.here.sender.away = True
    inside.post("/security/two-step/phone", password=PASSWORD)
    inside.post("/security/two-step/phone", number=NUMBER, channel="sms")
    page = text_of(inside.get("/security/two-step/code"))
    assert "could not be sent to +371 20 000 000 yet. We keep trying." in page


def test_four_codes_are_too_many(inside: Person) -> None:
    inside.post("/security/two-step/phone", password=PASSWORD)
    for _ in range(3):
        inside.post("/security/two-step/phone", number=NUMBER, channel="sms")
    page = text_of(inside.post("/security/two-step/phone", number=NUMBER, channel="sms"))
    assert "3 codes were sent to this number within 10 minutes" in page
    assert "The next one can be sent at" in page


def test_send_again_on_the_way(inside: Person) -> None:
    inside.post("/security/two-step/phone", password=PASSWORD)
    inside.post("/security/two-step/phone", number=NUMBER, channel="sms")
    inside.here.clock.forward(seconds=31)
    assert inside.post("/security/two-step/code/again")["Location"] == "/security/two-step/code"
    assert len(inside.here.sender.sent) == 2
    inside.get("/security")
    inside.post("/security/two-step/code/again")
    assert len(inside.here.sender.sent) == 2


def test_what_is_on_cannot_be_turned_on(two_step: Person) -> None:
    for path in ("phone", "code", "turn-on"):
        answer = two_step.get(f"/security/two-step/{path}")
        assert answer["Location"] == "/security/two-step"


def test_turning_off_with_a_fresh_second_step(two_step: Person, anna: Account) -> None:
    two_step.post("/security/app-passwords", password=PASSWORD)
    two_step.generate()
    page = text_of(two_step.get("/security/two-step/turn-off"))
    assert "enter the password of" in page
    two_step.post("/security/two-step/turn-off")
    anna.refresh_from_db()
    assert anna.two_step
    two_step.post("/security/two-step/turn-off", password=PASSWORD)
    page = text_of(two_step.get("/security/two-step/turn-off"))
    assert "1 app password will be revoked" in page
    assert two_step.post("/security/two-step/turn-off")["Location"] == "/security/two-step"
    anna.refresh_from_db()
    assert not anna.two_step
    assert not app_passwords.active(anna)
    assert "Off" in text_of(two_step.get("/security/two-step"))


def test_turning_off_asks_for_a_code_later(later: Person, anna: Account) -> None:
    answer = later.post("/security/two-step/turn-off", password=PASSWORD)
    assert answer["Location"] == "/security/code"
    later.post("/security/two-step/turn-off")
    anna.refresh_from_db()
    assert anna.two_step
    later.post("/security/two-step/turn-off", password=PASSWORD)
    answer = later.post("/security/code", code=later.here.sender.last_code)
    assert answer["Location"] == "/security/two-step/turn-off"
    later.post("/security/two-step/turn-off")
    anna.refresh_from_db()
    assert not anna.two_step


def test_what_is_off_cannot_be_turned_off(inside: Person) -> None:
    assert inside.get("/security/two-step/turn-off")["Location"] == "/security/two-step"


def test_the_confirming_code_another_way(later: Person, installation: Installation) -> None:
    later.post("/security/two-step/turn-off", password=PASSWORD)
    page = later.get("/security/another-way")
    way = page.content.decode().split('name="way" value="')[2].split('"')[0]
    assert later.post("/security/another-way", way=way)["Location"] == "/security/code"
    assert installation.sender.sent[-1]["channel"] == "voice"
    answer = later.post("/security/code", code=installation.sender.last_code)
    assert answer["Location"] == "/security/two-step/turn-off"


def test_a_confirming_code_needs_its_password(later: Person) -> None:
    for path in ("/security/code", "/security/another-way"):
        assert later.get(path)["Location"] == "/security"
        assert later.post(path, code="123456")["Location"] == "/security"
    later.post("/security/two-step/turn-off", password=PASSWORD)
    later.get("/activity")
    assert later.get("/security/code")["Location"] == "/security"
