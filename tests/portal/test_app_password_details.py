"""One app password on its own page, and the choices when it is made."""

from __future__ import annotations

from datetime import timedelta

from installation import PASSWORD, START
from portal.person import ADDRESS, Person, form_value, page_of, text_of
from sidegate.accounts import app_passwords, people_time
from sidegate.storage.models import Account, AppPassword, Event

PAGE = "/security/app-passwords"


def enter(person: Person, path: str = PAGE) -> None:
    assert person.post(path, password=PASSWORD)["Location"] == path


def day(days: int) -> str:
    return str(people_time.moment(START).date() + timedelta(days=days))


def generate(person: Person, **fields: str) -> str:
    once = form_value(person.get(PAGE), "once")
    return page_of(person.post(PAGE, app="mail", device="printer", once=once, **fields))


def made(person: Person, anna: Account, **fields: str) -> AppPassword:
    enter(person)
    assert "<output" in generate(person, **fields)
    (row,) = app_passwords.active(anna)
    return row


def test_choices_when_it_is_made(two_step: Person, anna: Account) -> None:
    tagged = ADDRESS.replace("@", "+scan@")
    row = made(
        two_step, anna, name="Hall", expires=day(2), networks="192.0.2.0/24",
        sender=tagged, daily_most="20",
    )  # fmt: skip
    assert (row.label, row.scopes, row.networks) == ("Hall", "submission", "192.0.2.0/24")
    assert (row.sender, row.daily_most) == (tagged, 20)
    page = text_of(two_step.get(PAGE))
    for said in ("Hall", "Sends", "Only from 192.0.2.0/24", f"As {tagged}", "At most 20 a day"):
        assert said in page
    assert "Last day" in page


def test_what_is_wrong_stands_at_its_field_and_unfolded(two_step: Person) -> None:
    enter(two_step)
    assert '<details class="more">' in page_of(two_step.get(PAGE))
    for fields, said in (
        ({"networks": "office"}, "neither an address nor a network"),
        ({"expires": "soon"}, "Choose a day"),
        ({"expires": day(-1)}, "This day is over"),
        ({"scopes": "imap"}, "only sends"),
        ({"sender": "x@example.test"}, "not your address"),
        ({"daily_most": "many"}, "Write a number"),
        ({"name": "x" * 81}, "too long"),
    ):
        page = generate(two_step, **fields)
        assert said in page, fields
        assert '<details class="more" open>' in page
        assert 'aria-invalid="true"' in page
    assert not AppPassword.objects.exists()


def test_its_page_needs_the_password_and_its_owner(two_step: Person, anna: Account) -> None:
    row = made(two_step, anna)
    path = f"{PAGE}/{row.pk}"
    two_step.get("/")
    assert "Rename" not in text_of(two_step.get(path))
    assert 'name="networks"' not in page_of(two_step.get(path))
    two_step.post(f"{path}/switch", to="paused")
    row.refresh_from_db()
    assert row.paused_at is None
    enter(two_step, path)
    assert 'name="networks"' in page_of(two_step.get(path))
    assert two_step.get(f"{PAGE}/{row.pk + 1}")["Location"] == PAGE


def test_renamed_limited_and_as_it_was(two_step: Person, anna: Account) -> None:
    row = made(two_step, anna)
    path = f"{PAGE}/{row.pk}"
    fields = {"name": "Hall", "expires": day(5), "networks": "192.0.2.7", "daily_most": "3"}
    assert two_step.post(path, **fields)["Location"] == path
    page = page_of(two_step.get(path))
    assert "<h1><bdi>Hall</bdi></h1>" in page
    for name, value in fields.items():
        assert form_value(two_step.get(path), name) == value
    assert two_step.post(path, **{**fields, "networks": "192.0.2.7/24"}).status_code == 200
    assert two_step.post(path, name="", expires="", networks="")["Location"] == path
    row.refresh_from_db()
    assert (row.label, row.expires_at, row.networks, row.daily_most) == ("", None, "", None)
    assert Event.objects.filter(kind="app-password-changed").count() == 2


def test_what_it_may_do_is_ticked_anew(two_step: Person, anna: Account) -> None:
    enter(two_step)
    once = form_value(two_step.get(PAGE), "once")
    two_step.post(PAGE, app="mail", device="mac", once=once)
    (row,) = app_passwords.active(anna)
    path = f"{PAGE}/{row.pk}"
    assert page_of(two_step.get(path)).count("checked") == 3
    assert "Tick at least one." in text_of(two_step.post(path, name="Mac"))
    two_step.client.post(path, {"name": "Mac", "scopes": ["imap", "submission"]})
    page = two_step.get(path)
    assert page_of(page).count("checked") == 2
    assert "Reads by IMAP · Sends" in text_of(page)
    assert two_step.post(path, scopes="admin").status_code == 200
    row.refresh_from_db()
    assert (row.label, row.scopes) == ("Mac", "imap,submission")
    said = text_of(two_step.get("/activity"))
    assert "Mac · Reads by IMAP · Sends" in said
    two_step.post(path, scopes="pop3")
    row.refresh_from_db()
    assert row.scopes == "imap,submission", "the password is asked for anew"


def test_a_printer_has_nothing_to_tick(two_step: Person, anna: Account) -> None:
    row = made(two_step, anna)
    path = f"{PAGE}/{row.pk}"
    assert 'name="scopes"' not in page_of(two_step.get(path))
    two_step.post(path, scopes="imap")
    row.refresh_from_db()
    assert row.scopes == "submission"


def test_paused_and_resumed(two_step: Person, anna: Account) -> None:
    row = made(two_step, anna)
    path = f"{PAGE}/{row.pk}"
    two_step.post(f"{path}/switch", to="paused")
    assert "Paused: Mail" in text_of(two_step.get(path))
    assert "Paused" in text_of(two_step.get(PAGE))
    two_step.post(f"{path}/switch", to="active")
    row.refresh_from_db()
    assert row.paused_at is None


def test_all_at_once_after_a_question(two_step: Person, anna: Account) -> None:
    assert "Revoke all" not in text_of(two_step.get(PAGE))
    made(two_step, anna)
    assert "1 app password will be revoked" in text_of(two_step.get(f"{PAGE}/revoke-all"))
    assert "Revoke all" in text_of(two_step.get(PAGE)), "where it always is"
    generate(two_step)
    assert f'href="{PAGE}/revoke-all"' in page_of(two_step.get(PAGE))
    assert "2 app passwords will be revoked" in text_of(two_step.get(f"{PAGE}/revoke-all"))
    assert len(app_passwords.active(anna)) == 2
    two_step.post(f"{PAGE}/revoke-all")
    assert not app_passwords.active(anna)
    assert "2 app passwords are revoked" in text_of(two_step.get(PAGE))


def test_a_device_that_was_given_up_is_no_attack(two_step: Person, anna: Account) -> None:
    row = made(two_step, anna, name="Old phone")
    two_step.post(f"{PAGE}/revoke", id=str(row.pk))
    Event.objects.create(
        at=two_step.here.clock.ms, kind="mail-refused", account=anna, protocol="imap",
        reason="app-password-revoked", app_password=row, address="192.0.2.9",
    )  # fmt: skip
    row.refresh_from_db()
    assert row.revoked_at is not None
    words = people_time.date_words(people_time.moment(row.revoked_at))
    page = two_step.get("/activity")
    assert f"Old phone, revoked on {words}, is still trying" in text_of(page)
    assert "A mail program was refused" not in text_of(page)
