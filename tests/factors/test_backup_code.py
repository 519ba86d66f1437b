"""Backup codes: as they are made, and as people type them."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.factors import backup_code


@given(source=st.randoms(use_true_random=False))
def test_what_is_made_is_read_back(source: Random) -> None:
    code = backup_code.generate(random=source.randbytes)
    assert len(code) == backup_code.LENGTH
    assert not set(code) & set("01ilo")
    for typed in (code, backup_code.grouped(code), code.upper(), f" {code[:5]}-{code[5:]}\t"):
        assert backup_code.normalise(typed) == code


@pytest.mark.parametrize(
    "typed", ["", "abcde", "abcde fghj", "abcde fghjo", "abcde fghj0", "ābcdefghjk"]
)
def test_what_is_no_code(typed: str) -> None:
    assert backup_code.normalise(typed) is None


def test_a_digest_is_an_accounts_own() -> None:
    digests = {
        backup_code.digest(key=key, account_id=account_id, code="abcdefghjk")
        for key in (b"k" * 32, b"m" * 32)
        for account_id in (1, 2)
    }
    assert len(digests) == 4
