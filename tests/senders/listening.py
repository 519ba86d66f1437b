"""Hears digits in a recording, by comparing it with each digit as espeak-ng speaks it.

Nothing of Sidegate's own speech is used: the digits are spoken anew, and brought to the
recording's rate another way. What is no digit (phrases, noise) is heard as "?".
"""

from __future__ import annotations

import io
import re
import subprocess
import wave
from array import array
from functools import cache
from itertools import pairwise
from operator import mul
from pathlib import Path

from peers import require

RATE = 4000
"""Samples a second: enough to tell digits apart, and soon compared."""
_FRAME = RATE // 100
_PAUSE = 35
"""Frames of silence that part two utterances; within a word there are at most 15."""
_LOUD = 0.04
"""Of the loudest: everything below is silence."""
_SLIDE = 60
"""Samples by which two may lie apart."""
_ALIKE = 0.8
"""How alike a digit must be; two different ones never come near."""

Samples = list[float]


def heard_in(recording: Path, language: str) -> str:
    """All utterances in their order: digits, and "?" for each other."""
    with wave.open(str(recording)) as opened:
        samples = _samples(opened)
    known = _digits(language)
    return "".join(_which(said, known) for said in _utterances(samples))


def codes_in(heard: str) -> list[str]:
    """The runs of digits, cut into codes; one whose length is none of a code's stays whole."""
    runs = re.findall(r"\d+", heard)
    return [
        code for run in runs for code in (re.findall("." * 6, run) if _is_codes(run) else [run])
    ]


def _is_codes(run: str) -> bool:
    return len(run) % 6 == 0


def _which(said: Samples, known: dict[str, Samples]) -> str:
    alike = {digit: _likeness(said, one) for digit, one in known.items()}
    best = max(alike, key=alike.__getitem__)
    return best if alike[best] > _ALIKE else "?"


def _likeness(one: Samples, other: Samples) -> float:
    """Their largest correlation, 1 at most; 0 where their lengths differ too much."""
    if not 0.6 < len(one) / len(other) < 1.6:
        return 0.0
    longer, shorter = sorted((one, other), key=len, reverse=True)
    padded = [0.0] * _SLIDE + longer + [0.0] * _SLIDE
    power = (_power(one) * _power(other)) ** 0.5
    slides = range(len(padded) - len(shorter))
    best = max(sum(map(mul, padded[at : at + len(shorter)], shorter)) for at in slides)
    return float(best / power)


def _power(samples: Samples) -> float:
    return sum(one * one for one in samples)


def _utterances(samples: Samples) -> list[Samples]:
    frames = [
        max(map(abs, samples[at : at + _FRAME])) for at in range(0, len(samples) - _FRAME, _FRAME)
    ]
    least = max(frames, default=0.0) * _LOUD
    loud = [number for number, peak in enumerate(frames) if peak > least]
    found: list[Samples] = []
    start = 0
    for place, number in enumerate(loud):
        if place + 1 == len(loud) or loud[place + 1] - number > _PAUSE:
            found.append(samples[loud[start] * _FRAME : (number + 1) * _FRAME])
            start = place + 1
    return found


@cache
def _digits(language: str) -> dict[str, Samples]:
    return {digit: _spoken(language, digit) for digit in "0123456789"}


def _spoken(language: str, digit: str) -> Samples:
    words = [str(require("espeak-ng")), "-v", language, "-s", "120", "-w", "/dev/stdout", "--stdin"]
    said = subprocess.run(words, input=digit.encode(), capture_output=True, check=True).stdout
    head = io.BytesIO(said[:40] + (len(said) - 44).to_bytes(4, "little") + said[44:])
    with wave.open(head) as opened:
        (only,) = _utterances(_samples(opened))
    return only


def _samples(opened: wave.Wave_read) -> Samples:
    """At `RATE`, each the mean of what lies around it."""
    assert (opened.getnchannels(), opened.getsampwidth()) == (1, 2)
    raw = array("h", opened.readframes(opened.getnframes()))
    rate = opened.getframerate()
    if rate == RATE:
        return [float(one) for one in raw]
    wide = rate / RATE
    cuts = [round(number * wide) for number in range(int(len(raw) / wide) + 1)]
    return [sum(raw[a:b]) / (b - a) for a, b in pairwise(cuts)]
