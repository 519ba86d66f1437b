"""Debian's Chromium before a running Sidegate."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from browser.looking import Look
from child import Child, running
from peers import require

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ADDRESS = "anna@example.test"
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session", autouse=True)
def _patience(pytestconfig: pytest.Config) -> None:
    """Give a busy machine time; look closely where the long tests run too."""
    expect.set_options(timeout=20_000)
    Look.closely = pytestconfig.option.markexpr != "not long"


@pytest.fixture(scope="session")
def sidegate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    """A whole Sidegate, its private Dovecot included."""
    require("dovecot")
    with running(tmp_path_factory.mktemp("browser") / "data") as child:
        yield child


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    # Not for the session: Playwright's event loop stays on this thread as long as it lives,
    # and Django refuses to use the database of a thread that has one.
    program = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, sidegate: Child) -> Iterator[Page]:
    """An empty browser on the sign-in page; a script error or a refused file fails the test."""
    context = chromium.new_context(
        base_url=sidegate.url, permissions=["clipboard-read", "clipboard-write"]
    )
    context.set_default_timeout(20_000)
    opened = context.new_page()
    troubles: list[str] = []

    def note(trouble: str, is_one: bool) -> None:  # noqa: FBT001 - only here
        if is_one:
            troubles.append(trouble)

    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda said: note(said.text, said.type == "error"))
    opened.on("response", lambda got: note(f"{got.url}: {got.status}", got.status >= 400))
    opened.goto("/signin")
    yield opened
    context.close()
    assert not troubles, [*troubles, *sidegate.output[-5:]]
