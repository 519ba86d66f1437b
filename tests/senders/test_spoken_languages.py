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
    digits_alone = replace(spoken("en"), language="no-such-language")

    async def lengths() -> tuple[int, int]:
        speaker = Speaker()
        assert await speaker.has_voice(language)
        whole = (await speaker.speech(spoken(language))).whole
        return len(whole), len((await speaker.speech(digits_alone)).whole)

    whole, digits = asyncio.run(lengths())
    assert whole > digits
