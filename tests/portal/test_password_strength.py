"""How strong a new password is, asked while it is typed."""

import pytest
from django.test import Client

from installation import PASSWORD
from portal.person import Person, page_of, text_of
from sidegate.accounts import password_reset, password_strength, tokens
from sidegate.storage.models import Account, WebSession
from sidegate.storage.recovery_models import PasswordReset

PATH = "/security/password/strength"


@pytest.fixture(autouse=True)
def _rested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_strength, "_REST", 0.0)
    monkeypatch.setattr(password_strength, "_ONE", password_strength._OneAtATime())


def test_it_is_told_to_who_may_set_the_password(
    inside: Person, caplog: pytest.LogCaptureFixture
) -> None:
    inside.post("/security/password", password=PASSWORD)
    page = page_of(inside.get("/security/password"))
    assert f'data-strength="{PATH}"' in page
    with caplog.at_level("DEBUG"):
        answer = inside.post(PATH, new_password="tulipsnow")
    assert answer.status_code == 200
    assert text_of(answer).startswith("A weak password.")
    assert answer["Cache-Control"] == "no-store"
    assert "tulipsnow" not in page_of(answer) + caplog.text
    assert "Still too short. Use at least 8" in text_of(inside.post(PATH, new_password="short"))
    assert "Still too short." in text_of(inside.post(PATH))


def test_nobody_else_is_told(inside: Person) -> None:
    assert inside.post(PATH, new_password="tulipsnow").status_code == 403
    assert Person(inside.here).post(PATH, new_password="tulipsnow").status_code == 302
    inside.post("/security/password", password=PASSWORD)
    assert inside.get(PATH).status_code == 405
    inside.here.clock.forward(seconds=301)
    assert inside.post(PATH, new_password="tulipsnow").status_code == 403


def test_asking_keeps_no_area_open_and_writes_no_session(inside: Person) -> None:
    inside.post("/security/password", password=PASSWORD)
    before = WebSession.objects.get().data
    inside.here.clock.forward(seconds=200)
    assert inside.post(PATH, new_password="tulipsnow").status_code == 200
    assert WebSession.objects.get().data == before
    inside.here.clock.forward(seconds=200)
    assert inside.post(PATH, new_password="tulipsnow").status_code == 403


def test_a_form_of_ours_alone_may_ask(inside: Person) -> None:
    inside.post("/security/password", password=PASSWORD)
    strict = Client(enforce_csrf_checks=True, headers={"host": "localhost:8025"})
    strict.cookies = inside.client.cookies
    assert strict.post(PATH, {"new_password": "tulipsnow"}).status_code == 403


def test_too_many_at_once_are_told_to_ask_again(inside: Person) -> None:
    inside.post("/security/password", password=PASSWORD)
    password_strength._ONE._rests_until = float("inf")
    assert inside.post(PATH, new_password="tulipsnow").status_code == 204


AT_RESET = "/signin/new-password/strength"


@pytest.mark.parametrize("two_step", [False, True], ids=["one step", "two steps"])
def test_after_a_link_it_is_told_once_she_is_proved(
    person: Person,
    anna: Account,
    two_step: bool,  # noqa: FBT001 - a column
) -> None:
    if two_step:
        person.sign_in()
        person.turn_on()
        person.here.clock.forward(seconds=3600)
    somebody = Person(person.here)
    assert somebody.post(AT_RESET, new_password="tulipsnow").status_code == 403
    ctx = person.here.context
    PasswordReset.objects.create(  # in place of a link that came by mail
        account=anna,
        digest=tokens.digest(ctx, purpose=password_reset._PURPOSE, token="abc"),
        password_version=anna.password_version,
        expires_at=ctx.now() + password_reset.LIFETIME,
    )
    somebody.post("/signin/reset/abc")
    if two_step:
        assert somebody.post(AT_RESET, new_password="tulipsnow").status_code == 403
        somebody.post("/signin/code", code=person.here.sender.last_code)
    assert f'data-strength="{AT_RESET}"' in page_of(somebody.get("/signin/new-password"))
    assert text_of(somebody.post(AT_RESET, new_password="tulipsnow")).startswith("A weak")
    assert "Still too short" in text_of(somebody.post(AT_RESET, new_password="anna"))
    person.sign_in()
    assert person.post(AT_RESET, new_password="tulipsnow").status_code == 403
