"""Keyed digests: no two lists of parts are ever the same message."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidegate.factors.digests import keyed_digest, same

KEY = bytes(32)
PARTS = st.lists(st.binary(max_size=6), max_size=4).map(tuple)


def of(*parts: bytes, purpose: bytes = b"p") -> bytes:
    return keyed_digest(key=KEY, purpose=purpose, parts=parts)


@given(PARTS, PARTS)
def test_different_parts_are_different_digests(
    one: tuple[bytes, ...], other: tuple[bytes, ...]
) -> None:
    assert (of(*one) == of(*other)) is (one == other)


def test_where_a_part_ends_matters() -> None:
    digests = {of(b"ab", b"c"), of(b"a", b"bc"), of(b"abc"), of(b"abc", b""), of(b"", b"abc")}
    digests |= {of(b"c", purpose=b"pab"), of(b"\0\0\0\1c"), of()}
    assert len(digests) == 8


def test_another_key_is_another_digest() -> None:
    assert keyed_digest(key=b"\1" * 32, purpose=b"p", parts=()) != of()


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_same(one: bytes, other: bytes) -> None:
    assert same(one, other) is (one == other)
