"""What a Dovecot reports of a sign-in that is over: the body of its auth_policy request.

https://doc.dovecot.org/2.3/configuration_manual/authentication/auth_policy/
The attributes are those of `ATTRIBUTES`; `success` is Dovecot's own. Whatever else is
there, a digest of the password among it, is not looked at.
"""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any, NamedTuple

from sidegate.wire.program import MAX_PROGRAM, program_of
from sidegate.wire.text import one_line

ATTRIBUTES = {
    "login": "user",
    "master": "master_user",
    "remote": "rip",
    "protocol": "service",
    "mechanism": "mech",
    "session_id": "session",
    "device_id": "client_id",
}
"""Names in the report, and what Dovecot 2.3 calls the variable. No digest of the password."""

MAX_TEXT = 4096
"""Characters of an attribute: Dovecot passes on what a program says of itself."""

_MECHANISM = re.compile(r"[A-Z0-9_-]{1,20}")  # RFC 4422, 3.1


class BadReport(ValueError):  # noqa: N818 - what it is, by its name
    """The body is no report; the text says why and holds nothing of it."""


class Report(NamedTuple):
    """A sign-in that Dovecot judged."""

    login: str
    """The name under which it goes on: aliases are resolved, case is folded as it does."""
    master: str
    """The master user whose password it was; empty for the account's own."""
    protocol: str
    """As Dovecot calls it: `imap`, `smtp`, `doveadm` …"""
    address: str
    """The client's IP address; empty where it is not known."""
    program: str
    mechanism: str
    session: str
    """Empty where nobody signed in through one of Dovecot's own sign-in processes."""
    success: bool


def parse(body: bytes) -> Report:
    """The report; raises `BadReport`."""
    try:
        found = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise BadReport("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise BadReport("The body is not a JSON object.")
    success = found.get("success")
    if not isinstance(success, bool):
        raise BadReport("success has to be true or false: this is no report of a sign-in.")
    return Report(
        login=_text(found, "login"),
        master=_text(found, "master"),
        protocol=_text(found, "protocol").lower(),
        address=_address(_text(found, "remote")),
        program=one_line(program_of(_text(found, "device_id").encode()), MAX_PROGRAM),
        mechanism=_mechanism(_text(found, "mechanism")),
        session=_text(found, "session_id"),
        success=success,
    )


def _text(found: dict[str, Any], name: str) -> str:
    if name not in found:
        raise BadReport(f"{name} is missing: see auth_policy_request_attributes.")
    value = found[name]
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise BadReport(f"{name} has to be a text, and not that long.")
    # Half a surrogate pair cannot be stored.
    return value.encode("utf-8", "replace").decode()


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return ""


def _mechanism(text: str) -> str:
    upper = text.upper()
    return upper if _MECHANISM.fullmatch(upper) else ""
