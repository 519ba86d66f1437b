"""What must be read again opens with its key, in its place, unchanged, and not otherwise."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.storage.keys import KeyRing
from sidegate.storage.sealed import CannotUnseal, seal, unseal

KEYS = KeyRing(keys={"1": b"a" * 32, "2": b"b" * 32}, newest="2")
PLACE = b"job:7:code:3"


def sealed(secret: bytes, keys: KeyRing = KEYS) -> bytes:
    return seal(keys=keys, random=secrets.token_bytes, secret=secret, bound_to=PLACE)


@given(st.binary())
def test_it_can_be_read_again(secret: bytes) -> None:
    assert unseal(keys=KEYS, sealed=sealed(secret), bound_to=PLACE) == secret


def test_it_hides_and_no_two_are_alike() -> None:
    one, other = sealed(b"428117"), sealed(b"428117")
    assert b"428117" not in one
    assert one != other


def test_an_older_key_still_opens_and_a_lost_one_does_not() -> None:
    old = KeyRing(keys={"1": b"a" * 32}, newest="1")
    kept = sealed(b"x", keys=old)
    assert unseal(keys=KEYS, sealed=kept, bound_to=PLACE) == b"x"
    with pytest.raises(CannotUnseal):
        unseal(keys=old, sealed=sealed(b"x"), bound_to=PLACE)


def test_it_opens_in_its_place_only() -> None:
    with pytest.raises(CannotUnseal):
        unseal(keys=KEYS, sealed=sealed(b"x"), bound_to=b"job:8:code:3")


@given(st.data())
def test_not_a_bit_may_change(data: st.DataObject) -> None:
    kept = bytearray(sealed(b"428117"))
    where = data.draw(st.integers(0, len(kept) - 1))
    kept[where] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CannotUnseal):
        unseal(keys=KEYS, sealed=bytes(kept), bound_to=PLACE)


@given(st.binary(max_size=64))
def test_whatever_stands_there_is_refused(found: bytes) -> None:
    with pytest.raises(CannotUnseal):
        unseal(keys=KEYS, sealed=found, bound_to=PLACE)
