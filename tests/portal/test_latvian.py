"""What Latvian changes: none of a thing, endings, and the names of browsers."""

import pytest
from django.utils.translation import ngettext, override, pgettext

from sidegate.pages import browsers


def test_none_has_a_form_of_its_own() -> None:
    with override("lv"):
        form = ngettext("%(count)s app password", "%(count)s app passwords", 0)
    assert form % {"count": 0} == "0 lietotņu paroļu"


@pytest.mark.parametrize(
    ("thing", "words"), [("backup codes", "Vēl nav lietoti"), ("browser", "Vēl nav lietots")]
)
def test_words_agree_with_what_they_are_said_of(thing: str, words: str) -> None:
    with override("lv"):
        assert pgettext(thing, "Not used yet") == words


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
