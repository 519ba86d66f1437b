"""What `looking` finds in pages that are wrong on purpose, and lets pass in those that are not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from browser.looking import NARROW, fits, nothing_moves, walk_by_tab

LONG = "Donaudampfschifffahrtsgesellschaft"


@pytest.fixture
def blank(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": NARROW.width, "height": NARROW.height})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (f"<p>{LONG}&nbsp;{LONG}", "beyond the edge|px wide"),
        (f"<p style='overflow:hidden; width:9em'>{LONG}", "is cut off by p"),
        (f"<p style='overflow:auto; width:9em'>{LONG}", "is cut off by p"),
        ("<p style='overflow:hidden; height:1em'>one<br>two<br>three", "is cut off by p"),
        (f"<button style='width:6em; white-space:nowrap'>{LONG}</button>", "sticks out of button"),
        ("<p style='height:1em'>one<br>two<br>three", "sticks out of p"),
        ("<p>one<p style='margin-top:-2em'>two", "“one” .* and “two” .* overlap"),
        ("<p>one<input style='display:block; margin-top:-2em'>", "“one” .* and “input”"),
        (f"<select style='width:6em'><option>{LONG}</select>", "does not fit into its list"),
    ],
)
def test_what_cannot_be_read_is_found(blank: Page, body: str, found: str) -> None:
    blank.set_content(f"<body style='margin:0'>{body}")
    with pytest.raises(AssertionError, match=found):
        fits(blank, "a page that is wrong")


@pytest.mark.parametrize(
    "body",
    [
        "<p>one<p>two <a href='#'>three</a> <button>four <svg width=9 height=9></svg></button>",
        f"<p style='overflow:hidden; width:9em' aria-hidden=true>{LONG}",
        f"<p style='position:absolute; width:1px; clip-path:inset(50%)'>{LONG}",
        f"<p style='position:absolute; top:-4em'>{LONG}",
        f"<details><summary>one</summary><p style='overflow:hidden'>{LONG}</details>",
        f"<p hidden>{LONG}{LONG}<p>one",
        "<button popovertarget=m>one</button><p>two<div popover id=m>three</div>",
    ],
)
def test_what_can_be_read_is_not(blank: Page, body: str) -> None:
    blank.set_content(f"<body style='margin:0'>{body}")
    if blank.locator("[popover]").count():
        blank.evaluate("document.querySelector('[popover]').showPopover()")
    fits(blank, "a page that is right")


def test_motion_is_found(blank: Page) -> None:
    blank.set_content("<p>one<p style='transition: color 1s'>two")
    with pytest.raises(AssertionError, match="two"):
        nothing_moves(blank, "a page that moves")


LINKS = "<main><a href='#a'>one</a><br><a href='#b' {}>two</a><br><a href='#c'>three</a></main>"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (LINKS.format("style='outline: none'"), "not to be seen"),
        (LINKS.format("tabindex=1"), "in another order"),
        (LINKS.format("style='position:absolute; top:9em'"), "upwards"),
        (LINKS.format("style='position:absolute; left:-99em'"), "not to be seen"),
        (
            "<p style='overflow:hidden; width:4em'><a href='#'>wide as its room</a>",
            "not to be seen",
        ),
        (
            f"{LINKS}<p style='position:fixed; inset:0; margin:0; background:white'>over",
            "not to be seen",
        ),
        (
            LINKS.format("onfocus='this.previousElementSibling.previousElementSibling.focus()'"),
            "does not come to",
        ),
    ],
)
def test_a_focus_that_is_lost_is_found(blank: Page, body: str, found: str) -> None:
    blank.set_content(f"<style>:focus {{ outline: 2px solid }}</style>{body}")
    with pytest.raises(AssertionError, match=found):
        walk_by_tab(blank, "a page")


def test_a_walk_leaves_menu_and_focus_as_they_were(blank: Page) -> None:
    blank.set_content(
        f"<style>:focus {{ outline: 2px solid }}</style>{LINKS.format('')}"
        "<button popovertarget=m>menu</button><div popover id=m><a href='#d'>four</a></div>"
    )
    blank.get_by_role("button").press("Enter")
    walk_by_tab(blank, "a page")
    assert blank.get_by_role("link", name="four").is_visible()
    assert blank.get_by_role("button").evaluate("one => one === document.activeElement")
