"""Phone numbers of many countries, as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.factors.phone_number import (
    NumberProblem,
    country_of,
    for_people,
    masked,
    prefix_of,
    to_e164,
)

GOOD = [
    # typed, region, E.164
    ("+371 20 000 000", None, "+37120000000"),
    ("+37120000000", "US", "+37120000000"),
    ("20000000", "LV", "+37120000000"),
    ("00371 20000000", "LV", "+37120000000"),
    ("+371 67 000 000", None, "+37167000000"),
    ("(202) 555-0143", "US", "+12025550143"),
    ("+1 202-555-0143", None, "+12025550143"),
    ("07400 123456", "GB", "+447400123456"),
    ("+44 (0)7400 123456", None, "+447400123456"),
    ("020 7946 0018", "GB", "+442079460018"),
    ("0151 23456789", "DE", "+4915123456789"),
    ("030 123456", "DE", "+4930123456"),
    ("06 12 34 56 78", "FR", "+33612345678"),
    ("02 1234 5678", "IT", "+390212345678"),
    ("+39 312 345 6789", None, "+393123456789"),
    ("090-1234-5678", "JP", "+819012345678"),
    ("+91 81234 56789", None, "+918123456789"),
    ("(11) 96123-4567", "BR", "+5511961234567"),
    ("+86 131 2345 6789", None, "+8613123456789"),
    ("0412 345 678", "AU", "+61412345678"),
    ("+372 5123456", None, "+3725123456"),
    ("+370 612 34567", None, "+37061234567"),
    ("+7 912 345-67-89", None, "+79123456789"),
    ("\uff0b\uff13\uff17\uff11 20000000", None, "+37120000000"),
    ("tel:+371-20-000-000", None, "+37120000000"),
]


@pytest.mark.parametrize(("typed", "region", "e164"), GOOD)
def test_good_numbers(typed: str, region: str | None, e164: str) -> None:
    assert to_e164(typed, region=region) == e164
    assert to_e164(for_people(e164), region=None) == e164


BAD = [
    # typed, region, why
    ("", "LV", NumberProblem.EMPTY),
    ("+371 67 000 000 ext. 12", None, NumberProblem.EXTENSION),
    ("  \t", None, NumberProblem.EMPTY),
    ("20000000", None, NumberProblem.NO_COUNTRY),
    ("20000000", "XX", NumberProblem.NO_COUNTRY),
    ("+999 20000000", None, NumberProblem.NO_COUNTRY),
    ("hello", "LV", NumberProblem.UNREADABLE),
    ("+", "LV", NumberProblem.UNREADABLE),
    ("anna@example.test", "LV", NumberProblem.UNREADABLE),
    ("+371 2000", None, NumberProblem.TOO_SHORT),
    ("2", "LV", NumberProblem.UNREADABLE),
    ("112", "LV", NumberProblem.TOO_SHORT),
    ("+371 2000000000", None, NumberProblem.TOO_LONG),
    ("+371" + "2" * 30, None, NumberProblem.TOO_LONG),
    ("+371 " + " " * 50 + "20000000", None, NumberProblem.TOO_LONG),
    ("+371 30 000 000", None, NumberProblem.NOT_IN_USE),
    ("+1 555 555 5555", None, NumberProblem.NOT_IN_USE),
    ("+371 90 000 000", None, NumberProblem.UNFIT),
    ("+44 909 879 0000", None, NumberProblem.UNFIT),
    ("+49 900 1 234567", None, NumberProblem.UNFIT),
    ("+1 900 234 5678", None, NumberProblem.UNFIT),
    ("+44 843 900 0123", None, NumberProblem.UNFIT),  # shared cost
    ("+44 70 1234 5678", None, NumberProblem.UNFIT),  # personal number
    ("+881 6 1234 5678", None, NumberProblem.UNFIT),  # satellite
]


@pytest.mark.parametrize(("typed", "region", "why"), BAD)
def test_bad_numbers_say_why(typed: str, region: str | None, why: str) -> None:
    with pytest.raises(NumberProblem) as problem:
        to_e164(typed, region=region)
    assert problem.value.args == (why,)


@given(st.text(max_size=45), st.none() | st.sampled_from(["LV", "US", "xx", ""]))
def test_any_text_in_a_number_or_a_reason_out(typed: str, region: str | None) -> None:
    try:
        number = to_e164(typed, region=region)
    except NumberProblem:
        return
    assert number.startswith("+")
    assert number[1:].isascii()
    assert number[1:].isdigit()


def test_a_page_shows_the_last_two_digits() -> None:
    assert masked("+37120001234").endswith("34")
    assert "20001" not in masked("+37120001234").replace(" ", "")
    assert for_people("+37120000000") == "+371 20 000 000"


@pytest.mark.parametrize("countries", [(), ("LV",), ("EE", "LV")])
def test_a_number_of_an_allowed_country(countries: tuple[str, ...]) -> None:
    assert to_e164("+37120000000", region=None, countries=countries) == "+37120000000"


@pytest.mark.parametrize("typed", ["+37061234567", "+1 202-555-0143", "+77012345678"])
def test_a_number_of_another_country(typed: str) -> None:
    with pytest.raises(NumberProblem) as problem:
        to_e164(typed, region=None, countries=("LV", "RU"))
    assert problem.value.args == (NumberProblem.ELSEWHERE,)


@pytest.mark.parametrize(
    ("number", "country", "prefix"),
    [
        ("+37120000000", "LV", "+371200"),
        ("+447400123456", "GB", "+44740"),
        ("+12025550143", "US", "+1202"),
        ("+14165550143", "CA", "+1416"),
        ("+77012345678", "KZ", "+7701"),
    ],
)
def test_country_and_prefix(number: str, country: str, prefix: str) -> None:
    assert country_of(number) == country
    assert prefix_of(number, digits=3) == prefix
