"""A form that was sent and not answered yet says so, and is sent once."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from browser.looking import NARROW, fits
from child import Child

FORM = "form:has([name=email])"
NEVER_ANSWERED = """
  window.sent = 0;
  window.addEventListener("submit", (event) => {
    if (!event.defaultPrevented) window.sent += 1;
    event.preventDefault();
  });
"""
"""Stands for a server that does not answer: counts what would be sent, after the page's scripts."""


def test_a_form_that_waits_says_so(page: Page, sidegate: Child) -> None:
    assert sidegate.url
    page.set_viewport_size({"width": NARROW.width, "height": NARROW.height})
    page.goto("/signin")
    page.evaluate(NEVER_ANSWERED)
    button = page.locator(f"{FORM} button[type=submit]")
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    expect(page.locator("#live")).to_have_text("One moment…")
    expect(button).to_have_accessible_name("Next · One moment…")
    fits(page, "a form that waits")
    page.screenshot(path="build/screenshots/busy-320.png")
    button.click()
    assert page.evaluate("window.sent") == 1, "sent twice"

    # As a page that Back brings out of the browser's memory.
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(button).not_to_have_attribute("aria-busy", "true")
    expect(page.locator("#live")).to_be_empty()
    button.click()
    assert page.evaluate("window.sent") == 2
