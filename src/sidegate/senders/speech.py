"""Spoken codes: what a call says, as samples that a telephone line carries.

espeak-ng speaks each phrase and each digit once, and what it said is kept: so no code is
ever given to another program, and the pauses between digits are ours.
"""

from __future__ import annotations

import asyncio
import math
import struct
from array import array
from asyncio.subprocess import DEVNULL, PIPE
from functools import cache
from operator import mul
from typing import NamedTuple

from sidegate import texts
from sidegate.senders.gateway import Message, NotNow

RATE = 8000
"""Samples a second: what G.711 carries."""
ESPEAK = "espeak-ng"
FALLBACK = "en"
_WORDS_A_MINUTE = 120
_LEAD = 1.0
"""Seconds until the phone is at the ear."""
_AFTER_DIGIT = 0.7
_AFTER_PHRASE = 0.6
_BETWEEN = 1.2
_TO_PRESS = 6.0
"""Seconds for a key that asks to hear it once more; then the call ends."""
_TIME_TO_SPEAK = 10.0
_WAV_HEADER = 44


class Speech(NamedTuple):
    """16-bit samples, one channel, `RATE` a second."""

    whole: bytes
    again: bytes
    """What is said to somebody who asks for it once more."""
    once_after: float
    """Seconds until the code has been said for the first time."""


class Speaker:
    """Speaks codes in the languages that espeak-ng has a voice for."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], bytes] = {}

    async def speech(self, message: Message) -> Speech:
        """The whole of a call; in English, without its phrases, where there is no voice for it.

        Raises `NotNow` where nothing can be spoken.
        """
        if await self.has_voice(message.language):
            language, phrases = message.language, phrases_of(message)
        else:
            language, phrases = FALLBACK, ["", ""]
        code = b"".join([await self._digit(language, digit) for digit in message.code])
        said = _silence(_LEAD)
        once = 0
        for phrase in phrases:
            said += await self._phrase(language, phrase) + code
            once = once or len(said)
            said += _silence(_BETWEEN)
        said += await self._phrase(language, texts.hear_again(language))
        tail = _silence(_TO_PRESS)
        return Speech(said + tail, _silence(_AFTER_PHRASE) + code + tail, once / 2 / RATE)

    async def has_voice(self, language: str) -> bool:
        """Whether it speaks the language. Raises `NotNow` where espeak-ng cannot be run."""
        return bool(await self._spoken(language, "1"))

    async def _phrase(self, language: str, phrase: str) -> bytes:
        return await self._spoken(language, phrase) + _silence(_AFTER_PHRASE) if phrase else b""

    async def _digit(self, language: str, digit: str) -> bytes:
        return await self._spoken(language, digit) + _silence(_AFTER_DIGIT)

    async def _spoken(self, language: str, words: str) -> bytes:
        key = language, words
        if key not in self._said:
            loud = await _espeak(language, words)
            self._said[key] = await asyncio.to_thread(resampled, loud) if loud else b""
        return self._said[key]


def phrases_of(message: Message) -> list[str]:
    """What is said before the digits, each time that they are said."""
    *before, _after = message.text.split(texts.spoken_digits(message.code))
    return [phrase.strip(" .") for phrase in before]


async def _espeak(language: str, words: str) -> bytes:
    """A WAV; b"" where it has no voice for the language."""
    try:
        process = await asyncio.create_subprocess_exec(
            ESPEAK, "-v", language, "-s", str(_WORDS_A_MINUTE), "--stdin", "--stdout",
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
        )  # fmt: skip
    except OSError:
        raise NotNow("missing") from None
    try:
        async with asyncio.timeout(_TIME_TO_SPEAK):
            wav, _nothing = await process.communicate(words.encode())
    except TimeoutError:
        raise NotNow("broken") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return wav if process.returncode == 0 else b""


# ---- Samples.

_REACH = 20
"""Samples on each side that one new sample is made of."""


def _silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


def resampled(wav: bytes) -> bytes:
    """The samples of a 16-bit WAV of one channel at `RATE`, by a windowed sinc.

    Raises `NotNow` where it is no such WAV.
    """
    if wav[:4] != b"RIFF" or wav[22:24] != b"\1\0" or wav[34:36] != b"\x10\0":
        raise NotNow("broken")
    (rate,) = struct.unpack_from("<L", wav, 24)
    samples = array("h", wav[_WAV_HEADER : len(wav) - len(wav) % 2])
    padded = array("h", bytes(2 * _REACH)) + samples + array("h", bytes(2 * _REACH + 2))
    divisor = math.gcd(rate, RATE)
    step, phases = rate // divisor, RATE // divisor
    made = array("h")
    for number in range(len(samples) * phases // step):
        at, phase = divmod(number * step, phases)
        window = padded[at + 1 : at + 1 + 2 * _REACH]
        loud = sum(map(mul, window, _taps(rate, phase, phases)))
        made.append(max(-32768, min(32767, round(loud))))
    return made.tobytes()


@cache
def _taps(rate: int, phase: int, phases: int) -> tuple[float, ...]:
    """A low pass at the lower rate's half, seen from between two samples."""
    cut = min(1.0, RATE / rate) * 0.95
    taps = []
    for number in range(1 - _REACH, _REACH + 1):
        away = number - phase / phases
        window = 0.5 + 0.5 * math.cos(math.pi * away / (_REACH + 1))
        taps.append(cut * window * (math.sin(x) / x if (x := math.pi * away * cut) else 1.0))
    return tuple(taps)
