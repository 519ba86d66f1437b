"""Second steps on the pages: added, named, removed, and asked for."""

import base64
import re

import pytest

from installation import OWNER, PASSWORD, Installation
from portal.person import ADDRESS, Person, page_of, text_of
from sidegate.accounts import people, second_steps, trusted_browsers
from sidegate.accounts import two_step as two_step_module
from sidegate.factors import totp
from sidegate.storage.models import Account
from sidegate.storage.second_step_models import TrustedBrowser

ADD_APP = "/security/two-step/app"


def key_on(page: str) -> bytes:
    found = re.search(r'<code id="key"[^>]*>([A-Z2-7 ]+)</code>', page)
    assert found
    return base64.b32decode(found[1].replace(" ", ""))


def app_code(person: Person, secret: bytes) -> str:
    return totp.code_at(secret=secret, step=person.here.clock.ms // totp.STEP)


def set_up_app(person: Person) -> bytes:
    """Go as far as the app's first code; 2-step may be on or off."""
    person.post(ADD_APP, password=PASSWORD)
    secret = key_on(page_of(person.get(ADD_APP)))
    answer = person.post(ADD_APP, code=app_code(person, secret))
    if answer["Location"] == "/security/two-step/turn-on":
        person.post("/security/two-step/turn-on")
    person.here.clock.forward(seconds=60)
    return secret


@pytest.fixture
def with_app(two_step: Person) -> tuple[Person, bytes]:
    """Anna, with a phone and an app."""
    return two_step, set_up_app(two_step)


def signed_out(person: Person) -> Person:
    person.post("/signout")
    return person


def test_an_app_turns_it_on(inside: Person, anna: Account) -> None:
    inside.post("/security/two-step/phone", password=PASSWORD)
    page = text_of(inside.get("/security/two-step/phone"))
    assert "Or begin with another way" in page
    assert "Authenticator app" in page
    secret = set_up_app(inside)
    anna.refresh_from_db()
    assert anna.two_step
    assert [step.kind for step in second_steps.of(anna)] == ["authenticator"]
    assert signed_out(inside).sign_in()["Location"] == "/signin/app"
    answer = inside.get("/signin/app")
    assert "your authenticator app shows now" in text_of(answer)
    assert "Try another way" in text_of(answer)
    assert inside.post("/signin/app", code=app_code(inside, secret))["Location"] == "/"
    assert inside.get("/security").status_code == 200


def test_a_wrong_first_code_adds_nothing(inside: Person, anna: Account) -> None:
    inside.post(ADD_APP, password=PASSWORD)
    before = key_on(page_of(inside.get(ADD_APP)))
    page = inside.post(ADD_APP, code="000000")
    assert "not the code that the app shows" in text_of(page)
    assert key_on(page_of(page)) == before, "the app that was set up stays good"
    assert not second_steps.of(anna)


def test_the_key_is_only_behind_the_password(inside: Person) -> None:
    assert "id_password" in page_of(inside.get(ADD_APP))
    assert "segno" not in page_of(inside.get(ADD_APP))
    inside.post(ADD_APP, code="123456")
    assert 'id="key"' not in page_of(inside.get(ADD_APP))


def test_the_qr_code_is_inline_and_needs_no_style(inside: Person) -> None:
    inside.post(ADD_APP, password=PASSWORD)
    page = page_of(inside.get(ADD_APP))
    assert 'class="segno"' in page
    assert "style=" not in page
    assert "otpauth" not in page


def test_the_best_first_and_the_phone_by_another_way(with_app: tuple[Person, bytes]) -> None:
    person, _secret = with_app
    person.here.clock.forward(seconds=31)
    assert signed_out(person).sign_in()["Location"] == "/signin/app"
    sent = len(person.here.sender.sent)
    page = text_of(person.get("/signin/another-way"))
    assert page.index("Authenticator app") < page.index("Text message")
    assert page.count("Authenticator app") == 1, "it has no name of its own"
    way = re.findall(r'name="way" value="([^"]+)"', page_of(person.get("/signin/another-way")))[1]
    assert person.post("/signin/another-way", way=way)["Location"] == "/signin/code"
    assert len(person.here.sender.sent) == sent + 1
    assert person.post("/signin/code", code=person.here.sender.last_code)["Location"] == "/"


def test_a_code_of_the_app_counts_once(with_app: tuple[Person, bytes]) -> None:
    person, secret = with_app
    code = app_code(person, secret)
    signed_out(person).sign_in()
    person.post("/signin/app", code=code)
    signed_out(person).sign_in()
    assert "it was used before" in text_of(person.post("/signin/app", code=code))


def test_no_app_code_without_the_password(person: Person) -> None:
    assert person.get("/signin/app")["Location"] == "/signin"
    assert person.post("/signin/app", code="123456")["Location"] == "/signin"


def test_too_many_wrong_codes_say_until_when(with_app: tuple[Person, bytes]) -> None:
    person, _secret = with_app
    signed_out(person).sign_in()
    for _ in range(10):
        page = person.post("/signin/app", code="000000")
    page = person.post("/signin/app", code="000000")
    assert "Too many wrong codes were typed for this account. Try again" in text_of(page)


def test_the_app_confirms_a_change(with_app: tuple[Person, bytes], anna: Account) -> None:
    person, secret = with_app
    person.here.clock.forward(seconds=301)
    answer = person.post("/security/two-step/turn-off", password=PASSWORD)
    assert answer["Location"] == "/security/app"
    answer = person.post("/security/app", code=app_code(person, secret))
    assert answer["Location"] == "/security/two-step/turn-off"
    person.post("/security/two-step/turn-off")
    anna.refresh_from_db()
    assert not anna.two_step
    assert not second_steps.of(anna)


def test_listed_named_and_removed(with_app: tuple[Person, bytes], anna: Account) -> None:
    person, _secret = with_app
    page = text_of(person.get("/security/two-step"))
    assert " steps Authenticator app Added today · Not used yet" in page
    app, phone = (f"/security/two-step/steps/{step.key}" for step in second_steps.of(anna))
    person.post(app, password=PASSWORD)
    assert 'value="Authenticator app"' in page_of(person.get(app))
    person.post(app, name="Tablet")
    assert "Tablet Authenticator app" in text_of(person.get("/security/two-step"))
    assert person.post(f"{phone}/remove")["Location"] == "/security/two-step"
    person.post(f"{app}/remove")
    assert "This is your last second step" in text_of(person.get(app))
    assert [step.name for step in second_steps.of(anna)] == ["Tablet"]


def test_nothing_is_removed_without_the_password(
    with_app: tuple[Person, bytes], anna: Account
) -> None:
    person, _secret = with_app
    person.get("/activity")
    key = second_steps.of(anna)[0].key
    page = person.post(f"/security/two-step/steps/{key}/remove")["Location"]
    assert "enter the password of" in text_of(person.get(page))
    assert len(second_steps.of(anna)) == 2


def test_a_step_that_is_not_there(two_step: Person) -> None:
    answer = two_step.get("/security/two-step/steps/authenticator-99")
    assert answer["Location"] == "/security/two-step"


BACKUP = "/security/two-step/backup-codes"


def new_codes(person: Person) -> list[str]:
    person.post(BACKUP, password=PASSWORD)
    person.post(BACKUP, make="yes")
    found = re.search(r'<pre id="codes"[^>]*>([^<]+)</pre>', page_of(person.get(BACKUP)))
    assert found
    return found[1].split("\n")


def test_backup_codes_count_once_one_was_typed_back(two_step: Person, anna: Account) -> None:
    codes = new_codes(two_step)
    assert len(codes) == 10
    assert "none of the new codes" in text_of(two_step.post(BACKUP, code="aaaaa aaaaa"))
    assert not anna.backup_codes.exists()
    answer = two_step.post(BACKUP, code=codes[9].upper().replace(" ", "-"))
    assert answer["Location"] == "/security/two-step"
    assert "Backup codes 10 are left" in text_of(two_step.get("/security/two-step"))
    assert "10 codes are left" in text_of(two_step.get(BACKUP))
    assert codes[0] not in page_of(two_step.get(BACKUP)), "shown once"


def test_backup_codes_count_once_their_file_was_taken(two_step: Person, anna: Account) -> None:
    codes = new_codes(two_step)
    assert "not downloaded yet" in text_of(two_step.post(BACKUP, saved="yes"))
    file = two_step.get(f"{BACKUP}/file")
    assert file["Content-Type"] == "text/plain; charset=utf-8"
    assert file["Content-Disposition"].startswith("attachment; ")
    assert file["Cache-Control"] == "no-store"
    assert all(code in page_of(file) for code in codes)
    whose = page_of(file).partition("\n")[0]
    assert ADDRESS in whose
    assert whose in text_of(two_step.get(BACKUP)), "what is printed says whose they are"
    assert two_step.post(BACKUP, saved="yes")["Location"] == "/security/two-step"
    assert anna.backup_codes.count() == 10
    assert two_step.get(f"{BACKUP}/file")["Location"] == BACKUP


def test_the_file_is_only_behind_the_password(two_step: Person) -> None:
    codes = new_codes(two_step)
    two_step.get("/activity")
    page = page_of(two_step.get(f"{BACKUP}/file"))
    assert "id_password" in page
    assert codes[0] not in page


def test_signing_in_with_a_backup_code(two_step: Person, anna: Account) -> None:
    codes = new_codes(two_step)
    two_step.post(BACKUP, code=codes[0])
    two_step.here.clock.forward(seconds=31)
    signed_out(two_step).sign_in()
    page = text_of(two_step.get("/signin/another-way"))
    assert page.index("Text message") < page.index("Backup codes 10 are left")
    way = two_step.post("/signin/another-way", way="backup-codes-0")
    assert way["Location"] == "/signin/backup-code"
    assert 'inputmode="text"' in page_of(two_step.get("/signin/backup-code"))
    page = text_of(two_step.post("/signin/backup-code", code="abc"))
    assert "has 10 letters and digits" in page
    assert two_step.post("/signin/backup-code", code=codes[0])["Location"] == "/"
    signed_out(two_step).sign_in()
    page = text_of(two_step.post("/signin/backup-code", code=codes[0]))
    assert "it was used before" in page
    assert second_steps.of(anna)[-1].left == 9


def test_no_backup_codes_while_it_is_off(inside: Person) -> None:
    assert inside.get(BACKUP)["Location"] == "/security/two-step"


TRUST = "sidegate-trust"


def trusted(person: Person) -> Person:
    """Signed in with the box ticked, then out."""
    person.here.clock.forward(seconds=301)
    signed_out(person).sign_in()
    answer = person.post("/signin/code", code=person.here.sender.last_code, trust="yes")
    assert answer["Location"] == "/"
    return signed_out(person)


def test_a_trusted_browser_is_not_asked_for_30_days(two_step: Person) -> None:
    assert TRUST not in two_step.client.cookies
    cookie = trusted(two_step).client.cookies[TRUST]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 30 * 24 * 3600
    assert two_step.sign_in()["Location"] == "/"
    assert two_step.get("/security").status_code == 200
    two_step.here.clock.forward(seconds=30 * 24 * 3600)
    assert signed_out(two_step).sign_in()["Location"] == "/signin/code"


def test_trust_replaces_nothing_but_the_second_stage(two_step: Person) -> None:
    trusted(two_step)
    assert "password is wrong" in text_of(two_step.sign_in(password="wrong"))
    two_step.here.clock.forward(seconds=301)
    two_step.sign_in()
    answer = two_step.post("/security/two-step/turn-off", password=PASSWORD)
    assert answer["Location"] == "/security/code"


def test_the_cookie_is_of_no_use_elsewhere(two_step: Person, installation: Installation) -> None:
    token = trusted(two_step).client.cookies[TRUST].value
    row = TrustedBrowser.objects.get()
    assert token.encode() not in bytes(row.digest)
    bert = installation.add("bert@example.test")
    assert trusted_browsers.find(installation.context, account=bert, token=token) is None
    assert two_step.get("/security")["Location"].startswith("/signin"), "it signs nobody in"


@pytest.mark.parametrize("how", ["password", "off", "revoked", "disabled", "tampered"])
def test_what_ends_trust(two_step: Person, anna: Account, how: str) -> None:
    ctx = two_step.here.context
    trusted(two_step)
    if how == "password":
        people.change_password(
            ctx, account=anna, password=PASSWORD, keep_app_passwords=True, origin=OWNER
        )
    elif how == "off":
        two_step_module.turn_off(ctx, account=anna, origin=OWNER)
        two_step_module.turn_on(
            ctx, account=anna, number="+37120000000", channel="sms", origin=OWNER
        )
    elif how == "disabled":
        people.set_enabled(ctx, account=anna, enabled=False, origin=OWNER)
        people.set_enabled(ctx, account=anna, enabled=True, origin=OWNER)
    elif how == "revoked":
        two_step.sign_in()
        page = text_of(two_step.get("/security/two-step"))
        assert "Browsers that are not asked for a second step Firefox" in page
        browser = TrustedBrowser.objects.get()
        two_step.post("/security/two-step/browsers/revoke", id=str(browser.pk))
        signed_out(two_step)
    else:
        two_step.client.cookies[TRUST] = "x" * 32
    assert two_step.sign_in()["Location"] in {"/signin/code", "/signin/another-way"}


def test_nobody_revokes_anothers_trust(two_step: Person, installation: Installation) -> None:
    trusted(two_step)
    bert = installation.add("bert@example.test")
    browser = TrustedBrowser.objects.get()
    assert not trusted_browsers.revoke(
        installation.context, account=bert, browser_id=browser.pk, origin=OWNER
    )
    assert TrustedBrowser.objects.exists()
