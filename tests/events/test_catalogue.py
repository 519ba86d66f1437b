"""The catalogue of events is closed, and what programs say of themselves is bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.events.catalogue import DETAILS, MAX_TEXT, Kind, NewEvent, checked_detail, tidy


def test_the_kinds_fit_their_column_and_say_what_happened() -> None:
    assert all(len(kind.value) <= 32 for kind in Kind)
    assert all(kind.value == kind.name.lower().replace("_", "-") for kind in Kind)


def test_no_detail_can_hold_a_secret_by_its_name() -> None:
    assert not DETAILS & {"secret", "password", "code", "digest", "key", "token"}


@pytest.mark.parametrize("name", sorted(DETAILS))
def test_details_of_the_catalogue_are_taken(name: str) -> None:
    assert checked_detail(((name, 1),)) == {name: 1}


@pytest.mark.parametrize("name", ["secret", "password", "", "By"])
def test_other_details_are_not(name: str) -> None:
    with pytest.raises(ValueError, match="catalogue"):
        checked_detail((("by", "owner"), (name, "x")))


def test_an_event_says_nothing_that_it_was_not_told() -> None:
    event = NewEvent(at=1, kind=Kind.MAIL_REFUSED)
    assert event == (1, "mail-refused", None, "", "", "", "", None, (), "")


WORDS = [
    ("Thunderbird 128.0", "Thunderbird 128.0"),
    ("  a\tb\r\nc ", "a b c"),
    ("a\x00b\x1b[31mc", "a b [31mc"),
    ("a\u202eb\u200bc", "a b c"),
    ("\ud800", ""),
    ("x" * 500, "x" * MAX_TEXT),
]


@pytest.mark.parametrize(("said", "kept"), WORDS)
def test_tidy(said: str, kept: str) -> None:
    assert tidy(said) == kept


@given(st.text(max_size=1000) | st.text("a \n\x00", min_size=190, max_size=450))
def test_any_words_in_one_bounded_printable_line_out(said: str) -> None:
    kept = tidy(said)
    assert len(kept) <= MAX_TEXT
    assert kept.isprintable()
    assert kept == kept.strip()
    assert tidy(kept) == kept
    kept.encode()
