"""A spoken code in every language: its phrases, and a voice."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from peers import require
from senders.saying import CODE, message
from sidegate import texts
from sidegate.config.options import languages
from sidegate.senders.gateway import Message
from sidegate.senders.speech import Speaker, phrases_of


def spoken(language: str) -> Message:
    text = texts.spoken_code(language, name="Sidegate", code=CODE)
    return replace(message(text), channel="voice", language=language)


@pytest.mark.parametrize("language", languages())
def test_a_phrase_stands_before_the_digits_each_time(language: str) -> None:
    first, again = phrases_of(spoken(language))
    assert "Sidegate" in first
    assert again
    assert not any(letter.isdigit() for letter in first + again)


@pytest.mark.long
@pytest.mark.parametrize("language", languages())
def test_there_is_a_voice(language: str) -> None:
    require("espeak-ng")
    speaker = Speaker()

    async def lengths() -> tuple[int, int]:
        first, _again = phrases_of(spoken(language))
        phrase = await speaker._phrase(language, first)
        return len(phrase), len(await speaker._digit(language, "1"))

    assert asyncio.run(speaker.has_voice(language))
    phrase, digit = asyncio.run(lengths())
    assert phrase > digit
