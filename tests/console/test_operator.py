"""`/operator`: who sees it, and what it says."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from installation import OPERATOR, OWNER, Installation
from portal.person import ADDRESS, Person, page_of, text_of
from sidegate.accounts import people
from sidegate.accounts.observe_report import Report, Wanted
from sidegate.console.words import SHOWN
from sidegate.decisions.observing import Outcome
from sidegate.storage.mail_models import GraceWindow, Sighting
from sidegate.storage.models import Account, Event

DAY = 24 * 3600 * 1000


@pytest.fixture
def operator(two_step: Person, anna: Account) -> Person:
    """Anna, signed in with two steps, and operator."""
    people.set_operator(two_step.here.context, account=anna, operator=True, origin=OPERATOR)
    return two_step


def seen(here: Installation, address: str, *, days: int = 1, **more: str) -> None:
    account = people.find(address) or here.add(address)
    told = {
        "last_address": "192.0.2.7",
        "protocol": "imap",
        "network": "192.0.2.0/24",
        "program": "Mail 7",
        "mechanism": "PLAIN",
        "credential": "account-password",
        **more,
    }
    at = here.clock.ms - days * DAY
    Sighting.objects.create(account=account, first_at=at, last_at=at, count=1, **told)


def two_step_on(here: Installation, address: str) -> None:
    Account.objects.filter(address=address).update(two_step_since=here.clock.ms)


def test_who_is_no_operator_finds_no_such_page(two_step: Person, anna: Account) -> None:
    assert two_step.get("/operator").status_code == 404
    assert "There is no such page" in text_of(two_step.get("/operator"))
    assert "For operators" not in text_of(two_step.get("/"))
    ctx = two_step.here.context
    people.set_operator(ctx, account=anna, operator=True, origin=OPERATOR)
    assert two_step.get("/operator").status_code == 200
    assert "For operators" in text_of(two_step.get("/"))
    people.set_operator(ctx, account=anna, operator=False, origin=OPERATOR)
    assert two_step.get("/operator").status_code == 404


def test_who_asks_without_being_operator_is_an_event_a_day(two_step: Person, anna: Account) -> None:
    for _ in range(3):
        assert two_step.get("/operator").status_code == 404
    event = Event.objects.get(kind="operator-refused")
    assert (event.account, event.address) == (anna, "127.0.0.1")
    assert "The operator's page was asked for" in text_of(two_step.get("/activity?show=refused"))
    two_step.here.clock.forward(seconds=86_400)
    two_step.get("/operator")
    assert Event.objects.filter(kind="operator-refused").count() == 2


def test_without_a_second_step_it_stays_closed(inside: Person, anna: Account) -> None:
    seen(inside.here, "bert@example.test")
    people.set_operator(inside.here.context, account=anna, operator=True, origin=OPERATOR)
    answer = inside.get("/operator")
    assert answer.status_code == 403
    assert "Turn on 2-Step Verification first" in text_of(answer)
    assert "bert" not in text_of(answer)


def test_signed_out_it_asks_for_a_sign_in(person: Person) -> None:
    answer = person.get("/operator")
    assert (answer.status_code, answer["Location"]) == (302, "/signin?next=%2Foperator")


def test_nothing_is_changed_there(operator: Person) -> None:
    assert operator.post("/operator").status_code == 405


def test_it_says_who_would_be_refused(operator: Person) -> None:
    here = operator.here
    seen(here, ADDRESS, program="Thunderbird 128.0")
    seen(here, "bert@example.test", mechanism="CRAM-MD5", protocol="submission", program="")
    seen(here, "carol@example.test", days=40)
    page = text_of(operator.get("/operator"))
    assert "Thunderbird 128.0 IMAP PLAIN 192.0.2.0/24" in page
    assert "Would be refused: it has the account password" in page
    assert "Not named SMTP CRAM-MD5" in page
    assert "Has to change: CRAM-MD5 is no longer offered" in page
    assert "CRAM-MD5 1 account · no longer offered once Sidegate is asked" in page
    assert "With a program that would be refused 1 Show them" in page
    assert "carol" not in page
    assert "2-Step Verification applies to every mail program." in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, "abc"),
        ({"show": "refused"}, "a"),
        ({"show": "mechanism-gone"}, "b"),
        ({"show": "two-step-off"}, "c"),
        ({"show": "app-password"}, ""),
        ({"protocol": "submission"}, "b"),
        ({"text": "C@EXAMPLE"}, "c"),
        ({"show": "refused", "protocol": "pop3"}, ""),
        ({"show": "nonsense", "after": "\x00", "protocol": "'"}, "abc"),
    ],
)
def test_filters(operator: Person, query: dict[str, str], names: str) -> None:
    here = operator.here
    seen(here, "a@example.test")
    two_step_on(here, "a@example.test")
    seen(here, "b@example.test", mechanism="SCRAM-SHA-1", protocol="submission")
    seen(here, "c@example.test")
    page = page_of(operator.get("/operator", **query))
    assert "".join(n for n in "abc" if f"<bdi>{n}@example.test</bdi>" in page) == names


def test_filters_and_rows_say_the_same(operator: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    here = operator.here
    monkeypatch.setitem(here.context.config.policy.__dict__, "grace_days", 14)
    for number, mechanism in enumerate(("PLAIN", "CRAM-MD5", "") * 2):
        seen(here, f"p{number}@example.test", mechanism=mechanism)
        if number % 2:
            two_step_on(here, f"p{number}@example.test")
    # Of two programs of one account, one may go on.
    seen(here, "p1@example.test", network="198.51.100.0/24", last_address="198.51.100.7")
    for address in ("p1@example.test", "p5@example.test"):
        GraceWindow.objects.create(
            account=Account.objects.get(address=address), protocol="imap", network="192.0.2.0/24",
            program="Mail 7", name="Mail", address="192.0.2.7", given_at=0,
            until=here.clock.ms + DAY,
        )  # fmt: skip
    report = Report(here.context, since=0)
    assert [row.outcome for row in report.rows() if row.account == "p5@example.test"] == ["grace"]
    assert report.totals().refused == 2
    for show, _ in SHOWN:
        found = {one.address for one in report.accounts(Wanted(show=show))}
        wanted = {row.account for row in report.rows() if row.outcome is Outcome(show)}
        assert found == wanted, show


def test_pages_of_accounts_and_few_questions(operator: Person) -> None:
    for number in range(120):
        seen(operator.here, f"p{number:03}@example.test", program=f"program {number:03}.")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        first = operator.get("/operator", protocol="imap")
    assert len(asked) < 20
    page = page_of(first)
    assert "program 049." in page
    assert "program 050." not in page
    following = page.split('href="?protocol=imap&amp;after=')[1].split("#")[0]
    second = page_of(
        operator.get("/operator", protocol="imap", after=following.replace("%40", "@"))
    )
    assert "program 050." in second
    assert "program 049." not in second
    assert "First accounts" in second


def test_what_a_program_says_is_no_markup(operator: Person) -> None:
    seen(operator.here, ADDRESS, program="<script>alert(1)</script>")
    assert "<script>alert" not in page_of(operator.get("/operator"))


def test_owners_are_told_while_it_is_only_watched(
    two_step: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "Your mail programs may still use the account password"
    assert words not in text_of(two_step.get("/security"))
    monkeypatch.setitem(two_step.here.context.config.policy.__dict__, "mode", "observe")
    assert words in text_of(two_step.get("/security"))
    assert words in text_of(two_step.get("/security/two-step"))
    assert words not in text_of(Person(two_step.here).get("/signin"))


def test_made_operator_is_recorded(two_step: Person, anna: Account) -> None:
    ctx = two_step.here.context
    for on in (True, True, False):
        people.set_operator(ctx, account=anna, operator=on, origin=OWNER)
    page = text_of(two_step.get("/activity"))
    assert page.count("The account was made operator") == 1
    assert page.count("The account is no longer operator") == 1
