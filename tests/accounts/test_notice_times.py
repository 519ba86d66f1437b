"""When something happened, as a message says it: in its language, and its owner's time zone."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from sidegate.accounts.notice_words import words
from sidegate.accounts.notices import Notice
from sidegate.accounts.recovery_words import RIPE
from sidegate.decisions.throttle import DAY
from sidegate.events.catalogue import Kind

START = 1_790_000_000_000
"""2026-09-21 14:13:20 UTC."""
LATER = START + 2 * DAY
ISOLATES = re.compile("[\u2066-\u2069\u200e\u200f]")
SAID = {
    "en": "23 September 2026, 17:13 (UTC+03:00)",
    "lv": "2026. gada 23. septembrī, 17:13 (UTC+03:00)",
    "ar": "23 سبتمبر 2026، 17:13 (UTC+03:00)",
    "de": "23. September 2026, 17:13 (UTC+03:00)",
    "es": "el 23 de septiembre de 2026, 17:13 (UTC+03:00)",
    "et": "23. septembril 2026 kell 17:13 (UTC+03:00)",
    "fr": "le 23 septembre 2026 à 17:13 (UTC+03:00)",
    "lt": "2026 m. rugsėjo 23 d., 17:13 (UTC+03:00)",
    "pl": "23 września 2026, 17:13 (UTC+03:00)",
    "uk": "23 вересня 2026 року, 17:13 (UTC+03:00)",
}
"""Where it follows a word that governs another case, a colon stands between (Latvian)."""


PLAIN = Notice(
    kind=Kind.PASSWORD_CHANGED,
    to="anna@example.test",
    language="en",
    message_id="",
    at=START,
    time_zone="Europe/Riga",
)


def body(notice: Notice) -> str:
    said = words(notice, service="Example", url="https://portal.example.test").body
    return ISOLATES.sub("", said)


@pytest.mark.parametrize("language", SAID)
def test_every_time_that_a_message_says(language: str) -> None:
    plain = replace(PLAIN, language=language)
    began = replace(plain, kind=Kind.RECOVERY_BEGAN, ripe_at=LATER)
    ripe = replace(plain, kind=RIPE, until=LATER)
    for notice in (replace(plain, at=LATER), began, ripe):
        assert SAID[language] in body(notice)
        assert "2026-" not in body(notice)


def test_latvian_puts_a_colon_before_a_date_that_is_not_when() -> None:
    plain = replace(PLAIN, language="lv")
    began = replace(plain, kind=Kind.RECOVERY_BEGAN, ripe_at=LATER)
    assert f"sākot ar: {SAID['lv']}." in body(began)
    assert f"līdz: {SAID['lv']}." in body(replace(plain, kind=RIPE, until=LATER))


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("America/St_Johns", "21 September 2026, 11:43 (UTC-02:30)"),
        ("Pacific/Kiritimati", "22 September 2026, 04:13 (UTC+14:00)"),
        ("", "21 September 2026, 14:13 (UTC+00:00)"),  # the tests' machine
    ],
)
def test_zones(zone: str, said: str) -> None:
    assert f"When: {said}\n" in body(replace(PLAIN, time_zone=zone))
