"""A person at a browser, for tests that need no running server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import cast

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client

from installation import PASSWORD, Installation

ADDRESS = "anna@example.test"
NUMBER = "+371 20 000 000"


@dataclass
class Person:
    """Does what a person does on the pages, in the order of the help page."""

    here: Installation
    client: Client = field(
        default_factory=lambda: Client(
            headers={
                "host": "localhost:8025",
                "user-agent": "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0",
            },
        )
    )

    def get(self, path: str, **query: str) -> HttpResponse:
        return cast("HttpResponse", self.client.get(path, query))

    def post(self, path: str, **fields: str) -> HttpResponse:
        return cast("HttpResponse", self.client.post(path, fields))

    def sign_in(
        self, *, address: str = ADDRESS, password: str = PASSWORD, **more: str
    ) -> HttpResponse:
        return self.post("/signin", email=address, password=password, **more)

    def turn_on(self, channel: str = "sms") -> None:
        self.post("/security/two-step/phone", password=PASSWORD)
        self.post("/security/two-step/phone", number=NUMBER, channel=channel)
        self.post("/security/two-step/code", code=self.here.sender.last_code)
        self.post("/security/two-step/turn-on")

    def generate(self, device: str = "windows") -> HttpResponse:
        once = form_value(self.get("/security/app-passwords"), "once")
        return self.post("/security/app-passwords", app="mail", device=device, once=once)


def page_of(response: HttpResponseBase) -> str:
    return cast("HttpResponse", response).content.decode()


def text_of(response: HttpResponseBase) -> str:
    """What a page says: its tags gone, runs of space made one."""
    shown = re.sub(r"(?s)<(script|style|svg)\b.*?</\1>|</?bdi\b[^>]*>", "", page_of(response))
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def form_value(response: HttpResponseBase, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page_of(response))
    assert found, f"no field {name}"
    return unescape(found[1])
