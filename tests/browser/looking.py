"""What a browser test sees of a page: accessibility, room for its words, the keyboard, pictures.

`look_at` does all of it. `fits` alone is for whoever comes in another language.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
MOST_TABS = 40


class Size(NamedTuple):
    """A window, in CSS pixels."""

    width: int
    height: int


NARROW = Size(320, 256)
"""A window of 1280 by 1024 at 400 % (WCAG 2.2, 1.4.10); as wide as the smallest phone."""
WIDE = Size(1280, 800)

_AXE = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
_SPACING = """
    * { line-height: 1.5 !important; letter-spacing: 0.12em !important;
        word-spacing: 0.16em !important; }
    p { margin-block-end: 2em !important; }
"""
"""The spacing that a page must bear (WCAG 2.2, 1.4.12). Not a style of the page: its CSP."""
_SPACE_OUT = """(rules) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(rules);
    document.adoptedStyleSheets = [sheet];
}"""
_FITTING = Path(__file__).with_name("fitting.js").read_text()
_LOOKED_AT: set[str] = set()


def look_at(page: Page, name: str) -> None:
    """Everything that a test can see of how a page looks and is used, and pictures of it.

    Once for each name: a page that is passed again is the same page.
    """
    if name in _LOOKED_AT:
        return
    _LOOKED_AT.add(name)
    for size in (NARROW, WIDE):
        page.set_viewport_size({"width": size.width, "height": size.height})
        fits(page, name)
        page.evaluate(_SPACE_OUT, _SPACING)
        fits(page, f"{name}, spaced out")
        page.evaluate(_SPACE_OUT, "")
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, options=_AXE).response["violations"]
            rules = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
            assert not rules, f"{name}, {scheme}, {size.width} px: {rules}"
        picture(page, f"{name}-{size.width}")
    page.emulate_media(forced_colors="active")
    picture(page, f"{name}-forced-colours")
    page.emulate_media(forced_colors="none")
    nothing_moves(page, name)


def fits(page: Page, name: str) -> None:
    """At the window's size nothing scrolls sideways, is cut off, sticks out or overlaps.

    Words that are aria-hidden may be cut off: they stand elsewhere too.
    """
    width = page.evaluate("innerWidth")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"{name} is {wide} px wide in a window of {width} px"
    found = page.evaluate(_FITTING)
    assert not found, f"{name}, {width} px: {found}"


def nothing_moves(page: Page, name: str) -> None:
    """No animation and no transition: nobody needs to ask for less motion."""
    moving = page.evaluate(
        "() => [...document.querySelectorAll('*')].filter((one) => {"
        " const style = getComputedStyle(one);"
        " return style.animationName !== 'none' || style.transitionDuration !== '0s';"
        "}).map((one) => one.outerHTML.slice(0, 120))"
    )
    assert not moving, f"{name}: {moving}"


def picture(page: Page, name: str) -> None:
    """A picture to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def tab_to(page: Page, wanted: Locator) -> None:
    """Move the focus with the Tab key alone."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if wanted.evaluate("control => control === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {wanted}")
