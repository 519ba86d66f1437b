"""Locking by the link of a message: looking changes nothing, the button locks."""

from __future__ import annotations

import pytest
from django.test import Client

from installation import OWNER, PASSWORD, Installation
from portal.person import ADDRESS, Person, text_of
from sidegate.accounts import app_password_changes, lock_links, people
from sidegate.storage.models import Account, AppPassword, LockLink


@pytest.fixture
def path(installation: Installation, anna: Account) -> str:
    return lock_links.new_link(installation.context, account=anna).removeprefix(
        installation.context.config.server.url
    )


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_it_locks_nothing(person: Person, anna: Account, path: str, method: str) -> None:
    for _ in range(3):
        assert getattr(person.client, method)(path).status_code == 200
    anna.refresh_from_db()
    assert anna.enabled
    assert "Lock your account?" in text_of(person.get(path))
    assert ADDRESS in text_of(person.get(path))


def test_the_button_locks_and_signs_out(inside: Person, anna: Account, path: str) -> None:
    assert inside.post(path)["Location"] == "/locked"
    anna.refresh_from_db()
    assert not anna.enabled
    assert "Your account is locked" in text_of(inside.get("/locked"))
    assert inside.get("/security").status_code == 302
    assert "is wrong" in text_of(inside.sign_in(password=PASSWORD))
    over = inside.get(path)
    assert over.status_code == 404
    assert "no longer locks anything" in text_of(over)
    assert inside.post(path).status_code == 404


def test_what_was_let_do_more_is_listed_before_and_after(
    installation: Installation, inside: Person, anna: Account, path: str
) -> None:
    row = AppPassword.objects.create(
        account=anna,
        digest=b"d",
        app="mail",
        device="mac",
        scopes="imap",
        created_at=1,
        paused_at=1,
    )
    app_password_changes.resume(
        installation.context, account=anna, app_password_id=row.pk, origin=OWNER
    )
    said = "Allowed more from then on: revoked by locking App password · Mail · Mac"
    assert said in text_of(inside.get(path))
    inside.post(path)
    assert said in text_of(inside.get("/locked"))


def test_a_form_from_elsewhere_locks_nothing(anna: Account, path: str) -> None:
    stranger = Client(enforce_csrf_checks=True, headers={"host": "localhost:8025"})
    assert stranger.post(path).status_code == 403
    anna.refresh_from_db()
    assert anna.enabled
    assert LockLink.objects.filter(used_at=None).count() == 1


@pytest.mark.parametrize("token", ["x", "%00", "a" * 5000, "..%2f..", "%ed%a0%80"])
def test_no_other_link_says_anything(person: Person, token: str) -> None:
    answer = person.get(f"/lock/{token}")
    assert answer.status_code == 404
    assert ADDRESS not in text_of(answer)


def test_an_operators_enabling_lets_her_in_again(
    installation: Installation, inside: Person, anna: Account, path: str
) -> None:
    inside.post(path)
    people.set_enabled(installation.context, account=anna, enabled=True, origin=OWNER)
    assert inside.sign_in(password=PASSWORD)["Location"] == "/"
