"""The help page's steps for people who do not read English: every page in their language."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.conftest import PASSWORD
from browser.person import Person, a_person
from browser.speaking import WALKED
from browser.walking import APP_PASSWORD, mail_signs_in
from child import Child

NUMBER = "+371 24 000 00{}"
LEFT_OF_BOTH_ENDS = """(shown) => {
    const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const at = walker.currentNode.data.indexOf(shown);
        if (at < 0) continue;
        const left = (place) => {
            const range = document.createRange();
            range.setStart(walker.currentNode, place);
            range.setEnd(walker.currentNode, place + 1);
            return range.getBoundingClientRect().left;
        };
        return [left(at), left(at + shown.length - 1)];
    }
}"""


@pytest.fixture(params=WALKED)
def person(request: pytest.FixtureRequest, chromium: Browser, sidegate: Child) -> Iterator[Person]:
    address = f"main-{request.param}@example.test"
    with a_person(chromium, sidegate, language=request.param, address=address) as made:
        yield made


def test_the_main_job(person: Person, sidegate: Child) -> None:
    person.sign_in()
    person.press("Apps")
    expect(person.page.get_by_role("link", name=person.words("Mail"), exact=True)).to_be_visible()
    person.follow("Account")
    person.follow("Security")
    expect(person.row("2-Step Verification")).to_contain_text(person.words("Off"))
    turn_on(person)
    person.follow("Back to Security")
    since = person.words("since %(date)s", date=person.words("today"))
    expect(person.row("2-Step Verification")).to_contain_text(since)
    person.look("security")

    secret = make_app_password(person)
    assert not mail_signs_in(sidegate, address=person.address, secret=PASSWORD)
    assert mail_signs_in(sidegate, address=person.address, secret=secret)
    person.press("Done")
    name = f"{person.words('Mail', context='app')} · "
    name += person.words("Windows Computer", context="device")
    expect(person.page.get_by_text(name, exact=True)).to_be_visible()
    expect(person.button("Revoke")).to_be_visible()
    look_at_activity(person)


def turn_on(person: Person) -> None:
    number = NUMBER.format(WALKED.index(person.language))
    person.row("2-Step Verification").click()
    person.opens(person.button("Continue"))
    person.field("Phone number").fill(number)
    person.field("Phone call").check()
    person.field("Text message").check()
    before = len(person.child.codes())
    person.press("Next")
    sent = person.child.wait_for_code(after=before)
    text = person.words("%(code)s is your %(name)s code.", code=sent["code"], name="Sidegate")
    assert sent["text"].startswith(re.sub("[\u2066-\u2069]", "", text) + "\n")
    person.field("Code").fill("000000" if sent["code"] != "000000" else "111111")
    person.press("Next")
    person.sees("Please correct this first")
    person.look("wrong-code")
    person.field("Code").fill(sent["code"])
    person.press("Next")
    person.page.wait_for_url("**/turn-on")
    reads_from_the_left(person.page, number.replace(" ", "\N{NO-BREAK SPACE}"))
    person.press("Turn on")


def reads_from_the_left(page: Page, shown: str) -> None:
    """Expect what is written from left to right to be shown so, in words of any direction."""
    first, last = page.evaluate(LEFT_OF_BOTH_ENDS, shown)
    assert first < last


def make_app_password(person: Person) -> str:
    secret = person.makes_app_password()
    assert APP_PASSWORD.fullmatch(secret)
    output = person.page.get_by_role("main").locator("output")
    expect(output).to_have_accessible_name(person.words("App password"))
    expect(person.button("Copy")).to_have_count(1)
    person.look("app-password")
    return secret


def look_at_activity(person: Person) -> None:
    person.follow("Activity")
    refused = person.words("A mail program was refused")
    why = person.words("not an app password; 2-Step Verification is on")
    expect(person.page.get_by_text(f"{refused}: {why}")).to_be_visible()
    browser = person.words("%(browser)s on %(system)s", browser="Chrome", system="Linux")
    expect(person.page.get_by_text(browser).first).to_be_visible()
    person.look("activity")
