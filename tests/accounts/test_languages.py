"""Whose language a message has: that of its owner's browser, not of whoever acts."""

from __future__ import annotations

import pytest
from django.utils import translation

from installation import OWNER, Installation
from sidegate.accounts import languages, lock_links, notices, personal, web_sign_in
from sidegate.accounts.notices import unpacked
from sidegate.accounts.queue import payload_of
from sidegate.storage import jobs
from sidegate.storage.models import Account, Job

HERS, HIS = "h" * 32, "t" * 32
WEEK = lock_links.LIFETIME / 1000


@pytest.fixture
def anna(installation_on_each: Installation) -> Account:
    return installation_on_each.add()


def sign_in(house: Installation, account: Account, browser: str, language: str) -> str:
    """The language of messages afterwards."""
    with translation.override(language):
        web_sign_in.finished(house.context, account=account, step="", browser=browser, origin=OWNER)
    account.refresh_from_db()
    return languages.of_messages(house.context, account)


def test_her_first_browser_counts_and_no_new_one(
    installation_on_each: Installation, anna: Account
) -> None:
    house = installation_on_each
    assert languages.of_messages(house.context, anna) == "en"
    assert sign_in(house, anna, HERS, "lv") == "lv"
    assert sign_in(house, anna, HIS, "de") == "lv"
    assert sign_in(house, anna, HIS, "de") == "lv", "twice makes it no browser of hers"
    house.clock.forward(seconds=WEEK - 1)
    assert sign_in(house, anna, HIS, "de") == "lv"
    house.clock.forward(seconds=1)
    assert sign_in(house, anna, HERS, "fr") == "fr"
    assert sign_in(house, anna, HIS, "de") == "de"


def test_a_browser_known_from_before_counts(
    installation_on_each: Installation, anna: Account
) -> None:
    """Nobody wrote down then since when."""
    house = installation_on_each
    sign_in(house, anna, HERS, "lv")
    anna.knownbrowser_set.update(first_at=0)
    Account.objects.filter(pk=anna.pk).update(seen_language="")
    anna.refresh_from_db()
    assert sign_in(house, anna, HIS, "de") == "en"
    assert sign_in(house, anna, HERS, "lv") == "lv"


def test_another_language_is_told_in_the_earlier_one(
    installation_on_each: Installation, anna: Account
) -> None:
    house = installation_on_each
    sign_in(house, anna, HERS, "lv")
    Job.objects.all().delete()
    with translation.override("de"):
        personal.set_language(house.context, account=anna, language="lv", origin=OWNER)
        assert not Job.objects.exists(), "messages are in it already"
        personal.set_language(house.context, account=anna, language="de", origin=OWNER)
    taken = jobs.take(kinds=[notices.JOB], most=9, now=house.clock() + notices.AGAIN_AFTER)
    told = [unpacked(payload_of(house.context, job)) for job in taken]
    assert [(one.kind, one.language) for one in told] == [("personal-changed", "lv")] * 2
    assert all("/lock/" in one.link for one in told)
