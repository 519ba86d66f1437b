"""A browser without a screen: pages and forms by the standard library."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field

from child import Child


def page(browser: urllib.request.OpenerDirector, url: str, **fields: str | Sequence[str]) -> str:
    data = None
    if fields:
        shown = page(browser, url)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', shown)
        assert token
        data = urllib.parse.urlencode(
            {**fields, "csrfmiddlewaretoken": token[1]}, doseq=True
        ).encode()
    request = urllib.request.Request(url, data, {"Referer": url})  # noqa: S310 - our own address
    with browser.open(request, timeout=20) as answer:
        text: str = answer.read().decode()
        return text


def new_browser() -> urllib.request.OpenerDirector:
    """One that keeps cookies."""
    jar = http.cookiejar.CookieJar()
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))


def accepts(child: Child, address: str, password: str) -> bool:
    """Whether the portal takes the password; a code may be asked for next."""
    browser = new_browser()
    shown = page(browser, f"{child.url}/signin", email=address, password=password)
    return 'name="password"' not in shown


@dataclass
class Owner:
    """The owner of an account at the pages of the portal."""

    child: Child
    address: str
    password: str
    browser: urllib.request.OpenerDirector = field(default_factory=new_browser)

    def look(self, path: str) -> str:
        return page(self.browser, f"{self.child.url}{path}")

    def send(self, path: str, **fields: str | Sequence[str]) -> str:
        """Fill in the form of a page; returns the page after it."""
        return page(self.browser, f"{self.child.url}{path}", **fields)

    def sign_in(self) -> None:
        self.send("/signin", email=self.address, password=self.password)

    def up_to_turn_on(self) -> str:
        """Through 2-Step Verification up to its last page, which is returned."""
        before = len(self.child.codes())
        self.send("/security/two-step/phone", password=self.password)
        self.send("/security/two-step/phone", number="+371 2200 0001", channel="sms")
        code = self.child.wait_for_code(after=before)["code"]
        return self.send("/security/two-step/code", code=code)

    def turn_on(self, *, app_password: Sequence[str] = (), goes_on: Sequence[str] = ()) -> str:
        ticked = {"app-password": app_password, "goes-on": goes_on}
        return self.send("/security/two-step/turn-on", **ticked)
