"""Who asks Sidegate with wrong passwords, and how long its answers took."""

from __future__ import annotations

import base64
import http.client
import math
import re
import socket
import time
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from sidegate.doors.set_up import AUTODISCOVER

SECONDS = 30.0
"""For which an answer, or a server's start, is waited for."""
_FORM = "application/x-www-form-urlencoded"
_AUTODISCOVER = (
    "<Autodiscover"
    ' xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">'
    "<Request><EMailAddress>{}</EMailAddress></Request></Autodiscover>"
)
_WRONG = "a wrong password of the bench"
_SIGN_IN = "/signin"
_FORGOT = "/signin/forgot"
_SENT = "/signin/forgot/sent"
_WORKED_OFF = 1.3
"""Seconds: the job that sends a link is looked for once a second (`accounts/job_runner`)."""


class NotRefused(Exception):  # noqa: N818 - what happened, by its name
    """An answer was not the one that is compared: its time would say nothing."""


class Portal:
    """One browser at the sign-in page and at "forgot": it is never signed in."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("localhost", port, timeout=SECONDS)
        self._cookies: SimpleCookie = SimpleCookie()
        page = self._sent("GET", _SIGN_IN)[1]
        found = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page)
        if found is None:
            raise NotRefused("the sign-in page has no form")
        self._token = found[1]

    def sign_in(self, address: str) -> float:
        """Seconds until a wrong password was refused."""
        return self._posted(_SIGN_IN, expected=200, email=address, password=_WRONG)

    def forgot(self, address: str) -> float:
        """Seconds until a link was promised."""
        return self._posted(_FORGOT, expected=302, email=address)

    def page_after(self, address: str) -> float:
        """Seconds that the next page took, right after a link was promised."""
        self.forgot(address)
        return self._next_page()

    def slowest_after(self, address: str) -> float:
        """The slowest of the pages that are asked for until what was promised must be done."""
        self.forgot(address)
        until, slowest = time.perf_counter() + _WORKED_OFF, 0.0
        while time.perf_counter() < until:
            slowest = max(slowest, self._next_page())
        return slowest

    def settings(self, address: str) -> float:
        """Seconds until a mail program was told the settings of an address, in both of the ways."""
        query = urlencode({"emailaddress": address})
        took = self._timed("GET", f"/mail/config-v1.1.xml?{query}", expected=200)
        question = _AUTODISCOVER.format(address)
        return took + self._timed("POST", AUTODISCOVER, question, expected=200, kind="text/xml")

    def close(self) -> None:
        """Leave."""
        self._connection.close()

    def _next_page(self) -> float:
        return self._timed("GET", _SENT, expected=200)

    def _posted(self, path: str, *, expected: int, **fields: str) -> float:
        body = urlencode({**fields, "csrfmiddlewaretoken": self._token})
        return self._timed("POST", path, body, expected=expected)

    def _timed(
        self, method: str, path: str, body: str | None = None, *, expected: int, kind: str = _FORM
    ) -> float:
        began = time.perf_counter()
        status, _page = self._sent(method, path, body, kind)
        took = time.perf_counter() - began
        if status != expected:
            raise NotRefused(f"{path} answered {status}")
        return took

    def _sent(
        self, method: str, path: str, body: str | None = None, kind: str = _FORM
    ) -> tuple[int, str]:
        headers = {"Content-Type": kind} if body else {}
        if self._cookies:
            headers["Cookie"] = self._cookies.output(attrs=[], header="", sep=";").strip()
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        page = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self._cookies.load(cookie)
        return answer.status, page


class Door:
    """A mail server that asks, with many questions under way."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(SECONDS)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("rb")
        self._socket.sendall(b"VERSION\t1\t2\nCPID\t1\n")
        while self._lines.readline() != b"DONE\n":
            pass

    def refused(self, addresses: list[str], *, every: float) -> list[float]:
        """The seconds that each refusal took; one question goes out in `every` seconds."""
        asked_at: dict[int, float] = {}
        took: dict[int, float] = {}
        begin = time.perf_counter()
        for number, address in enumerate(addresses, 1):
            self._take(asked_at, took, until=begin + number * every)
            asked_at[number] = time.perf_counter()
            self._socket.sendall(_question(number, address))
        self._take(asked_at, took, until=time.perf_counter() + SECONDS)
        if len(took) < len(addresses):
            raise NotRefused("the door left questions open")
        return [took[number] for number in range(1, len(addresses) + 1)]

    def close(self) -> None:
        """Leave."""
        self._lines.close()
        self._socket.close()

    def _take(self, asked_at: dict[int, float], took: dict[int, float], *, until: float) -> None:
        """Take answers until then, or until nothing is open that would have to come."""
        while (left := until - time.perf_counter()) > 0:
            if asked_at.keys() == took.keys() and left > 1:
                return
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(65_536)
            except TimeoutError:
                return
            now = time.perf_counter()
            for line in data.split(b"\n"):
                verdict, _, rest = line.partition(b"\t")
                if verdict == b"OK":
                    raise NotRefused("the door let a wrong password in")
                if verdict == b"FAIL":
                    number = int(rest.partition(b"\t")[0])
                    # A machine with much to do cannot tell now: that compares with nothing.
                    took[number] = math.nan if b"temp" in rest else now - asked_at[number]


def _question(number: int, address: str) -> bytes:
    plain = base64.b64encode(f"\0{address}\0{_WRONG}".encode())
    return (
        b"AUTH\t%d\tPLAIN\tservice=imap\tsecured=tls\tsession=s%d\tlip=192.0.2.1\trip=192.0.2.7"
        b"\tlport=993\trport=%d\tresp=%b\n"
    ) % (number, number, 1024 + number, plain)
