"""What is reported becomes a sighting, written behind; junk becomes nothing."""

from __future__ import annotations

import dataclasses
from typing import cast

import pytest

from installation import START, Installation
from sidegate.accounts import observing
from sidegate.accounts.observing import Observing
from sidegate.accounts.open_sessions import remember
from sidegate.decisions.directory import Directory
from sidegate.decisions.observing import Enforced, Observed
from sidegate.decisions.words import Protocol
from sidegate.events.catalogue import Kind
from sidegate.storage.mail_models import MailSession, Sighting
from sidegate.storage.models import Account, Event

ANNA = "anna@example.test"
REPORTED = Observed(ANNA, Protocol.IMAP, "192.0.2.7", "Mail 7", "CRAM-MD5", START)


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "REST_SECONDS", 0)


def reported(here: Installation, *seen: Observed, directory: bool = True) -> list[str]:
    """Report these, and tell whose programs are remembered then."""
    # It is never asked: that there is one is all that counts.
    hers = cast("Directory", object()) if directory else None
    keeping = Observing(dataclasses.replace(here.context, directory=hers))
    for one in seen:
        keeping.observe(one)
    keeping.start()
    keeping.close()
    rows = Sighting.objects.order_by("account__address", "program")
    return [f"{row.account.address} {row.program}" for row in rows]


def test_a_report_makes_the_account_and_is_remembered(installation: Installation) -> None:
    again = REPORTED._replace(at=START + 1000, address="192.0.2.9", login="Anna@Example.test")
    assert reported(installation, REPORTED, again) == [f"{ANNA} Mail 7"]
    row = Sighting.objects.get()
    assert (row.protocol, row.network, row.mechanism) == ("imap", "192.0.2.0/24", "CRAM-MD5")
    assert (row.credential, row.last_at, row.last_address) == (
        "account-password", START + 1000, "192.0.2.9"
    )  # fmt: skip
    assert row.count == 2
    made = Event.objects.get()
    assert (made.kind, made.account) == (Kind.ACCOUNT_ADDED, Account.objects.get())


def test_without_a_directory_only_accounts_that_are_here(installation: Installation) -> None:
    installation.add(ANNA)
    other = REPORTED._replace(login="other@example.test")
    assert reported(installation, REPORTED, other, directory=False) == [f"{ANNA} Mail 7"]
    assert Account.objects.count() == 1


@pytest.mark.parametrize("login", ["", "a b", "x" * 300, "\x00", "@example.test"])
def test_a_login_that_nobody_can_have(installation: Installation, login: str) -> None:
    assert reported(installation, REPORTED._replace(login=login), REPORTED) == [f"{ANNA} Mail 7"]


def test_new_accounts_are_bounded(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "MOST_NEW", 3)
    many = [REPORTED._replace(login=f"p{number}@example.test") for number in range(10)]
    assert len(reported(installation, *many)) == 3


def test_too_many_are_left_out(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "MOST_WAITING", 2)
    many = [REPORTED._replace(program=f"p{number}") for number in range(10)]
    assert len(reported(installation, *many)) == 2


def test_open_sessions_go_on_where_nothing_is_enforced(installation_on_each: Installation) -> None:
    anna = installation_on_each.add(ANNA)
    Account.objects.filter(pk=anna.pk).update(two_step_since=START)

    def stays(enforced: Enforced, version: int = 1) -> bool:
        session = MailSession(
            host="here", process_id=1, process_started=1, account=anna, password_version=version,
            protocol="imap", opened_at=START,
        )  # fmt: skip
        return remember(session, enforced)

    assert stays(Enforced(everybody=False))
    assert not stays(Enforced())
    assert not stays(Enforced(everybody=False, some=frozenset({"@example.test"})))
    assert not stays(Enforced(everybody=False), version=0)
