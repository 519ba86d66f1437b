"""The waiting recovery: never faster than 48 hours, one at a time, none soon after a stop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.decisions.recovery import (
    OPEN_FOR,
    PAUSE,
    WAIT,
    Proof,
    Recovery,
    Stage,
    may_finish,
    retry_at,
    stage,
)
from sidegate.decisions.throttle import DAY, HOUR

NOW = 100 * DAY
HERE = Proof(1, same_browser=True, by_mail=False)
BY_MAIL = Proof(1, same_browser=False, by_mail=True)
ELSEWHERE = Proof(1, same_browser=False, by_mail=False)
OTHER_PASSWORD = Proof(2, same_browser=True, by_mail=True)


def test_the_numbers_that_pages_and_messages_say() -> None:
    assert (WAIT, OPEN_FOR, PAUSE) == (48 * HOUR, 7 * DAY, 7 * DAY)


@pytest.mark.parametrize(
    ("recovery", "expected"),
    [
        (Recovery(NOW, 1), Stage.WAITING),
        (Recovery(NOW + HOUR, 1), Stage.WAITING),
        (Recovery(NOW - WAIT + 1, 1), Stage.WAITING),
        (Recovery(NOW - WAIT, 1), Stage.RIPE),
        (Recovery(NOW - WAIT - OPEN_FOR + 1, 1), Stage.RIPE),
        (Recovery(NOW - WAIT - OPEN_FOR, 1), Stage.OVER),
        (Recovery(NOW - WAIT, 1, ended_at=NOW - 1), Stage.OVER),
        (Recovery(NOW - HOUR, 1, ended_at=NOW - 1, stopped=True), Stage.OVER),
    ],
)
def test_how_far_one_is(recovery: Recovery, expected: Stage) -> None:
    assert stage(recovery, now=NOW) is expected


@pytest.mark.parametrize(
    ("recovery", "proof", "finishes"),
    [
        (Recovery(NOW - WAIT, 1), HERE, True),
        (Recovery(NOW - WAIT, 1), BY_MAIL, True),
        (Recovery(NOW - WAIT, 1), ELSEWHERE, False),
        (Recovery(NOW - WAIT, 1), OTHER_PASSWORD, False),
        (Recovery(NOW - WAIT + 1, 1), HERE, False),
        (Recovery(NOW - WAIT + 1, 1), BY_MAIL, False),
        (Recovery(NOW - WAIT - OPEN_FOR, 1), HERE, False),
        (Recovery(NOW - WAIT, 1, ended_at=NOW), HERE, False),
    ],
)
def test_who_finishes_it(recovery: Recovery, proof: Proof, finishes: bool) -> None:  # noqa: FBT001
    assert may_finish(recovery, proof, now=NOW) is finishes


@pytest.mark.parametrize(
    ("past", "again"),
    [
        ([], None),
        ([Recovery(NOW, 1)], NOW + WAIT + OPEN_FOR),
        ([Recovery(NOW - WAIT, 1)], NOW + OPEN_FOR),
        ([Recovery(NOW - WAIT - OPEN_FOR, 1)], None),
        ([Recovery(NOW - DAY, 1, ended_at=NOW, stopped=True)], NOW + PAUSE),
        ([Recovery(NOW - 9 * DAY, 1, ended_at=NOW - PAUSE, stopped=True)], None),
        ([Recovery(NOW - DAY, 2, ended_at=NOW, stopped=True)], None),
        ([Recovery(NOW - DAY, 1, ended_at=NOW)], None),
        (
            [
                Recovery(NOW - 3 * DAY, 1, ended_at=NOW - 2 * DAY, stopped=True),
                Recovery(NOW - 2 * DAY, 1, ended_at=NOW - DAY, stopped=True),
            ],
            NOW - DAY + PAUSE,
        ),
    ],
)
def test_when_another_can_begin(past: list[Recovery], again: int | None) -> None:
    assert retry_at(past, password_version=1, now=NOW) == again


ACTIONS = st.lists(
    st.tuples(
        st.integers(0, 3 * DAY),
        st.sampled_from(["begin", "stop", "finish", "other browser", "new password"]),
    ),
    max_size=60,
)


@given(ACTIONS)
def test_no_history_gets_around_the_wait(actions: list[tuple[int, str]]) -> None:
    now, version = NOW, 1
    past: list[Recovery] = []
    for gap, action in actions:
        now += gap
        if action == "begin" and retry_at(past, password_version=version, now=now) is None:
            assert all(stage(one, now=now) is Stage.OVER for one in past)
            past.append(Recovery(now, version))
        elif action == "new password":
            version += 1
        elif past and stage(past[-1], now=now) is not Stage.OVER:
            last = past[-1]
            if action == "stop":
                past[-1] = last._replace(ended_at=now, stopped=True)
            proof = Proof(version, same_browser=action == "finish", by_mail=False)
            if may_finish(past[-1], proof, now=now):
                assert action == "finish"
                assert version == last.password_version
                assert WAIT <= now - last.began_at < WAIT + OPEN_FOR
                past[-1] = last._replace(ended_at=now)
    stopped = [one for one in past if one.stopped]
    for one in stopped:
        later = [other for other in past if other.began_at > (one.ended_at or 0)]
        assert all(
            other.password_version != one.password_version
            or other.began_at >= (one.ended_at or 0) + PAUSE
            for other in later
        )
