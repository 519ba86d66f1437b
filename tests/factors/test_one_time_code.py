"""One-time codes: six digits, read as people type them, bound to where they belong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.factors import one_time_code

DRAWN = [
    (bytes(8), "000000"),
    ((7).to_bytes(8, "big"), "000007"),
    ((1_000_000).to_bytes(8, "big"), "000000"),
    (b"\xff" * 8, "551615"),
]


@pytest.mark.parametrize(("random", "code"), DRAWN)
def test_known_draws(random: bytes, code: str) -> None:
    assert one_time_code.generate(random=lambda _: random) == code


@given(st.binary(min_size=8, max_size=8))
def test_six_digits_always(random: bytes) -> None:
    code = one_time_code.generate(random=lambda _: random)
    assert one_time_code.normalise(code) == code


TYPED = [
    ("123456", "123456"),
    ("123 456", "123456"),
    (" 123-456\n", "123456"),
    ("12\u20113\u2013456", "123456"),
    ("\u0661\u0662\u0663\u0664\u0665\u0666", "123456"),
    ("\uff11\uff12\uff13456", "123456"),
    ("12345", None),
    ("1234567", None),
    ("12345a", None),
    ("12345\u00b2", None),
    ("", None),
]


@pytest.mark.parametrize(("typed", "code"), TYPED)
def test_as_people_type_them(typed: str, code: str | None) -> None:
    assert one_time_code.normalise(typed) == code


@given(st.text(max_size=12))
def test_any_text_in_digits_or_none_out(typed: str) -> None:
    code = one_time_code.normalise(typed)
    assert code is None or (len(code) == 6 and code.isascii() and code.isdigit())


def test_a_code_belongs_to_its_account_purpose_and_browser() -> None:
    def digest(account_id: int, purpose: str, binding: str, code: str) -> bytes:
        return one_time_code.digest(
            key=bytes(32), account_id=account_id, purpose=purpose, binding=binding, code=code
        )

    digests = {
        digest(1, "sign-in", "b", "123456"),
        digest(2, "sign-in", "b", "123456"),
        digest(1, "turn-on", "b", "123456"),
        digest(1, "sign-in", "c", "123456"),
        digest(1, "sign-in", "b", "123457"),
        digest(1, "sign-inb", "", "123456"),
    }
    assert len(digests) == 6
