"""What a browser test sees of a page: accessibility, width, a picture to look at."""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

PICTURES = Path(__file__).parents[2] / "build" / "screenshots"
WIDTHS = (320, 1280)
MOST_TABS = 40
_LOOKED_AT: set[str] = set()


def look_at(page: Page, name: str) -> None:
    """No violation that axe finds, light and dark; nothing wider than 320 px; a picture.

    Once for each name: a page that is passed again is the same page.
    """
    if name in _LOOKED_AT:
        return
    _LOOKED_AT.add(name)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is {wide} px wide"
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page).response["violations"]
            rules = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
            assert not rules, f"{name}, {scheme}, {width} px: {rules}"
        picture(page, f"{name}-{width}")


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
