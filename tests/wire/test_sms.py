"""Short messages: what fits into one, and their bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.wire import sms

LINE = "\n\n@portal.example.test #123456"


@pytest.mark.parametrize(
    ("text", "gsm"),
    [
        ("123456 is your Example code." + LINE, True),
        ("123456 ir jūsu Example kods." + LINE, False),
        ("Zürich, Ærø, £5, 10 €", True),
        ("smile 🙂", False),
        ("`", False),
        ("\x1b", False),
        ("ç", False),
        ("", True),
    ],
)
def test_which_texts_the_gsm_alphabet_holds(text: str, gsm: bool) -> None:  # noqa: FBT001 - a table
    assert sms.is_gsm(text) is gsm


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a" * 160, True),
        ("a" * 161, False),
        ("a" * 158 + "€", True),
        ("a" * 159 + "€", False),
        ("ā" * 70, True),
        ("ā" * 71, False),
        ("🙂" * 35, True),
        ("🙂" * 36, False),
    ],
)
def test_what_fits_into_one_sms(text: str, fits: bool) -> None:  # noqa: FBT001 - a table
    assert sms.is_one_sms(text) is fits
    assert (len(sms.encode(text, reference=1).parts) == 1) is fits


def test_marks_are_left_off_only_where_that_saves_an_sms() -> None:
    short = "123456 ir jūsu kods." + LINE
    assert sms.fitted(short) == short
    long = "123456 ir jūsu Ļoti Garā Nosaukuma Šķūņa pasta kods." + LINE
    assert sms.fitted(long) == "123456 ir jusu Loti Gara Nosaukuma Skuna pasta kods." + LINE
    polish = "Kod usługi Łódź i okolice, która ma długą nazwę: 123456" + LINE
    assert sms.fitted(polish) == "Kod uslugi Lodz i okolice, ktora ma dluga nazwe: 123456" + LINE
    french = "Le code de « L\u2019Œuvre » \u2013 à ne donner à personne\u00a0: 123456 ê" + LINE
    assert sms.fitted(french) == french  # Œ stays, so nothing is gained
    assert sms.fitted(french.replace("Œ", "O")).startswith('Le code de " L\'Ouvre " - a ne donner')
    never = "ваш код 123456 " * 5 + LINE
    assert sms.fitted(never) == never
    directed = "رمز \u2068Example\u2069: 123456"
    assert sms.fitted(directed) == "رمز Example: 123456"
    too_long = "ā" * 200
    assert sms.fitted(too_long) == too_long


def test_septets_are_those_of_the_standard() -> None:
    assert sms.encode("@£_ A§a[€", reference=0) == (
        True,
        (bytes([0, 1, 17, 32, 65, 95, 97, 27, 0x3C, 27, 0x65]),),
    )


def test_parts_carry_their_header() -> None:
    first, second = sms.encode("a" * 161, reference=7).parts
    assert first == bytes([5, 0, 3, 7, 2, 1]) + b"a" * 153
    assert second == bytes([5, 0, 3, 7, 2, 2]) + b"a" * 8


@given(st.text(alphabet=st.sampled_from("aé€[ā🙂\n@"), max_size=400))
def test_parts_fit_and_are_the_whole_text(text: str) -> None:
    gsm, parts = sms.encode(text, reference=9)
    bodies = parts if len(parts) == 1 else [part[6:] for part in parts]
    assert all(len(part) <= (160 if gsm else 140) for part in parts)
    if gsm:
        assert not any(body.endswith(b"\x1b") for body in bodies)
        whole = b"".join(bodies)
        assert whole == b"".join(sms.encode(letter, reference=9).parts[0] for letter in text)
    else:
        assert "".join(body.decode("utf-16-be") for body in bodies) == text
