"""Whose numbers may be added: those of the operator's countries, her own first."""

from __future__ import annotations

import pytest

from installation import PASSWORD, Installation, install
from portal.person import ADDRESS, Person, text_of

PAGE = "/security/two-step/phone"
GATEWAY = 'voice = "a"\n[gateway.a]\nkind = "exec"\ncommand = ["/bin/false"]\n'
ABROAD = "+49 1512 3456789"


def typed(installation: Installation, codes: str, number: str) -> Person:
    data = installation.context.config.data
    house = install(data.parent / "other", toml=f"[codes]\n{codes}\n")
    house.add(ADDRESS)
    person = Person(house)
    person.sign_in()
    person.post(PAGE, password=PASSWORD)
    person.post(PAGE, number=number, channel="sms")
    return person


@pytest.mark.parametrize(
    ("codes", "number", "sent_to"),
    [
        (f'countries = ["LV", "DE"]\n{GATEWAY}', ABROAD, "+4915123456789"),
        (f'countries = ["LV", "*"]\n{GATEWAY}', ABROAD, "+4915123456789"),
        ('countries = ["LV"]', ABROAD, "+4915123456789"),  # on the screen alone
        (f'countries = ["DE", "LV"]\n{GATEWAY}', "01512 3456789", "+4915123456789"),
        (f'countries = ["*", "LV"]\n{GATEWAY}', "20000000", "+37120000000"),
    ],
)
def test_numbers_that_may_be(
    installation: Installation, codes: str, number: str, sent_to: str
) -> None:
    person = typed(installation, codes, number)
    assert person.here.sender.sent[-1]["number"] == sent_to


def test_a_number_of_another_country_is_refused_and_says_what_to_do(
    installation: Installation,
) -> None:
    person = typed(installation, f'countries = ["LV"]\n{GATEWAY}', ABROAD)
    page = text_of(person.post(PAGE, number=ABROAD, channel="sms"))
    assert "Codes are not sent to numbers of this country. Enter a number of another one" in page
    assert not person.here.sender.sent
