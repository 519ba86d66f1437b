"""Phone numbers as people type them, with an error they can mend."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sidegate.accounts.errors import BadNumber
from sidegate.factors import phone_number
from sidegate.factors.phone_number import NumberProblem, for_people, masked
from sidegate.storage.models import Account, Phone

__all__ = ["for_people", "masked", "normal_number", "on_one_line", "phones"]

_TEXTS: dict[str, Promise] = {
    NumberProblem.EMPTY: _("Enter the phone number that codes should go to."),
    NumberProblem.UNREADABLE: _("This is not a phone number. Write it like +371 20 000 000."),
    NumberProblem.NO_COUNTRY: _("Begin with + and the code of the country, like +371 20 000 000."),
    NumberProblem.TOO_SHORT: _("This number is too short. Digits seem to be missing."),
    NumberProblem.TOO_LONG: _("This number is too long. Check the digits."),
    NumberProblem.NOT_IN_USE: _(
        "There is no such number in this country. Check the country code and the digits."
    ),
    NumberProblem.EXTENSION: _(
        "Codes cannot be sent to an extension. Enter a number that reaches you directly."
    ),
    NumberProblem.UNFIT: _(
        "Codes are not sent to numbers like this one: premium-rate, shared-cost, voicemail or "
        "the like. Enter the number of a usual mobile phone or landline."
    ),
    NumberProblem.ELSEWHERE: _(
        "Codes are not sent to numbers of this country. Enter a number of another one, or ask "
        "whoever runs your mail server."
    ),
}


def on_one_line(number: str) -> str:
    """A number or a masked one, for a text: no line ends inside it."""
    return number.replace(" ", "\N{NO-BREAK SPACE}")


def phones(account: Account) -> list[Phone]:
    """The phones that codes go to, the preferred one first."""
    return list(account.phones.order_by("-preferred_at", "added_at", "id"))


def normal_number(typed: str, *, region: str | None, countries: Collection[str] = ()) -> str:
    """The E.164 form of a number as typed, of one of the countries. Raises `BadNumber`."""
    try:
        return phone_number.to_e164(typed, region=region, countries=countries)
    except NumberProblem as problem:
        raise BadNumber(_TEXTS[problem.args[0]]) from None
