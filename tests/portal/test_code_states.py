"""The page that waits for a code: what it says for each way a send can stand."""

from __future__ import annotations

import re

import pytest

from installation import PASSWORD, Installation, install
from portal.person import ADDRESS, NUMBER, Person, page_of, text_of
from sidegate.accounts.code_orders import DELIVERED, FAILED, SENT, UNSURE, Standing
from sidegate.portal.code_states import RECEIPTS_FOR, in_words
from sidegate.senders.gateway import MaybeSent, NotReachable, Sent
from sidegate.storage import jobs
from sidegate.storage.jobs import EXPIRED, WAITING

CODE = "/security/two-step/code"


@pytest.mark.parametrize(
    ("standing", "channel", "words", "again_after"),
    [
        (Standing(WAITING), "sms", "We are sending a text message", 2),
        (Standing(WAITING), "voice", "We are calling N.", 2),
        (Standing(WAITING, "away"), "sms", "could not be sent to N yet. We keep trying.", 2),
        (Standing(SENT, at=1), "sms", "We sent a text message", 0),
        (Standing(SENT, at=1, has_receipts=True), "sms", "We sent a text message", 5),
        (Standing(SENT, at=-RECEIPTS_FOR, has_receipts=True), "sms", "We sent", 0),
        (Standing(SENT, at=1), "voice", "We are calling N.", 0),
        (Standing(DELIVERED), "sms", "has arrived at N.", 0),
        (Standing(DELIVERED), "voice", "We called N and said", 0),
        (Standing(FAILED, "unknown-number"), "sms", "N cannot be reached. Check the number", 0),
        (Standing(FAILED, "barred"), "sms", "N cannot be reached. Check the number", 0),
        (Standing(FAILED, "no-answer"), "voice", "nobody answered. Send a new code", 0),
        (Standing(FAILED, "line-busy"), "voice", "the line was busy. Send a new code", 0),
        (Standing(FAILED, "not-delivered"), "sms", "did not arrive at N. Send a new one", 0),
        (Standing(UNSURE, "timeout"), "sms", "If nothing comes within a minute, send a new", 0),
        (Standing(EXPIRED), "sms", "could not be sent to N. Send a new one", 0),
    ],
)
def test_each_state_has_words_and_says_when_to_look_again(
    standing: Standing, channel: str, words: str, again_after: int
) -> None:
    shown = in_words(standing, channel=channel, number="N", now=1)
    assert words in shown.text
    assert shown.again_after == again_after


def ask(inside: Person, channel: str = "sms") -> None:
    inside.post("/security/two-step/phone", password=PASSWORD)
    inside.post("/security/two-step/phone", number=NUMBER, channel=channel)


def wait_of(page: str) -> set[str]:
    return set(re.findall(r'data-wait="(\d+)"', page))


def test_it_says_that_it_is_being_sent_and_how_to_see_more(inside: Person) -> None:
    inside.here.context.bell.answered_by(None)
    ask(inside)
    page = page_of(inside.get(CODE))
    assert 'role="status" data-again="2"' in page
    assert "We are sending a text message" in page
    assert f'<noscript><p><a href="{CODE}">See whether it was sent</a>' in page
    inside.here.send_codes()
    page = page_of(inside.get(CODE))
    assert "We sent a text message" in page
    assert "See whether it was sent" not in page
    assert 'data-again="0"' in page


def test_a_number_that_cannot_be_reached(inside: Person) -> None:
    inside.here.sender.answer = NotReachable("unknown-number")
    ask(inside)
    page = page_of(inside.get(CODE))
    number = NUMBER.replace(" ", "\N{NO-BREAK SPACE}")
    assert f"{number} cannot be reached. Check the number" in page
    assert wait_of(page) == {"0"}
    inside.here.sender.answer = Sent()
    inside.post(f"{CODE}/again")  # nothing went out, so at once
    assert "We sent a text message" in text_of(inside.get(CODE))


def test_an_open_end_has_the_person_wait_before_the_next(inside: Person) -> None:
    inside.here.sender.answer = MaybeSent("timeout")
    ask(inside)
    page = page_of(inside.get(CODE))
    assert "We cannot tell whether the code went out" in page
    assert wait_of(page) == {"30"}
    inside.post(f"{CODE}/again")
    assert len(inside.here.sender.sent) == 1


def test_call_me_instead(inside: Person) -> None:
    ask(inside)
    assert "Call me instead" in text_of(inside.get(CODE))
    inside.post(f"{CODE}/again", way="voice")
    assert [sent["channel"] for sent in inside.here.sender.sent] == ["sms"]
    inside.here.clock.forward(seconds=30)
    inside.post(f"{CODE}/again", way="voice")
    assert [sent["channel"] for sent in inside.here.sender.sent] == ["sms", "voice"]
    page = text_of(inside.get(CODE))
    assert "We are calling" in page
    assert "Call me instead" not in page
    assert inside.post(CODE, code=inside.here.sender.last_code).status_code == 302


def test_another_way_calls_the_first_send_off(inside: Person) -> None:
    inside.here.sender.away = True
    ask(inside)
    inside.here.sender.away = False
    ask(inside, "voice")
    inside.here.clock.forward(seconds=60)
    inside.here.send_codes()
    assert [sent["channel"] for sent in inside.here.sender.sent] == ["voice"]
    assert jobs.take(kinds=["code"], most=9, now=inside.here.clock.ms) == []


def test_at_sign_in_the_number_is_never_shown_whole(later: Person) -> None:
    later.post("/signout")
    for answer in (Sent(), MaybeSent("dropped"), NotReachable("barred")):
        later.here.sender.answer = answer
        later.sign_in()
        page = page_of(later.get("/signin/code"))
        assert "•••\N{NO-BREAK SPACE}••\N{NO-BREAK SPACE}00" in page
        assert "20 000" not in page


@pytest.fixture
def no_calls(installation: Installation) -> Person:
    data = installation.context.config.data
    house = install(data.parent / "other", toml="[codes]\nvoice = []\n")
    house.add(ADDRESS)
    person = Person(house)
    person.sign_in()
    return person


def test_where_nobody_can_call_it_is_not_offered(no_calls: Person) -> None:
    no_calls.post("/security/two-step/phone", password=PASSWORD)
    assert "Phone call" not in text_of(no_calls.get("/security/two-step/phone"))
    answer = no_calls.post("/security/two-step/phone", number=NUMBER, channel="voice")
    assert answer.status_code == 200
    ask(no_calls)
    assert "Call me instead" not in text_of(no_calls.get(CODE))
    no_calls.here.clock.forward(seconds=30)
    no_calls.post(f"{CODE}/again", way="voice")
    assert [sent["channel"] for sent in no_calls.here.sender.sent] == ["sms", "sms"]
