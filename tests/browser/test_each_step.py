"""2-step with each kind of step, in each language that a person walks in: on, in, lost, back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from browser.person import Person, a_person
from browser.speaking import WALKED
from browser.virtual_key import VirtualKey
from child import Child

NUMBERS = {"Text message": "1", "Phone call": "2", "Authenticator app": "3", "Passkey": "4"}
"""The kinds of second steps that 2-step is turned on with, as their pages call them."""


@pytest.fixture(params=WALKED)
def person(
    request: pytest.FixtureRequest, chromium: Browser, sidegate: Child, kind: str
) -> Iterator[Person]:
    language = request.param
    address = f"{language}-{kind[:4].lower()}@example.test"
    with a_person(chromium, sidegate, language=language, address=address) as made:
        yield made


def number(person: Person, kind: str, *, new: bool = False) -> str:
    return f"+371 2{4 + WALKED.index(person.language)} 77{NUMBERS[kind]} 00{int(new)}"


def add(person: Person, kind: str) -> VirtualKey | None:
    """From the page of the phone, which comes first, to the question whether to turn it on."""
    person.look("first-step")
    if kind in {"Text message", "Phone call"}:
        person.gives_number(number(person, kind), channel=kind)
        return None
    person.opens(person.row(kind))
    person.look(f"add-{kind}")
    if kind == "Authenticator app":
        person.adds_app()
        return None
    key = VirtualKey(person.page)
    person.field("Name").fill("Lost")
    with person.page.expect_navigation():  # the page goes on by itself once the key answered
        person.press("Create a passkey")
    return key


def come_in(person: Person, kind: str, key: VirtualKey | None = None) -> None:
    before = len(person.child.codes())
    with person.page.expect_navigation():
        person.sign_in()
    person.look(f"second-stage-{kind}")
    if key is not None:
        key.answers()
        person.press("Use a passkey")
    elif kind == "Authenticator app":
        person.gives_app_code()
    else:
        person.gives_sent_code(before)
    person.is_in()


def lose(person: Person, kind: str) -> None:
    """Take it off the account once something else is there, and not before."""
    named = {"Passkey": "Lost", "Authenticator app": kind}.get(kind, number(person, kind))
    person.to_two_step()
    person.opens(person.row(named))
    person.look(f"one-{kind}")
    person.press("Remove")
    person.sees(
        "This is your last second step. Add another one first, or turn 2-Step Verification off."
    )
    person.to_two_step()
    person.opens(person.row("Phone"))
    person.gives_number(number(person, kind, new=True), channel="Text message")
    person.sees("The phone was added.")
    person.to_two_step()
    person.opens(person.row(named))
    person.press("Remove")
    person.sees("The second step was removed.")


_SHORT = {"Authenticator app", "Passkey"}


@pytest.mark.parametrize(
    "kind",
    [kind if kind in _SHORT else pytest.param(kind, marks=pytest.mark.long) for kind in NUMBERS],
)
def test_on_in_lost_and_back(person: Person, kind: str) -> None:
    person.sign_in()
    person.to_two_step()
    person.look("off")
    person.opens(person.button("Continue"))
    key = add(person, kind)
    person.look(f"turn-on-{kind}")
    person.press("Turn on")
    person.to_two_step()
    person.look(f"on-{kind}")
    person.makes_backup_codes()
    if key is not None:
        key.waits()  # or the sign-in page would be gone before it was seen
    person.sign_out()

    come_in(person, kind, key)
    if key is not None:
        key.remove()
    person.sign_out()

    person.sign_in()
    person.comes_in_by_backup_code()
    lose(person, kind)
    person.sign_out()

    come_in(person, "Text message")
    person.follow("Security")
    on = person.words("On")
    expect(person.row("2-Step Verification")).to_contain_text(on)
    person.follow("Activity")
    person.look(f"activity-{kind}")
