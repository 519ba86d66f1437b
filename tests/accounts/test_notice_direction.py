"""A notice in a language that is written from right to left."""

from sidegate.accounts.notice_words import words
from sidegate.accounts.notices import Notice
from sidegate.events.catalogue import Kind


def body(language: str) -> str:
    notice = Notice(
        kind=Kind.APP_PASSWORD_MADE,
        to="anna@example.test",
        language=language,
        message_id="",
        at=0,
        address="2001:db8::7",
    )
    return words(notice, service="Example", url="https://portal.example.test").body


def test_values_keep_their_direction() -> None:
    assert ": \u20682001:db8::7\u2069\n" in body("ar")
    assert ": 2001:db8::7\n" in body("lv")


def test_the_links_hold_no_marks() -> None:
    assert body("ar").endswith("-- \nExample\nhttps://portal.example.test\n")
