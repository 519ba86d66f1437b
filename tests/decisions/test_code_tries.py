"""How many wrong codes are too many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.decisions.code_tries import LIMITS, retry_at
from sidegate.decisions.throttle import DAY, HOUR

NOW = 10 * DAY


@pytest.mark.parametrize(
    ("tries", "again"),
    [
        ([], None),
        ([NOW] * 9, None),
        ([NOW] * 10, NOW + HOUR),
        ([NOW - 5, *[NOW] * 9], NOW - 5 + HOUR),
        ([NOW - HOUR, *[NOW] * 9], None),
        ([NOW - 2 * HOUR] * 29, None),
        ([NOW - 2 * HOUR] * 30, NOW - 2 * HOUR + DAY),
        ([NOW - DAY] * 30, None),
        ([*[NOW - 2 * HOUR] * 20, *[NOW] * 10], NOW - 2 * HOUR + DAY),
    ],
)
def test_table(tries: list[int], again: int | None) -> None:
    assert retry_at(tries, now=NOW) == again


@given(gaps=st.lists(st.integers(0, HOUR), max_size=120))
def test_whoever_keeps_to_it_never_gets_more(gaps: list[int]) -> None:
    now, taken = NOW, list[int]()
    for gap in gaps:
        now += gap
        again = retry_at(taken, now=now)
        assert again is None or again > now
        if again is None:
            taken.append(now)
        else:
            assert retry_at(taken, now=again) is None or again < max(taken) + DAY
    for span, most in LIMITS:
        assert all(sum(at - span < one <= at for one in taken) <= most for at in taken)
