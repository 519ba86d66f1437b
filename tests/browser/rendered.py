"""A page that Django's test client was given, in Chromium: for states that a running Sidegate
comes to after an hour, or by a fault alone.

Nothing listens: what the page asks for next is answered by the same client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar, cast
from unittest.mock import patch
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.template import Template
from django.test import Client
from django.test.utils import instrumented_test_render  # type: ignore[attr-defined] # its stubs lack it
from playwright.sync_api import Browser, Page, Route

from installation import Installation, close_database, install

T = TypeVar("T")

ORIGIN = "http://localhost:8025"
_ITS_STATUS = "Failed to load resource: the server responded with a status of"
"""Chromium says so of the page itself where it is an error."""
_CHANGED_BY_TRANSPORT = ("content-length",)


class Given(NamedTuple):
    """What the client was given."""

    status: int
    template: str
    headers: dict[str, str]
    body: bytes


def given(answer: HttpResponse) -> Given:
    """A page that was asked for while templates were noted."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    for name in _CHANGED_BY_TRANSPORT:
        headers.pop(name, None)
    (page, *_extended) = (template.name for template in answer.templates)  # type: ignore[attr-defined]
    return Given(answer.status_code, page, headers, answer.content)


class House:
    """An installation on a thread of its own: Playwright's event loop stays on the test's."""

    def __init__(self, data: Path, *, toml: str = "") -> None:
        self._thread = ThreadPoolExecutor(1)
        self.here = self.run(lambda: install(data, toml=toml))

    def run(self, work: Callable[[], T]) -> T:
        """The result of `work`."""
        return self._thread.submit(work).result()

    def page(self, come_to: Callable[[Installation], HttpResponse]) -> Given:
        """The page that it comes to."""
        with patch.object(Template, "_render", instrumented_test_render):
            return self.run(lambda: given(come_to(self.here)))

    def asked(self, method: str, path: str) -> tuple[int, str, bytes]:
        """Status, type and bytes of what a page asks for: files, and what its scripts want."""

        def got() -> tuple[int, str, bytes]:
            client = Client(headers={"host": "localhost"})
            answer = cast("HttpResponse", client.generic(method, path))
            body = b"".join(answer) if answer.streaming else answer.content
            return answer.status_code, answer.headers["Content-Type"], body

        return self.run(got)

    def close(self) -> None:
        """Forget it."""
        self.run(close_database)
        self._thread.shutdown()


@contextmanager
def shown(chromium: Browser, house: House, page: Given) -> Iterator[Page]:
    """Chromium before it; a script error, or anything that its policy refuses, fails the test."""
    context = chromium.new_context()
    context.set_default_timeout(20_000)
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if route.request.resource_type == "document":
            route.fulfill(status=page.status, headers=page.headers, body=page.body)
            return
        status, kind, body = house.asked(route.request.method, path)
        assert status == 200, path
        route.fulfill(status=status, content_type=kind, body=body)

    opened.route("**/*", answer)
    opened.goto(f"{ORIGIN}/")
    yield opened
    context.close()
    assert [one for one in troubles if not one.startswith(_ITS_STATUS)] == []
