"""Phone numbers as people type them, and as gateways dial them (E.164)."""

from __future__ import annotations

from collections.abc import Collection

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

_UNFIT = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.VOICEMAIL,
        PhoneNumberType.PAGER,
        # Britain's 070: looks like a mobile number and costs like a premium one.
        PhoneNumberType.PERSONAL_NUMBER,
    }
)
_NO_COUNTRY = "001"
"""The region of satellite and other numbers between countries."""
MAX_TYPED = 40


class NumberProblem(Exception):  # noqa: N818 - says what is wrong with a number
    """Why a number cannot be used: one of the class's constants, in `args[0]`."""

    EMPTY = "empty"
    UNREADABLE = "unreadable"
    NO_COUNTRY = "no-country"
    TOO_SHORT = "too-short"
    TOO_LONG = "too-long"
    NOT_IN_USE = "not-in-use"
    UNFIT = "unfit"
    EXTENSION = "extension"
    ELSEWHERE = "elsewhere"


_PARSE_PROBLEMS = {
    NumberParseException.INVALID_COUNTRY_CODE: NumberProblem.NO_COUNTRY,
    NumberParseException.NOT_A_NUMBER: NumberProblem.UNREADABLE,
    NumberParseException.TOO_SHORT_AFTER_IDD: NumberProblem.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: NumberProblem.TOO_SHORT,
    NumberParseException.TOO_LONG: NumberProblem.TOO_LONG,
}
_LENGTH_PROBLEMS = {
    phonenumbers.ValidationResult.TOO_SHORT: NumberProblem.TOO_SHORT,
    phonenumbers.ValidationResult.TOO_LONG: NumberProblem.TOO_LONG,
}


def to_e164(typed: str, *, region: str | None, countries: Collection[str] = ()) -> str:
    """The E.164 form ("+37120000000") of a number as typed.

    `region` is the country ("LV") for a number without a country code; only numbers of
    `countries` are taken, where any are given. Raises `NumberProblem`.
    """
    text = typed.strip()
    if not text:
        raise NumberProblem(NumberProblem.EMPTY)
    if len(text) > MAX_TYPED:
        raise NumberProblem(NumberProblem.TOO_LONG)
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as problem:
        raise NumberProblem(_PARSE_PROBLEMS[problem.error_type]) from None
    if not phonenumbers.is_valid_number(number):
        length = phonenumbers.is_possible_number_with_reason(number)
        raise NumberProblem(_LENGTH_PROBLEMS.get(length, NumberProblem.NOT_IN_USE))
    if number.extension:
        raise NumberProblem(NumberProblem.EXTENSION)
    country = phonenumbers.region_code_for_number(number)
    if phonenumbers.number_type(number) in _UNFIT or country == _NO_COUNTRY:
        raise NumberProblem(NumberProblem.UNFIT)
    if countries and country not in countries:
        raise NumberProblem(NumberProblem.ELSEWHERE)
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def country_of(e164: str) -> str:
    """The country that a number belongs to, as ISO 3166 writes it: "LV"."""
    return phonenumbers.region_code_for_number(phonenumbers.parse(e164, None)) or ""


def prefix_of(e164: str, *, digits: int) -> str:
    """The country code and so many digits after it: "+371200"."""
    number = phonenumbers.parse(e164, None)
    national = phonenumbers.national_significant_number(number)
    return f"+{number.country_code}{national[:digits]}"


def for_people(e164: str) -> str:
    """The international form with spaces: "+371 20 000 000"."""
    number = phonenumbers.parse(e164, None)
    return str(phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL))


def masked(e164: str) -> str:
    """The last two digits, for a page that must not show the number."""
    return f"••• •• {e164[-2:]}"
