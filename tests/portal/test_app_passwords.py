"""App passwords: made once, shown once, listed, revoked."""

import re
import threading
from dataclasses import replace

import pytest
from django.db import connection

from installation import OWNER, PASSWORD, Installation
from portal.person import ADDRESS, Person, form_value, page_of, text_of
from sidegate.accounts import app_passwords, open_sessions
from sidegate.config.options import Doveadm
from sidegate.pages.sessions import SessionStore
from sidegate.portal import grants, open_connections
from sidegate.storage.mail_models import MailSession
from sidegate.storage.models import Account, AppPassword

PAGE = "/security/app-passwords"


def enter(person: Person) -> None:
    assert person.post(PAGE, password=PASSWORD)["Location"] == PAGE


def shown_in(page: str) -> list[str]:
    return re.findall(r"<output[^>]*>([^<]*)</output>", page)


def test_why_there_are_none_while_two_step_is_off(inside: Person) -> None:
    assert "Turn on 2-Step Verification first" in text_of(inside.get("/security"))
    page = inside.get(PAGE)
    assert "Turn on 2-Step Verification first" in text_of(page)
    assert "/security/two-step" in page.content.decode()
    inside.post(PAGE, app="mail", device="windows", once="x")
    assert not AppPassword.objects.exists()


def test_the_password_again_and_its_button(two_step: Person) -> None:
    page = text_of(two_step.get(PAGE))
    assert "Sign in" in page
    assert "Generate" not in page
    assert "not your password" in text_of(two_step.post(PAGE, password="wrong"))


def test_making_one(two_step: Person, anna: Account) -> None:
    enter(two_step)
    page = two_step.generate().content.decode()
    (shown,) = shown_in(page)
    assert re.fullmatch(r"[a-z]{4}( [a-z]{4}){3}", shown)
    assert 'aria-label="App password"' in page
    assert page.index("<main") < page.index("<output") < page.index("</main")
    for fact in ("Outlook", "localhost", "Port 2993 · SSL/TLS", "Port 2465 · SSL/TLS", ADDRESS):
        assert fact in page
    for button in (">Copy<", ">Done<", 'aria-label="Copy server name"'):
        assert button in page
    (row,) = app_passwords.active(anna)
    assert shown.replace(" ", "").encode() not in bytes(row.digest)


def test_it_is_shown_once(two_step: Person) -> None:
    enter(two_step)
    (shown,) = shown_in(two_step.generate().content.decode())
    listing = two_step.get(PAGE)
    assert "Mail · Windows Computer" in text_of(listing)
    assert "Not used yet" in text_of(listing)
    for spelling in (shown, shown.replace(" ", "")):
        assert spelling not in listing.content.decode()


def test_a_reload_makes_no_second_one(two_step: Person) -> None:
    enter(two_step)
    once = form_value(two_step.get(PAGE), "once")
    fields = {"app": "mail", "device": "windows", "once": once}
    assert shown_in(two_step.post(PAGE, **fields).content.decode())
    assert two_step.post(PAGE, **fields)["Location"] == PAGE
    assert "nothing was made" in text_of(two_step.get(PAGE))
    assert AppPassword.objects.count() == 1


def test_a_form_with_another_nonce_makes_none(two_step: Person) -> None:
    enter(two_step)
    two_step.get(PAGE)
    for once in ("", "made up", "\N{SNOWMAN}"):
        two_step.post(PAGE, app="mail", device="windows", once=once)
    assert not AppPassword.objects.exists()


def test_of_two_sessions_at_once_one_takes_the_nonce(two_step: Person) -> None:
    enter(two_step)
    two_step.get(PAGE)
    key = two_step.client.cookies["sidegate"].value
    stores = [SessionStore(key), SessionStore(key)]
    for store in stores:
        assert "generate_once" in store
    assert [store.take("generate_once") is not None for store in stores] == [True, False]


def test_nothing_chosen(two_step: Person) -> None:
    enter(two_step)
    once = form_value(two_step.get(PAGE), "once")
    page = two_step.post(PAGE, app="mail", device="", once=once)
    assert "Select the device" in text_of(page)
    page = two_step.post(PAGE, app="mail", device="toaster", once=once)
    assert "toaster is not one of the available choices" in text_of(page)
    assert not AppPassword.objects.exists()


def test_a_printer_is_told_of_submission_alone(two_step: Person) -> None:
    enter(two_step)
    page = text_of(two_step.generate(device="printer"))
    assert "Outgoing server (SMTP)" in page
    assert "Incoming server" not in page


def test_each_device_has_its_steps(two_step: Person) -> None:
    enter(two_step)
    for device in app_passwords.DEVICES:
        page = two_step.generate(device=device)
        assert shown_in(page.content.decode()), device
        assert "Put it into" in text_of(page)


def test_revoking(two_step: Person, anna: Account) -> None:
    enter(two_step)
    two_step.generate()
    (row,) = app_passwords.active(anna)
    page = two_step.get(PAGE)
    assert f'aria-describedby="app-password-{row.pk}">Revoke<' in page_of(page)
    assert f'id="app-password-{row.pk}"><bdi>Mail · Windows Computer<' in page_of(page)
    two_step.post(f"{PAGE}/revoke", id=str(row.pk))
    assert not app_passwords.active(anna)
    assert "Revoked: Mail · Windows Computer" in text_of(two_step.get(PAGE))
    two_step.post(f"{PAGE}/revoke", id=str(row.pk))
    assert "not in the list any more" in text_of(two_step.get(PAGE))


def test_nobody_revokes_what_is_anothers(two_step: Person, installation: Installation) -> None:
    berta = installation.add("berta@example.test")
    AppPassword.objects.create(
        account=berta, digest=b"x" * 32, key_id="1", app="mail", device="mac",
        scopes="imap", created_at=1,
    )  # fmt: skip
    enter(two_step)
    for wanted in (str(AppPassword.objects.get().pk), "", "x", "9" * 40):
        two_step.post(f"{PAGE}/revoke", id=wanted)
    assert AppPassword.objects.get().revoked_at is None


def test_revoking_needs_the_password_too(two_step: Person, anna: Account) -> None:
    enter(two_step)
    two_step.generate()
    (row,) = app_passwords.active(anna)
    two_step.get("/security")
    assert two_step.post(f"{PAGE}/revoke", id=str(row.pk))["Location"] == PAGE
    assert app_passwords.active(anna)


def test_the_password_each_time_it_is_entered(two_step: Person) -> None:
    enter(two_step)
    assert "Generate" in text_of(two_step.get(PAGE))
    assert "Generate" in text_of(two_step.get(PAGE))
    two_step.get("/phone")
    assert "Generate" in text_of(two_step.get(PAGE))
    two_step.get("/")
    assert "Generate" not in text_of(two_step.get(PAGE))


def test_a_form_sent_too_late_makes_none(two_step: Person) -> None:
    enter(two_step)
    once = form_value(two_step.get(PAGE), "once")
    two_step.here.clock.forward(seconds=301)
    page = two_step.post(PAGE, app="mail", device="windows", once=once)
    assert "enter the password of" in text_of(page)
    assert not AppPassword.objects.exists()


def test_one_area_does_not_open_another(two_step: Person) -> None:
    two_step.post("/security/two-step/turn-off", password=PASSWORD)
    assert "Generate" not in text_of(two_step.get(PAGE))
    assert "will be revoked" not in text_of(two_step.get("/security/two-step/turn-off"))


def test_without_a_fresh_second_step_a_code_too(later: Person) -> None:
    assert later.post(PAGE, password=PASSWORD)["Location"] == "/security/code"
    assert "Generate" not in text_of(later.get(PAGE))
    later.post(PAGE, password=PASSWORD)
    later.post("/security/code", code=later.here.sender.last_code)
    assert "Generate" in text_of(later.get(PAGE))
    # Fresh for five minutes now, whatever asks.
    later.get("/security")
    later.here.clock.forward(seconds=grants.FRESH // 1000)
    enter(later)
    later.get("/security")
    later.here.clock.forward(seconds=1)
    assert later.post(PAGE, password=PASSWORD)["Location"] == "/security/code"


def test_last_use_is_told(two_step: Person, anna: Account) -> None:
    enter(two_step)
    two_step.generate()
    AppPassword.objects.update(
        last_used_at=two_step.here.clock.ms - 24 * 3600 * 1000,
        last_used_address="192.0.2.9",
        last_used_protocol="submission",
        last_used_program="<b>Outlook</b>",
    )
    page = two_step.get(PAGE)
    assert (
        re.search(
            r"Last used yesterday, \d\d:\d\d · SMTP · <b>Outlook</b> · 192\.0\.2\.9", text_of(page)
        )
        or "&lt;b&gt;Outlook" in page.content.decode()
    )
    assert "<b>Outlook" not in page.content.decode()
    assert anna.address


def test_there_can_be_too_many(two_step: Person, anna: Account) -> None:
    for _ in range(app_passwords.MOST):
        app_passwords.make(
            two_step.here.context, account=anna, app="mail", device="mac", origin=OWNER
        )
    enter(two_step)
    assert two_step.generate()["Location"] == PAGE
    assert "Revoke one first" in text_of(two_step.get(PAGE))


def test_on_each_database(installation_on_each: Installation) -> None:
    anna = installation_on_each.add(ADDRESS)
    person = Person(installation_on_each)
    person.sign_in()
    person.turn_on()
    enter(person)
    once = form_value(person.get(PAGE), "once")
    fields = {"app": "mail", "device": "windows", "once": once}
    assert shown_in(page_of(person.post(PAGE, **fields)))
    assert person.post(PAGE, **fields)["Location"] == PAGE
    (row,) = app_passwords.active(anna)
    person.post(f"{PAGE}/revoke", id=str(row.pk))
    assert not app_passwords.active(anna)
    assert "Signed in to these pages" in text_of(person.get("/activity"))
    person.post("/signout")
    assert person.get("/security").status_code == 302


def open_session(account: Account, row: AppPassword) -> MailSession:
    return MailSession.objects.create(
        host="elsewhere",
        process_id=7,
        process_started=0,
        account=account,
        app_password=row,
        password_version=account.password_version,
        protocol="imap",
        opened_at=0,
    )


def test_how_long_it_took_to_end_open_connections(two_step: Person, anna: Account) -> None:
    enter(two_step)
    two_step.generate()
    (row,) = app_passwords.active(anna)
    session = open_session(anna, row)

    def end() -> None:
        session.delete()
        connection.close()

    ending = threading.Timer(0.4, end)
    ending.start()
    two_step.post(f"{PAGE}/revoke", id=str(row.pk))
    ending.join()
    page = text_of(two_step.get(PAGE))
    assert "Revoked: Mail" in page
    assert re.search(r"Open connections were ended in 0\.[4-9] s\.", page)
    assert "still connected" not in page


@pytest.mark.parametrize("url", ["", "unix:/run/dovecot/http"])
def test_connections_that_are_not_ended_are_told_of_while_they_last(
    two_step: Person, anna: Account, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(open_sessions, "MOST_WAITED", 0.1)
    ctx = two_step.here.context
    config = replace(ctx.config, doveadm=Doveadm(url=url))
    monkeypatch.setattr(open_connections, "context", lambda: replace(ctx, config=config))
    enter(two_step)
    two_step.generate()
    (row,) = app_passwords.active(anna)
    session = open_session(anna, row)
    assert "still connected" not in text_of(two_step.get(PAGE))
    two_step.post(f"{PAGE}/revoke", id=str(row.pk))
    said = "told again every few seconds" if url else "this mail server cannot be told"
    for page in (PAGE, "/security", "/security/two-step"):
        assert said in text_of(two_step.get(page)), page
    session.delete()
    assert "still connected" not in text_of(two_step.get(PAGE))


def test_nothing_is_said_of_connections_where_none_was_open(
    two_step: Person, anna: Account
) -> None:
    enter(two_step)
    two_step.generate()
    (row,) = app_passwords.active(anna)
    two_step.post(f"{PAGE}/revoke", id=str(row.pk))
    page = text_of(two_step.get(PAGE))
    assert "Revoked: Mail" in page
    assert "onnection" not in page
