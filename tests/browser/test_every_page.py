"""Every page at 320 px, in the language of the longest words and from right to left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import URLPattern, get_resolver
from playwright.sync_api import Browser

from browser.person import Person, a_person
from browser.speaking import WALKED, longest
from child import Child

LANGUAGES = sorted({longest(), *(one for one in WALKED if one == "ar")})
MOST = 10
"""So many pages there are for whoever is signed in, and more."""


def paths() -> list[str]:
    """Every address of the portal and the operator's pages that needs no number of something."""
    found: list[str] = []
    for part in get_resolver("sidegate.serve.urls").url_patterns:
        patterns = [part] if isinstance(part, URLPattern) else part.url_patterns
        found += [f"/{one.pattern}" for one in patterns if "<" not in str(one.pattern)]
    return found


def is_page(person: Person, path: str) -> bool:
    """Whether it is a page: no file, no data, no way to another one, nothing but for forms."""
    answer = person.page.request.get(path)
    is_html = answer.headers["content-type"].startswith("text/html")
    return answer.ok and is_html and answer.url == f"{person.child.url}{path}"


@pytest.fixture(params=LANGUAGES)
def person(request: pytest.FixtureRequest, chromium: Browser, sidegate: Child) -> Iterator[Person]:
    language = request.param
    address = f"{language}-sees-a-rather-long-address@example.test"
    with a_person(chromium, sidegate, language=language, address=address) as made:
        yield made


def looks_at_all(person: Person, name: str) -> int:
    """Each page, and behind the question for the password too; how many there were."""
    pages = [path for path in paths() if is_page(person, path)]
    for path in pages:
        shown = f"{name}{path.replace('/', '-')}"
        person.page.goto(path)
        person.look(shown)
        if not path.startswith("/signin") and person.field("Password").is_visible():
            person.gives_password()
            person.look(f"{shown}-behind")
    return len(pages)


def test_every_page_has_room_for_its_words(person: Person, sidegate: Child) -> None:
    assert looks_at_all(person, "outside") > 1
    person.page.goto("/signin")
    person.press("Next")
    person.look("empty")
    person.sign_in()
    assert looks_at_all(person, "off") > MOST

    person.turns_on_by_app()
    sidegate.command("account", "operator", "on", person.address)
    person.makes_app_password()
    person.look("app-password")
    assert looks_at_all(person, "on") > MOST
    person.page.goto("/no-such-page")
    person.look("no-such-page")
