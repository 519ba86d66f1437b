"""PACC: `user-agent-configuration.json` and the TXT record that vouches for it.

Source: draft-ietf-mailmaint-pacc. It knows implicit TLS at the protocols' own ports alone.
"""

from __future__ import annotations

import base64
import hashlib
import json

from sidegate.clients.offer import Offer

_PORTS = {"imap": 993, "pop3": 995, "submission": 465}
_NAMES = {"imap": ("imap",), "pop3": ("pop3",), "submission": ("smtp", "submit")}
"""Sending is called smtp in the drafts up to 02, and submit from then on."""


def answer(offer: Offer) -> bytes | None:
    """The document, the same bytes each time; `None` where it has no words for what is offered."""
    protocols = {
        name: {"host": server.host}
        for server in offer.servers
        if server.security == "TLS" and server.port == _PORTS[server.protocol]
        for name in _NAMES[server.protocol]
    }
    if not protocols:
        return None
    document = {
        "protocols": protocols,
        "authentication": {"password": True},
        "info": {
            "provider": {"name": offer.name},
            "help": {"documentation": offer.app_passwords},
        },
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True).encode()


def record(document: bytes) -> str:
    """The text of the TXT record at `_ua-auto-config` for the exact bytes of a document."""
    digest = base64.b64encode(hashlib.sha256(document).digest()).decode()
    return f"v=UAAC1; a=sha256; d={digest}"
