"""What baresip prints, read as what happened to a call.

Its `-s` prints each SIP message (RFC 3261) that it sends or gets; keys that were pressed
it tells in a line of its own. Only messages of our own call and registration count: their
Call-ID is known from the request that we sent, and to nobody who merely sends us some.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_START = re.compile(
    r"(?:SIP/2\.0 (?P<status>\d{3})\b|(?P<method>[A-Z]+) (?P<uri>sip:\S+) SIP/2\.0$)"
)
_HEADER = re.compile(r"(Call-ID|CSeq|Authorization|Proxy-Authorization):\s*(.*)", re.IGNORECASE)
_KEY = re.compile(r"received event: '(.)' \(end=1\)")
_CHALLENGES = (401, 407)


class Heard(NamedTuple):
    """One thing that happened."""

    method: str
    """What was answered; "BYE" where the other side hung up; "KEY"."""
    status: int = 0
    """Of the answer; 401 and 407 are told only where our credentials were in the request."""


class Trace:
    """Reads line after line."""

    def __init__(self, ours: tuple[str, ...]) -> None:
        """`ours` are the addresses that our own first requests go to."""
        self._ours = ours
        self._calls: set[str] = set()
        self._signed: set[tuple[str, str]] = set()
        self._start: re.Match[str] | None = None
        self._headers: dict[str, str] = {}

    def heard(self, line: str) -> Heard | None:
        """What this line completes."""
        if _KEY.search(line):
            return Heard("KEY")
        if start := _START.match(line):
            self._start, self._headers = start, {}
        elif self._start and (header := _HEADER.match(line)):
            self._headers[header[1].lower()] = header[2]
        elif self._start and not line:
            start, self._start = self._start, None
            return self._message(start, self._headers)
        return None

    def _message(self, start: re.Match[str], headers: dict[str, str]) -> Heard | None:
        call, sequence = headers.get("call-id", ""), headers.get("cseq", "")
        method = sequence.rpartition(" ")[2]
        if start["uri"] in self._ours:
            self._calls.add(call)
            if headers.keys() & {"authorization", "proxy-authorization"}:
                self._signed.add((call, sequence))
            return None
        if call not in self._calls:
            return None
        if start["method"]:
            return Heard("BYE") if method == "BYE" else None
        status = int(start["status"])
        if status in _CHALLENGES and (call, sequence) not in self._signed:
            return None  # the same again with credentials follows by itself
        return Heard(method, status)
