"""`/operator`: what it says of codes that are stopped and of gateways that do not work."""

from __future__ import annotations

import pytest

from console.test_operator import operator  # noqa: F401 - a fixture is found by its name
from installation import Installation
from portal.person import Person, text_of
from sidegate.storage import sends
from sidegate.storage.models import CodeSend, SendSubject

HOUR = 3_600_000


def sent(here: Installation, count: int, *, prefix: str = "+371200", minutes_ago: int = 30) -> None:
    at = here.clock.ms - minutes_ago * 60_000
    CodeSend.objects.bulk_create(
        CodeSend(
            account_id=1,
            number="n",
            network="",
            prefix=prefix,
            at=at,
            price=40_000,
            job=0,
            outcome=sends.SENT,
        )
        for _ in range(count)
    )


def codes_of(operator: Person) -> str:  # noqa: F811 - the fixture
    text = text_of(operator.get("/operator"))
    return text.partition("Codes by phone ")[2].partition("Accounts")[0]


def test_where_codes_reach_phones_nothing_is_said(operator: Person) -> None:  # noqa: F811
    sent(operator.here, 20)  # as many as no limit minds, and nobody was refused
    sends.first_told("operator-refused:7", now=operator.here.clock.ms)  # no stop of codes
    assert "Codes by phone" not in text_of(operator.get("/operator"))


@pytest.mark.parametrize(
    ("told", "seen", "label", "words"),
    [
        ("daily-limit", (250, 30), "are", "in an hour or a day as daily_most allows"),
        ("daily-limit", (1000, 120), "are", "in an hour or a day as daily_most allows"),
        ("daily-limit", (250, 120), "were", "in an hour or a day as daily_most allows"),
        ("daily-spend", (0, 30), "were", "cost as much as daily_spend allows"),
        ("prefix-limit+371200", (100, 30), "are", "went to numbers that begin with +371200"),
        ("prefix-limit+371200", (100, 120), "were", "went to numbers that begin with +371200"),
        ("hardly-used+371200", (20, 30), "are", "Hardly any code to numbers that begin with"),
        ("hardly-used+371200", (18, 30), "were", "Hardly any code to numbers that begin with"),
    ],
)
def test_a_stop_says_when_why_and_what_to_do(
    operator: Person,  # noqa: F811
    told: str,
    seen: tuple[int, int],
    label: str,
    words: str,
) -> None:
    here = operator.here
    sends.stop_first_told(told, now=here.clock.ms - HOUR // 2)
    sent(here, seen[0], minutes_ago=seen[1])
    said = codes_of(operator)
    assert said.startswith(f"Codes by phone {label} stopped ")
    assert words in said
    assert "today, " in said
    assert "sidegate events who asked for codes" in said


def test_a_stop_is_forgotten_after_a_day(operator: Person) -> None:  # noqa: F811
    here = operator.here
    sends.stop_first_told("daily-limit", now=here.clock.ms - 24 * HOUR)
    assert SendSubject.objects.filter(subject="told:stop:daily-limit").exists()
    assert "Codes by phone" not in text_of(operator.get("/operator"))


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("away", "It could not be reached, or the connection broke."),
        ("credentials", "It did not accept our user name or password."),
        ("timeout", "It did not answer in time."),
        ("broken", "It could not be used"),
        ("ValueError", "It could not be used"),
    ],
)
def test_a_gateway_that_fails_is_named_until_it_works(
    operator: Person,  # noqa: F811
    why: str,
    words: str,
) -> None:
    here = operator.here
    troubles = here.context.gateway_troubles
    troubles.failed("kannel", why, now=here.clock.ms - HOUR)
    said = codes_of(operator)
    assert said.startswith("The gateway kannel does not work ")
    assert words in said
    assert "today, " in said
    assert "sidegate check asks each gateway" in said
    troubles.works("kannel")
    assert "kannel" not in text_of(operator.get("/operator"))
