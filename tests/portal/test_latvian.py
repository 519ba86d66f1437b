"""What Latvian changes: months, numbers, the names of browsers."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.translation import ngettext, override

from sidegate.accounts import people_time
from sidegate.pages import browsers

NOW = datetime(2026, 5, 3, 14, 5, tzinfo=UTC)


def moment_words(language: str, *, days: int) -> str:
    with override(language):
        return people_time.moment_words(NOW - timedelta(days=days), now=NOW)


@pytest.mark.parametrize(
    ("days", "english", "latvian"),
    [
        (0, "today, 14:05", "šodien, 14:05"),
        (1, "yesterday, 14:05", "vakar, 14:05"),
        (2, "1 May 2026, 14:05", "2026. gada 1. maijā, 14:05"),
        (90, "2 February 2026, 14:05", "2026. gada 2. februārī, 14:05"),
        (365, "3 May 2025, 14:05", "2025. gada 3. maijā, 14:05"),
    ],
)
def test_points_in_time(days: int, english: str, latvian: str) -> None:
    assert moment_words("en", days=days) == english
    assert moment_words("lv", days=days) == latvian


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 lietotņu paroļu"),
        (1, "1 lietotnes parole"),
        (2, "2 lietotņu paroles"),
        (11, "11 lietotņu paroles"),
        (21, "21 lietotnes parole"),
    ],
)
def test_numbers(count: int, words: str) -> None:
    with override("lv"):
        form = ngettext("%(count)s app password", "%(count)s app passwords", count)
        assert form % {"count": count} == words


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ("Firefox on Windows", "Firefox (Windows)"),
        ("Firefox", "Firefox"),
        ("Mail on Steroids", "Mail on Steroids"),
        ("", ""),
    ],
)
def test_browsers(stored: str, words: str) -> None:
    with override("lv"):
        assert browsers.in_words(stored) == words
    assert browsers.in_words(stored) == stored
