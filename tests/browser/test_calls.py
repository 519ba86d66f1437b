"""A person turns 2-step on with a code that was spoken in a real call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.walking import press, state_of_two_step
from child import Child, running
from peers import require
from senders.listening import codes_in, heard_in
from senders.sip_server import (
    BUSY,
    OVER,
    PHONE,
    USERNAME,
    Phone,
    running_phone,
    running_sip_server,
)
from senders.sip_server import PASSWORD as SIP_PASSWORD

pytestmark = pytest.mark.long

LATVIAN = {
    "Email": "E-pasts", "Password": "Parole", "Next": "Tālāk", "Phone number": "Tālruņa numurs",
    "Phone call": "Tālruņa zvans", "Code": "Kods", "Turn on": "Ieslēgt",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    for program in ("baresip", "espeak-ng", "kamailio"):
        require(program)
    with running_sip_server(tmp_path_factory.mktemp("kamailio")) as port:
        yield port


@pytest.fixture
def phone(tmp_path: Path, server: int) -> Iterator[Phone]:
    with running_phone(tmp_path / "phone", server) as made:
        yield made


@pytest.fixture(scope="module")
def calling(tmp_path_factory: pytest.TempPathFactory, server: int) -> Iterator[Child]:
    more = f"""
[codes]
sms = "screen"
voice = "sip"
countries = ["LV"]

[gateway.sip]
server = "127.0.0.1:{server}"
username = "{USERNAME}"
password = "{SIP_PASSWORD}"

[mailserver]
private = false
"""
    with running(tmp_path_factory.mktemp("calling") / "data", more=more) as child:
        yield child


@pytest.fixture
def language() -> str:
    return "en"


@pytest.fixture
def person(chromium: Browser, calling: Child, language: str) -> Iterator[Page]:
    locale = {"en": "en-GB", "lv": "lv-LV"}[language]
    context = chromium.new_context(base_url=calling.url, locale=locale)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def called(page: Page, child: Child, language: str, number: str, address: str) -> dict[str, str]:
    """Somebody who asked to be called, before the page that waits for the code; its words."""
    words = LATVIAN if language == "lv" else {word: word for word in LATVIAN}
    child.add_account(address, PASSWORD)
    page.goto("/signin")
    page.get_by_label(words["Email"]).fill(address)
    page.get_by_label(words["Password"]).fill(PASSWORD)
    press(page, words["Next"])
    page.goto("/security/two-step/phone")
    page.get_by_label(words["Password"]).fill(PASSWORD)
    press(page, words["Next"])
    page.get_by_label(words["Phone number"]).fill(number)
    page.get_by_label(words["Phone call"]).check()
    press(page, words["Next"])
    return words


@pytest.mark.parametrize("language", ["en", "lv"])
def test_two_step_is_turned_on_by_a_spoken_code(
    person: Page, calling: Child, phone: Phone, language: str
) -> None:
    words = called(person, calling, language, PHONE, f"{language}@example.test")
    phone.wait_for("Call established")
    look_at(person, f"code-called-{language}")
    expect(person.locator("#sending")).to_contain_text("+371", timeout=20_000)
    recording = phone.recording()
    said = codes_in(heard_in(recording, language))
    assert len(said) == 2
    assert said[0] == said[1]
    person.get_by_label(words["Code"], exact=True).fill(said[0])
    press(person, words["Next"])
    press(person, words["Turn on"])
    person.goto("/security")
    if language == "en":
        state_of_two_step(person, "On")
    else:
        expect(person.get_by_role("link", name="ieslēgta")).to_be_visible()
    assert said[0] not in "\n".join(calling.output)
    assert not calling.codes()
    assert not any((calling.data / "calls").iterdir())


def test_the_page_says_that_the_line_was_busy(person: Page, calling: Child) -> None:
    called(person, calling, "en", BUSY, "busy@example.test")
    expect(person.locator("#sending")).to_contain_text("the line was busy", timeout=20_000)
    look_at(person, "code-line-busy")


def test_the_page_says_that_the_call_ended_too_early(
    person: Page, calling: Child, phone: Phone
) -> None:
    called(person, calling, "en", PHONE, "early@example.test")
    phone.wait_for("Call established")
    phone.press("b")
    expect(person.locator("#sending")).to_contain_text("before the code was said", timeout=20_000)
    look_at(person, "code-cut-short")


def test_codes_test_and_check_follow_a_call(calling: Child, phone: Phone) -> None:
    done = calling.command("codes", "test", PHONE, "--call")
    assert "sent: the gateway has taken it over" in done.stdout
    assert "delivered" in done.stdout
    phone.wait_for(OVER, call=1)
    busy = calling.command("codes", "test", BUSY, "--call", check=False)
    assert busy.returncode == 1
    assert "why=line-busy" in busy.stdout
    checked = calling.command("check", check=False).stdout
    assert "it registered with the SIP server" in checked
