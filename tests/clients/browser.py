"""A browser without a screen: pages and forms by the standard library."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.parse
import urllib.request

from child import Child


def page(browser: urllib.request.OpenerDirector, url: str, **fields: str) -> str:
    data = None
    if fields:
        shown = page(browser, url)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', shown)
        assert token
        data = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token[1]}).encode()
    request = urllib.request.Request(url, data, {"Referer": url})  # noqa: S310 - our own address
    with browser.open(request, timeout=20) as answer:
        text: str = answer.read().decode()
        return text


def accepts(child: Child, address: str, password: str) -> bool:
    """Whether the portal takes the password; a code may be asked for next."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    shown = page(browser, f"{child.url}/signin", email=address, password=password)
    return 'name="password"' not in shown
