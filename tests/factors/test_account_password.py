"""Account passwords: Argon2id, one form for what looks the same."""

from __future__ import annotations

import os
import time

import pytest
from argon2 import extract_parameters
from argon2.exceptions import VerifyMismatchError

from sidegate.factors import account_password
from sidegate.factors.account_password import MAX_LENGTH, hash_of_nobody, hash_password, verify

HASH = hash_password("caf\u00e9 au lait")


def test_it_is_argon2id_with_the_documented_cost() -> None:
    assert HASH.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert hash_password("caf\u00e9 au lait") != HASH, "salted"


@pytest.mark.parametrize("typed", ["caf\u00e9 au lait", "cafe\u0301 au lait"])
def test_what_looks_the_same_is_the_same(typed: str) -> None:
    assert verify(password_hash=HASH, secret=typed)


@pytest.mark.parametrize("typed", ["cafe au lait", "Caf\u00e9 au lait", "", "caf\u00e9 au lait "])
def test_anything_else_is_not(typed: str) -> None:
    assert not verify(password_hash=HASH, secret=typed)


GARBAGE = [
    "",
    "!",
    "x",
    "$argon2id$",
    "$argon2id$v=19$m=47104,t=1,p=1$AAAA$AAAA",
    "$2b$10$abc",
    "\0",
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_hash_that_is_none_is_never_right(garbage: str) -> None:
    assert not verify(password_hash=garbage, secret="")
    assert not verify(password_hash=garbage, secret="anything")


@pytest.mark.parametrize("secret", ["\ud800", "\0", "a\0b", "\U0010ffff" * 9])
def test_any_text_can_be_judged(secret: str) -> None:
    assert not verify(password_hash=HASH, secret=secret)
    assert verify(password_hash=hash_password(secret), secret=secret)


def test_the_longest_is_good_however_its_accents_were_typed() -> None:
    longest = "\u00e9" * MAX_LENGTH
    hashed = hash_password(longest)
    assert verify(password_hash=hashed, secret=longest)
    assert verify(password_hash=hashed, secret="e\u0301" * MAX_LENGTH)
    assert not verify(password_hash=hashed, secret=longest + "x")


def test_a_much_longer_one_is_wrong_and_costs_no_more() -> None:
    stored = "e" * (4 * MAX_LENGTH)
    hashed = hash_password(stored)
    assert not verify(password_hash=hashed, secret=stored + "e")
    started = time.perf_counter()
    assert not verify(password_hash=hashed, secret="e" + "\u0301\u0316" * 500_000)
    assert time.perf_counter() - started < 1


def test_that_of_nobody_is_tried_like_any_other_and_never_right() -> None:
    nobody = hash_of_nobody(os.urandom(48))
    hashed = hash_password("")
    assert (extract_parameters(nobody), len(nobody)) == (extract_parameters(hashed), len(hashed))
    assert not verify(password_hash=nobody, secret="")
    # It was hashed and compared: what cannot be read is another error, at once.
    with pytest.raises(VerifyMismatchError):
        account_password._HASHER.verify(nobody, "")
