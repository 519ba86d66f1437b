"""A mail program that has the right account password: what her pages say, and lead to."""

from __future__ import annotations

import pytest

from installation import PASSWORD, START
from portal.person import Person, page_of, text_of
from sidegate.storage.mail_models import RightRefused
from sidegate.storage.models import Account, Event

LINK = "/security/app-passwords?app=mail&amp;device=iphone"
PATH = "/security/app-passwords?app=mail&device=iphone"


@pytest.fixture
def waiting(anna: Account) -> RightRefused:
    Event.objects.create(
        account=anna,
        at=START,
        kind="mail-password-right",
        reason="account-password-right",
        program="iPhone Mail 21F90",
        protocol="imap",
        address="192.0.2.7",
    )
    return RightRefused.objects.create(
        account=anna, at=START, program="iPhone Mail 21F90", protocol="imap", address="192.0.2.7"
    )


@pytest.mark.parametrize("path", ["/", "/security"])
def test_it_is_said_calmly_and_leads_to_what_mends_it(
    two_step: Person, waiting: RightRefused, path: str
) -> None:
    del waiting
    page = two_step.get(path)
    assert "A mail program needs an app password" in text_of(page)
    assert "iPhone Mail 21F90 · IMAP · 192.0.2.7" in text_of(page)
    assert LINK in page_of(page)


def test_the_link_survives_the_password_and_selects(
    two_step: Person, waiting: RightRefused
) -> None:
    del waiting
    assert two_step.post(PATH, password=PASSWORD)["Location"] == PATH
    page = page_of(two_step.get(PATH))
    assert '<option value="iphone" selected>' in page
    assert '<option value="mail" selected>' in page


@pytest.mark.parametrize("query", ["device=%22%3E%3Cscript%3E&app=x", "device=", "app=mail&app="])
def test_a_strange_link_selects_nothing(two_step: Person, query: str) -> None:
    two_step.post(PATH, password=PASSWORD)
    page = page_of(two_step.get(f"/security/app-passwords?{query}"))
    assert "<script>" not in page
    assert '<option value="iphone" selected>' not in page


def test_activity_says_it_too(two_step: Person, waiting: RightRefused) -> None:
    del waiting
    said = text_of(two_step.get("/activity"))
    assert "needs an app password: it was refused, and its account password was right" in said


def test_it_goes_with_an_app_password_made_since(two_step: Person, waiting: RightRefused) -> None:
    waiting.at -= 1
    waiting.save()
    two_step.post(PATH, password=PASSWORD)
    two_step.generate()
    assert "A mail program needs" not in text_of(two_step.get("/"))


def test_it_goes_when_two_step_does(two_step: Person, waiting: RightRefused, anna: Account) -> None:
    del waiting
    Account.objects.filter(pk=anna.pk).update(two_step_since=None)
    assert "A mail program needs" not in text_of(two_step.get("/"))
