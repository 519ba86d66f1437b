"""What a browser test sees of a page: accessibility, room for its words, the keyboard, pictures.

`look_at` does all of it. `fits` alone is for whoever comes in another language.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
MOST_TABS = 40
MOST_STOPS = 200


class Size(NamedTuple):
    """A window, in CSS pixels."""

    width: int
    height: int


NARROW = Size(320, 256)
"""A window of 1280 by 1024 at 400 % (WCAG 2.2, 1.4.10); as wide as the smallest phone."""
WIDE = Size(1280, 800)

Scheme = Literal["dark", "light"]
_LOOKS: tuple[tuple[Size, Scheme, Scheme], ...] = (
    (WIDE, "light", "dark"),
    (NARROW, "dark", "light"),
)
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
_FOCUS_STOP = Path(__file__).with_name("focus_stop.js").read_text()
_CONTROLS = 'a[href], button, input:not([type="hidden"]), select, textarea, summary, [tabindex="0"]'
_REACHABLE = """(controls) => [...document.querySelectorAll(controls)].map(
    (control, index) => [control, index]
).filter(([control]) => control.checkVisibility({ visibilityProperty: true }) &&
    !control.disabled && control.tabIndex >= 0 && control.type !== 'radio'
).map(([control, index]) => [index, control.outerHTML.slice(0, 120)])"""
_LEAVE = """() => {
    window.left = [document.activeElement, document.querySelector(':popover-open')];
    document.activeElement.blur();
}"""
_COME_BACK = """() => {
    const [focused, menu] = window.left;
    document.activeElement.blur();
    if (menu && !menu.matches(':popover-open')) menu.showPopover();
    focused.focus();
}"""
_LOOKED_AT: set[str] = set()


class Look:
    """How closely pages are looked at; `conftest` says it."""

    closely = False
    """In every way, at every size: it takes three times as long."""


def look_at(page: Page, name: str) -> None:
    """What a test can see of how a page looks and is used.

    Once for each name: a page that is passed again is the same page.
    """
    if name in _LOOKED_AT:
        return
    _LOOKED_AT.add(name)
    for size, scheme, other in _LOOKS:
        page.set_viewport_size({"width": size.width, "height": size.height})
        fits(page, name)
        axe_finds_nothing(page, name, scheme)
        if Look.closely:
            axe_finds_nothing(page, name, other)
            page.evaluate(_SPACE_OUT, _SPACING)
            fits(page, f"{name}, spaced out")
            page.evaluate(_SPACE_OUT, "")
            page.emulate_media(color_scheme="light")
            picture(page, f"{name}-{size.width}")
    nothing_moves(page, name)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": WIDE.width, "height": WIDE.height})
    if Look.closely:
        look_at_forced_colours(page, name)
        page.set_viewport_size({"width": NARROW.width, "height": NARROW.height})
    walk_by_tab(page, name)
    page.set_viewport_size({"width": WIDE.width, "height": WIDE.height})


def axe_finds_nothing(page: Page, name: str, scheme: Scheme) -> None:
    """At the window's size, in the light or dark scheme; it stays in it."""
    page.emulate_media(color_scheme=scheme)
    found = Axe().run(page, options=_AXE).response["violations"]
    rules = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
    assert not rules, f"{name}, {scheme}, {page.viewport_size}: {rules}"


def look_at_forced_colours(page: Page, name: str) -> None:
    """The colours that somebody chose for all pages.

    With it, for people to look at: what a screen reader finds in the page (`.yaml`).
    """
    read_aloud = page.locator("body").aria_snapshot()
    (PICTURES / f"{name}.yaml").write_text(f"{page.title()}\n{read_aloud}\n")
    page.emulate_media(forced_colors="active")
    picture(page, f"{name}-forced-colours")
    walk_by_tab(page, f"{name}, forced colours")
    page.emulate_media(forced_colors="none")


def fits(page: Page, name: str) -> None:
    """At the window's size nothing scrolls sideways, is cut off, sticks out or overlaps.

    Words that are aria-hidden may be cut off: they stand elsewhere too.
    """
    page.wait_for_load_state()  # it may be loading itself anew
    width = page.evaluate("innerWidth")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, f"{name} is {wide} px wide in a window of {width} px"
    found = page.evaluate(_FITTING)
    assert not found, f"{name}, {width} px: {found}"


def walk_by_tab(page: Page, name: str) -> None:
    """Tab comes to every control, in the order that they stand in, and shows where it is.

    An open menu, and what had the focus, are as they were afterwards.
    """
    page.evaluate(_LEAVE)
    stops: list[dict[str, Any]] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(_FOCUS_STOP, _CONTROLS)
        if stop is None or (stops and stop["index"] == stops[-1]["index"]):
            continue  # the browser's own frame, or another part of a date
        if stop["index"] in {one["index"] for one in stops}:
            break
        stops.append(stop)
    for stop in stops:
        seen = stop["outlined"] and stop["in_sight"] and not stop["covered"]
        assert seen, f"{name}: the focus is not to be seen: {stop}"
    missed = dict(page.evaluate(_REACHABLE, _CONTROLS))
    for stop in stops:
        missed.pop(stop["index"], None)
    assert not missed, f"{name}: Tab does not come to {missed}"
    inside = sorted((one for one in stops if one["in_main"]), key=lambda one: one["index"])
    walked = [one for one in _from_the_top(stops) if one["in_main"]]
    assert inside == walked, f"{name}: in another order than it is read: {walked}"
    for above, below in pairwise(inside):
        # A field's own button comes after it, and may stand at the end of its label's line.
        of_one_field = above["field"] == below["field"] >= 0
        down = below["bottom"] > above["top"]
        assert down or of_one_field, f"{name}: upwards, from {above} to {below}"
    page.evaluate(_COME_BACK)


def _from_the_top(stops: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The walk as it is when it begins with what comes first on the page."""
    first = min(range(len(stops)), key=lambda place: stops[place]["index"], default=0)
    return stops[first:] + stops[:first]


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
