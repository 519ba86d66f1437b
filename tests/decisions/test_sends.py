"""How many codes may go out: the table of limits, what they cost, and what comes of them."""

from __future__ import annotations

from bisect import insort

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.decisions import sends
from sidegate.decisions.sends import Conversion, Limit, Refused, Scope, Why
from sidegate.decisions.throttle import DAY, HOUR

NOW = 1_790_000_000_000
MINUTE = 60_000


@pytest.mark.parametrize(
    ("scope", "daily_most", "wanted"),
    [
        (Scope.NUMBER, 1, [(3, 10 * MINUTE), (5, HOUR), (10, DAY)]),
        (Scope.NUMBER, 100_000, [(3, 10 * MINUTE), (5, HOUR), (10, DAY)]),
        (Scope.ACCOUNT, 1000, [(5, HOUR), (15, DAY)]),
        (Scope.NETWORK, 1000, [(50, HOUR), (200, DAY)]),
        (Scope.PREFIX, 1000, [(100, HOUR), (500, DAY)]),
        (Scope.PREFIX, 30, [(20, HOUR), (20, DAY)]),
        (Scope.PREFIX, 5, [(5, HOUR), (5, DAY)]),
        (Scope.ALL, 1000, [(250, HOUR), (1000, DAY)]),
        (Scope.ALL, 10, [(10, HOUR), (10, DAY)]),
    ],
)
def test_the_table(scope: Scope, daily_most: int, wanted: list[tuple[int, int]]) -> None:
    found = sends.limits(daily_most=daily_most)
    assert [(one.most, one.within) for one in found if one.scope is scope] == wanted


TEN_MINUTES = Limit(Scope.NUMBER, 3, 10 * MINUTE)
AN_HOUR = Limit(Scope.NUMBER, 5, HOUR)


@pytest.mark.parametrize(
    ("nth", "wanted"),
    [
        ({}, None),
        ({TEN_MINUTES: NOW - 10 * MINUTE}, None),
        ({TEN_MINUTES: NOW - 10 * MINUTE + 1}, Refused(TEN_MINUTES, NOW + 1)),
        ({TEN_MINUTES: NOW, AN_HOUR: NOW - MINUTE}, Refused(AN_HOUR, NOW + 59 * MINUTE)),
        ({TEN_MINUTES: NOW, AN_HOUR: NOW - 59 * MINUTE}, Refused(TEN_MINUTES, NOW + 10 * MINUTE)),
    ],
)
def test_the_limit_that_holds_longest(nth: dict[Limit, int], wanted: Refused | None) -> None:
    assert sends.by_count(nth, now=NOW) == wanted


@given(st.lists(st.integers(0, DAY), max_size=60))
def test_however_they_come_no_window_holds_more(pauses: list[int]) -> None:
    limits = [one for one in sends.limits(daily_most=1000) if one.scope is Scope.NUMBER]
    sent: list[int] = []
    now = NOW
    for pause in pauses:
        now += pause % (20 * MINUTE)
        nth = {one: sent[-one.most] for one in limits if len(sent) >= one.most}
        refused = sends.by_count(nth, now=now)
        if refused is None:
            insort(sent, now)
            continue
        # At the time that was told it goes out, and not a moment before.
        assert sends.by_count(nth, now=refused.retry_at) is None
        assert sends.by_count(nth, now=refused.retry_at - 1) is not None
    for limit in limits:
        for at in sent:
            assert sum(at - limit.within < other <= at for other in sent) <= limit.most


@pytest.mark.parametrize(
    ("spent", "price", "wanted"),
    [
        ([], 10, None),
        ([(NOW - 5, 90)], 10, None),
        ([(NOW - 5, 91)], 10, NOW - 5 + DAY),
        ([(NOW - 5, 5), (NOW - 9, 1), (NOW - 1, 85)], 10, NOW - 9 + DAY),
        ([(NOW - 9, 1), (NOW - 5, 5), (NOW - 1, 85)], 12, NOW - 5 + DAY),
        ([], 101, NOW + DAY),
    ],
)
def test_the_price_of_a_day(spent: list[tuple[int, int]], price: int, wanted: int | None) -> None:
    refused = sends.by_price(spent, price=price, most=100, now=NOW)
    assert refused == (wanted and Refused(Why.SPEND, wanted))


@given(
    st.lists(st.tuples(st.integers(NOW - DAY, NOW), st.integers(1, 60)), max_size=20),
    st.integers(1, 100),
)
def test_at_the_time_told_it_can_be_paid(spent: list[tuple[int, int]], price: int) -> None:
    refused = sends.by_price(spent, price=price, most=100, now=NOW)
    if refused is None:
        assert sum(paid for _at, paid in spent) + price <= 100
        return
    later = [(at, paid) for at, paid in spent if at > refused.retry_at - DAY]
    assert sends.by_price(later, price=price, most=100, now=refused.retry_at) is None


@pytest.mark.parametrize(
    ("sent", "used", "stopped"),
    [(0, 0, False), (19, 0, False), (20, 3, True), (20, 4, False), (1000, 199, True)],
)
def test_a_prefix_whose_codes_are_hardly_used(sent: int, used: int, *, stopped: bool) -> None:
    assert sends.hardly_used(Conversion(sent, used)) is stopped


@pytest.mark.parametrize(
    ("country", "prices", "wanted"),
    [
        ("LV", {}, 0),
        ("LV", {"LV": 0.035, "*": 0.2}, 35_000),
        ("LT", {"LV": 0.035, "*": 0.2}, 200_000),
        ("LT", {"LV": 0.035, "EE": 0.05}, 50_000),
    ],
)
def test_a_price(country: str, prices: dict[str, float], wanted: int) -> None:
    assert sends.price_of(country, prices=prices) == wanted
