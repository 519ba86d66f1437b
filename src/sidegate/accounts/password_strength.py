"""How hard a password is to guess, as zxcvbn estimates it, in our words."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from zxcvbn import zxcvbn

from sidegate.accounts import new_passwords
from sidegate.accounts.context import Context
from sidegate.accounts.errors import WeakPassword
from sidegate.factors.account_password import MIN_LENGTH, length

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

LOOKED_AT = 40
"""Characters: zxcvbn takes seconds for more of some, and 40 decide nearly every time."""
_REST = 4.0
"""For each second of estimating there are so many without: the mail doors share the processor."""
_PATIENCE = 1.0
"""Seconds that one estimate waits for another."""

WORDS = (
    _("A very weak password"),
    _("A weak password"),
    _("A fair password"),
    _("A good password"),
    _("A strong password"),
)
"""By zxcvbn's score: guesses below 10^3, 10^6, 10^8, 10^10, and more."""

_ADD_WORDS = _("Add another word or two. Uncommon words are better.")
_NAMES = _("Names by themselves are easy to guess.")
_COMMON = _("This is a very common password.")
_ROWS = _("Neighbouring keys are easy to guess.")
_REPEATS = _("Repeated letters and words are easy to guess.")

ADVICE: dict[str, _StrPromise | None] = {
    "Use a few words, avoid common phrases.": _("A few unrelated words are easy to keep in mind."),
    "No need for symbols, digits, or uppercase letters.": None,
    "Add another word or two. Uncommon words are better.": _ADD_WORDS,
    "Straight rows of keys are easy to guess.": _ROWS,
    "Short keyboard patterns are easy to guess.": _ROWS,
    "Use a longer keyboard pattern with more turns.": None,
    'Repeats like "aaa" are easy to guess.': _REPEATS,
    'Repeats like "abcabcabc" are only slightly harder to guess than "abc".': _REPEATS,
    "Avoid repeated words and characters.": None,
    'Sequences like "abc" or "6543" are easy to guess.': _(
        "Rows like abc or 6543 are easy to guess."
    ),
    "Avoid sequences.": None,
    "Recent years are easy to guess.": _("Dates and years are easy to guess."),
    "Avoid recent years.": None,
    "Avoid years that are associated with you.": None,
    "Dates are often easy to guess.": _("Dates and years are easy to guess."),
    "Avoid dates and years that are associated with you.": None,
    "This is a top-10 common password.": _COMMON,
    "This is a top-100 common password.": _COMMON,
    "This is a very common password.": _COMMON,
    "This is similar to a commonly used password.": _(
        "This is much like a password that many people use."
    ),
    "A word by itself is easy to guess.": _("A word by itself is easy to guess."),
    "Names and surnames by themselves are easy to guess.": _NAMES,
    "Common names and surnames are easy to guess.": _NAMES,
    "Capitalization doesn't help very much.": _("Capital letters help little."),
    "All-uppercase is almost as easy to guess as all-lowercase.": _("Capital letters help little."),
    "Reversed words aren't much harder to guess.": _("Words spelt backwards help little."),
    "Predictable substitutions like '@' instead of 'a' don't help very much.": _(
        "Signs that stand for letters, like @ for a, help little."
    ),
}
"""All that zxcvbn says, in our words; `None` for what another of its sentences says already."""

_MOST_ADVICE = 2


@dataclass(frozen=True, slots=True)
class Strength:
    """What is said of a password while it is typed."""

    score: int
    """0 to 4, as zxcvbn has it."""
    word: Promise
    advice: tuple[Promise | str, ...] = ()
    """Sentences: what makes it weak, and what to do."""


def strength_of(ctx: Context, *, password: str, address: str, name: str) -> Strength | None:
    """How good a new password would be; `None` where too many ask at once.

    `address` and `name` are the account's. A low score refuses nothing: what does is said
    as the check says it. Raises `Unavailable` as that does.
    """
    try:
        new_passwords.check(ctx, password=password, address=address, name=name)
    except WeakPassword as weak:
        short = length(password) < MIN_LENGTH
        word = _("Still too short") if short else _("It cannot be used")
        return Strength(0, word, (weak.text,))
    found = _ONE.estimate(password, new_passwords.words(ctx, address=address, name=name))
    if found is None:
        return None
    score = int(found["score"])
    return Strength(score, WORDS[score], _advice(found["feedback"]))


def _advice(feedback: dict[str, Any]) -> tuple[Promise | str, ...]:
    said = [feedback["warning"], *feedback["suggestions"]]
    ours = [ADVICE.get(sentence) for sentence in said if sentence]
    return tuple(dict.fromkeys(one for one in ours if one is not None))[:_MOST_ADVICE]


class _OneAtATime:
    """zxcvbn for one caller at a time, and for a fifth of a processor at most.

    It keeps the words that it was given last in a table of its module: two at once would
    judge by each other's. And it may work for most of a second on 40 characters, in the
    process that answers mail servers.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._rests_until = 0.0

    def estimate(self, password: str, words: list[str]) -> dict[str, Any] | None:
        """What zxcvbn says; `None` where it is busy or rests."""
        if not self._turn.acquire(timeout=_PATIENCE):
            return None
        try:
            began = time.monotonic()
            if began < self._rests_until:
                return None
            found: dict[str, Any] = zxcvbn(password[:LOOKED_AT], user_inputs=words)
            ended = time.monotonic()
            self._rests_until = ended + _REST * (ended - began)
            return found
        finally:
            self._turn.release()


_ONE = _OneAtATime()
