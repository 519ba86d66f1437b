"""The words for what has no Django."""

import pytest

from sidegate import texts

LINK = "https://mail.example.test/security/app-passwords"


@pytest.mark.parametrize("language", ["en", "en-gb", "xx", ""])
def test_refusal(language: str) -> None:
    assert texts.refusal(language, LINK) == (
        f"Sign-in refused. If 2-Step Verification is on, use an app password: {LINK}"
    )


def test_disabled_names_the_service() -> None:
    assert "Sidegate" in texts.disabled("en", "Sidegate")


@pytest.mark.parametrize("language", ["en", "lv"])
def test_cannot_tell_speaks_of_no_password(language: str) -> None:
    text = texts.cannot_tell(language).casefold()
    assert text
    assert "password" not in text
    assert "parol" not in text


def test_code_message_can_be_filled_in_by_a_browser() -> None:
    text = texts.code_message("en", name="Sidegate", code="123456", host="mail.example.test")
    assert text == "123456 is your Sidegate code.\n\n@mail.example.test #123456"


def test_spoken_code_is_said_digit_by_digit_and_twice() -> None:
    text = texts.spoken_code("en", name="Sidegate", code="012345")
    assert text.count("0, 1, 2, 3, 4, 5") == 2
    assert "Sidegate" in text
