"""Codes of authenticator apps, against RFC 6238 and properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.factors import totp

SECRET = b"12345678901234567890"
NOW = 1_790_000_010_000
STEP = NOW // totp.STEP


def code(step: int) -> str:
    return totp.code_at(secret=SECRET, step=step)


def matching(typed: str, *, now: int = NOW, after: int = -1) -> int | None:
    return totp.matching_step(secret=SECRET, code=typed, now=now, after=after)


@pytest.mark.parametrize(
    ("seconds", "right"),
    # RFC 6238, appendix B, SHA-1: the last six of its eight digits.
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_vectors_of_the_rfc(seconds: int, right: str) -> None:
    assert code(seconds // 30) == right
    assert matching(right, now=seconds * 1000) == seconds // 30


@pytest.mark.parametrize("off", [-2, -1, 0, 1, 2])
def test_one_step_either_way(off: int) -> None:
    assert matching(code(STEP + off)) == (STEP + off if abs(off) <= 1 else None)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef"])
def test_what_is_no_code(typed: str) -> None:
    assert matching(typed) is None


def test_the_first_seconds_of_time() -> None:
    assert matching(code(0), now=0) == 0


@given(now=st.integers(totp.STEP, 2**45), used=st.integers(-3, 3), off=st.integers(-3, 3))
def test_a_step_that_was_used_and_those_before_are_over(now: int, used: int, off: int) -> None:
    step = now // totp.STEP
    presented = max(0, step + off)
    found = matching(code(presented), now=now, after=step + used)
    assert found is None or (found > step + used and abs(found - step) <= totp.DRIFT)
    assert found is None or code(found) == code(presented)


@given(secret=st.binary(min_size=20, max_size=20))
def test_key_and_address_say_the_same(secret: bytes) -> None:
    key = totp.key(secret)
    assert len(key.split()) == 8
    uri = totp.uri(secret=secret, address="anna@example.test", issuer="Post & Co")
    assert uri.startswith("otpauth://totp/Post%20%26%20Co:anna%40example.test?")
    assert f"secret={key.replace(' ', '')}&" in uri
    assert "issuer=Post%20%26%20Co" in uri
