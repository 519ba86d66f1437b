"""App passwords: made evenly, read as people type them, kept as a keyed digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.factors import app_password
from sidegate.factors.digests import keyed_digest

KEY = bytes(range(32))
LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=16, max_size=16)


def test_known_answer() -> None:
    message = (
        b"\x00\x00\x00\x0capp-password"
        b"\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x2a"
        b"\x00\x00\x00\x10abcdefghijklmnop"
    )
    expected = hmac.new(KEY, message, hashlib.sha256).digest()
    assert app_password.digest(key=KEY, account_id=42, letters="abcdefghijklmnop") == expected
    assert expected.hex() == ("e6678fc4e803835fd735a0d8b778bcd93116f9a2433a387dba58c5b2e3cc2f74")


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**63 - 1), LETTERS)
def test_the_digest_is_the_one_of_keyed_digest(key: bytes, account_id: int, letters: str) -> None:
    parts = (account_id.to_bytes(8, "big"), letters.encode())
    assert app_password.digest(key=key, account_id=account_id, letters=letters) == keyed_digest(
        key=key, purpose=b"app-password", parts=parts
    )


@given(LETTERS, st.integers(1, 10**6), st.integers(1, 10**6))
def test_the_same_letters_of_another_account_are_another_digest(
    letters: str, one: int, other: int
) -> None:
    same = app_password.digest(key=KEY, account_id=one, letters=letters) == app_password.digest(
        key=KEY, account_id=other, letters=letters
    )
    assert same is (one == other)


@pytest.mark.parametrize("length", sorted(app_password.LENGTHS))
@given(seed=st.randoms(use_true_random=False))
def test_as_many_letters_as_asked_for(length: int, seed: object) -> None:
    randbytes = seed.randbytes  # type: ignore[attr-defined]
    secret = app_password.generate(length=length, random=randbytes)
    assert len(secret) == length
    assert app_password.normalise(secret) == secret


def test_each_letter_is_equally_likely() -> None:
    # All bytes once: what is kept of them holds every letter equally often.
    everything = iter([bytes(range(256))])
    secret = app_password.generate(length=234, random=lambda _: next(everything))
    assert set(Counter(secret).values()) == {9}


def test_bytes_of_the_uneven_rest_are_drawn_again() -> None:
    drawn = iter([bytes(range(234, 250)), b"\0" * 16])
    assert app_password.generate(length=16, random=lambda _: next(drawn)) == "a" * 16


def test_no_two_are_alike() -> None:
    made = {app_password.generate(length=16, random=secrets.token_bytes) for _ in range(2000)}
    assert len(made) == 2000


TYPED = [
    ("abcdefghijklmnop", True),
    ("abcd efgh ijkl mnop", True),
    ("ABCD EFGH IJKL MNOP", True),
    ("Abcd\u00a0efgh\u00a0ijkl\u202fmnop", True),
    ("  abcd\tefghijkl\r\nmnop ", True),
    ("abcdefghijklmno", False),
    ("abcdefghijklmnopq", False),
    ("abcd-efgh-ijkl-mnop", False),
    ("abcdefghijklmno1", False),
    ("\u00e4bcdefghijklmnop", False),
    ("\u0430bcdefghijklmnop", False),
    ("", False),
    (" ", False),
]


@pytest.mark.parametrize(("typed", "is_one"), TYPED)
def test_as_people_type_them(typed: str, is_one: bool) -> None:  # noqa: FBT001 - a column
    assert app_password.normalise(typed) == ("abcdefghijklmnop" if is_one else None)


@given(st.text(max_size=64))
def test_any_text_in_letters_or_none_out(typed: str) -> None:
    letters = app_password.normalise(typed)
    if letters is not None:
        assert len(letters) in app_password.LENGTHS
        assert set(letters) <= set("abcdefghijklmnopqrstuvwxyz")
        assert app_password.digest(key=KEY, account_id=1, letters=letters)


@given(LETTERS)
def test_groups_of_four_read_back(letters: str) -> None:
    shown = app_password.grouped(letters)
    assert [len(group) for group in shown.split(" ")] == [4, 4, 4, 4]
    assert app_password.normalise(shown.upper()) == letters
