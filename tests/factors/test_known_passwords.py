from hypothesis import given
from hypothesis import strategies as st

from sidegate.factors.known_passwords import bits_for, digest_of, places

# "password1" in Pwned Passwords.
PUBLISHED = "E38AD214943DAAD1D64C102FAEC29DE4AFE9DA3D"


def test_the_digest_is_the_one_that_is_published() -> None:
    assert digest_of("password1").hex().upper() == PUBLISHED


def test_what_looks_the_same_has_one_digest() -> None:
    assert digest_of("parole-ņ") == digest_of("parole-n\u0327")


def test_false_alarms_are_as_rare_as_we_say() -> None:
    bits = bits_for(5_000)
    learnt = {place for i in range(5_000) for place in places(digest_of(f"in {i}"), bits=bits)}
    alarms = sum(
        learnt.issuperset(places(digest_of(f"out {i}"), bits=bits)) for i in range(100_000)
    )
    assert alarms <= 20  # ten are expected


def test_ten_million_take_24_megabytes() -> None:
    assert 23_900_000 < bits_for(10_000_000) // 8 < 24_000_000


@given(st.binary(min_size=20, max_size=20), st.integers(min_value=0, max_value=10**10))
def test_every_place_is_inside(digest: bytes, count: int) -> None:
    bits = bits_for(count)
    assert bits % 8 == 0
    assert all(0 <= place < bits for place in places(digest, bits=bits))
