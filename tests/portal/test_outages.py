"""Pages while the database is away: said once as what it is, and nothing more is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client

from installation import PASSWORD
from portal.person import ADDRESS, Person, page_of, text_of
from sidegate.accounts import activity, personal
from sidegate.pages.sessions import SessionStore
from sidegate.storage.models import Account

NOTHING = "Nothing was changed."
LOOK_FIRST = "If you were changing something, look first whether it was done."


@dataclass
class Away:
    """In place of a database that is away: each statement that is asked for fails."""

    what: str = ""
    """Only from the first one on in which this stands."""
    problem: type[Exception] = OperationalError
    asked: list[str] = field(default_factory=list)

    def __call__(
        self, execute: Callable[..., object], sql: str, params: object, many: object, facts: object
    ) -> object:
        if not self.asked and self.what not in sql:
            return execute(sql, params, many, facts)
        self.asked.append(sql)
        raise self.problem("no connection")


@contextmanager
def away(what: str = "", problem: type[Exception] = OperationalError) -> Iterator[Away]:
    gone = Away(what, problem)
    with connection.execute_wrapper(gone):
        yield gone


@pytest.mark.parametrize("problem", [OperationalError, InterfaceError])
@pytest.mark.parametrize("what", ["", 'FROM "account"', 'FROM "event"'])
@pytest.mark.parametrize("method", ["get", "post"])
def test_it_is_said_once(
    two_step: Person, what: str, problem: type[Exception], method: str
) -> None:
    """The session cannot be loaded, its account not be found, or the page's own question fails."""
    with away(what, problem) as gone:
        answer = getattr(two_step.client, method)("/activity")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "60"
    assert "try again in a few minutes" in text_of(answer)
    assert "no connection" not in page_of(answer)
    assert (ADDRESS in text_of(answer)) is ("event" in what)
    assert len(gone.asked) == 1, "whoever asks again waits again"
    assert two_step.get("/activity").status_code == 200


def test_who_is_not_signed_in_is_told_too(person: Person) -> None:
    with away() as gone:
        assert person.get("/signin").status_code == 200
        assert person.sign_in().status_code == 503
    assert len(gone.asked) == 1


def test_no_page_of_an_error_asks_the_database(
    two_step: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"host": "localhost:8025"})
    strict.cookies["sidegate"] = two_step.client.cookies["sidegate"].value
    with away() as gone:
        assert two_step.get("/nowhere").status_code == 404
        assert strict.post("/signout").status_code == 403
    assert gone.asked == []

    def broken(*_a: object, **_k: object) -> None:
        gone.asked.append("")  # from here on it is away
        raise RuntimeError("hush")

    monkeypatch.setattr(activity, "recent", broken)
    two_step.client.raise_request_exception = False
    with away("never") as gone:
        answer = two_step.get("/activity")
    assert answer.status_code == 500
    assert "It was not your fault" in text_of(answer)
    assert gone.asked == [""]


def test_a_session_that_cannot_be_kept(two_step: Person) -> None:
    """The page was only read."""
    two_step.here.clock.forward(seconds=301)  # from then on it is kept when it was seen
    with away('UPDATE "web_session"') as gone:
        answer = two_step.get("/activity")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert NOTHING in text_of(answer)
    assert len(gone.asked) == 1


def test_a_change_that_was_done_is_not_called_undone(inside: Person, anna: Account) -> None:
    """Her name is changed, and what her next page would say of it cannot be kept."""
    with away('UPDATE "web_session"') as gone:
        answer = inside.post("/personal/name", name="Anna Berg")
    anna.refresh_from_db()
    assert anna.name == "Anna Berg"
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert LOOK_FIRST in text_of(answer)
    assert NOTHING not in text_of(answer)
    assert len(gone.asked) == 1


def test_nor_where_its_page_goes_on_after_it(inside: Person) -> None:
    inside.post("/security/password", password=PASSWORD)
    new = "a quite different phrase"
    with away('UPDATE "web_session"'):  # its key changes
        answer = inside.post("/security/password", new_password=new)
    assert answer.status_code == 503
    assert LOOK_FIRST in text_of(answer)
    assert Person(inside.here).sign_in(password=new).status_code == 302


def test_what_was_begun_may_have_been_done(inside: Person, anna: Account) -> None:
    """It was taken back here; what a server did whose answer is missing nobody knows."""
    with away("INTO event"):
        answer = inside.post("/personal/name", name="Anna Berg")
    assert answer.status_code == 503
    assert LOOK_FIRST in text_of(answer)
    anna.refresh_from_db()
    assert anna.name == "Anna"


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("what", ["", 'FROM "account"', 'FROM "event"'])
def test_nothing_was_changed_is_said_where_nothing_was_written(
    inside: Person, method: str, what: str
) -> None:
    with away(what):
        answer = getattr(inside.client, method)("/activity")
    assert answer.status_code == 503
    assert NOTHING in text_of(answer)
    assert LOOK_FIRST not in text_of(answer)


@pytest.mark.parametrize("where", ["set_name", "note"])
def test_a_mistake_of_ours_says_so_too(
    inside: Person, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything was written, or after."""

    def broken(*_a: object, **_k: object) -> None:
        raise RuntimeError("hush")

    monkeypatch.setattr(personal, where, broken)
    inside.client.raise_request_exception = False
    answer = inside.post("/personal/name", name="Anna Berg")
    assert answer.status_code == 500
    assert (LOOK_FIRST in text_of(answer)) is (where == "note")


def test_it_is_known_in_a_thread_of_the_server_too(
    two_step: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There an event loop asks for the page, and a view's statements are noted all the same."""
    monkeypatch.setattr(settings, "ALLOWED_HOSTS", ["testserver"])
    browser = AsyncClient()
    browser.cookies["sidegate"] = two_step.client.cookies["sidegate"].value

    def no_answer(*_a: object, **_k: object) -> None:
        raise OperationalError

    def close() -> None:
        connection.close()  # that thread's

    monkeypatch.setattr(SessionStore, "save", no_answer)

    async def ask() -> HttpResponseBase:
        try:
            return await browser.post("/personal/name", {"name": "Anna Berg"})
        finally:
            await sync_to_async(close)()

    assert LOOK_FIRST in text_of(asyncio.run(ask()))
