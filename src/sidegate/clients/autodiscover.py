"""Outlook's Autodiscover: what it asks in XML, what it is told, and its JSON ([MS-OXDSCLI])."""

from __future__ import annotations

import json
import re
from typing import NoReturn
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.parsers import expat

from sidegate.clients.offer import Offer
from sidegate.config import ClientServer

_SCHEMAS = "http://schemas.microsoft.com/exchange/autodiscover"
_ASKED = f"{_SCHEMAS}/outlook/requestschema/2006"
_ANSWERED = f"{_SCHEMAS}/responseschema/2006"
_SETTINGS = f"{_SCHEMAS}/outlook/responseschema/2006a"

_ADDRESS = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]{1,255}")
_TYPES = {"imap": "IMAP", "pop3": "POP3", "submission": "SMTP"}
_SSL = {"TLS": {"SSL": "on"}, "STARTTLS": {"SSL": "off", "Encryption": "TLS"}}
"""STARTTLS is said by Encryption, which counts before SSL; SSL=on at port 143 breaks Outlook."""

INVALID_REQUEST = 600, "Invalid Request"
"""What was sent is no question for the settings of an address."""
NO_PROVIDER = 601, "Provider is not available"
"""Nothing that mail could be read from and sent by is offered."""


class NotUnderstood(Exception):  # noqa: N818 - what the request is
    """A request that does not ask for the settings of an address."""


def asked(body: bytes) -> str:
    """The address whose settings are asked for; raises `NotUnderstood`."""
    reader = expat.ParserCreate(namespace_separator=" ")
    path: list[str] = []
    found: list[str] = []

    def text(piece: str) -> None:
        if path == [f"{_ASKED} {name}" for name in ("Autodiscover", "Request", "EMailAddress")]:
            found.append(piece)

    reader.StartDoctypeDeclHandler = _refuse  # so nothing is ever expanded
    reader.StartElementHandler = lambda name, _attributes: path.append(name)
    reader.EndElementHandler = lambda _name: path.pop()
    reader.CharacterDataHandler = text
    try:
        reader.Parse(body, True)  # noqa: FBT003 - expat's way: this is all of it
    except (expat.ExpatError, ValueError, LookupError):
        raise NotUnderstood from None
    address = "".join(found).strip()
    if not _ADDRESS.fullmatch(address):
        raise NotUnderstood
    return address


def _refuse(*_declaration: object) -> NoReturn:
    raise NotUnderstood


def answer(offer: Offer, *, address: str) -> bytes:
    """The settings; the address is the login name."""
    root, response = _root(_SETTINGS)
    account = SubElement(response, "Account")
    SubElement(account, "AccountType").text = "email"
    SubElement(account, "Action").text = "settings"
    for server in (*offer.reading, *offer.sending):
        _server(SubElement(account, "Protocol"), server, address)
    return _bytes(root)


def _server(protocol: Element, server: ClientServer, login: str) -> None:
    facts = {
        "Type": _TYPES[server.protocol],
        "Server": server.host,
        "Port": str(server.port),
        "LoginName": login,
        "DomainRequired": "off",
        "SPA": "off",  # it means on where it is left out
        **_SSL[server.security],
        "AuthRequired": "on",
    }
    for name, value in facts.items():
        SubElement(protocol, name).text = value


def error(code: int, message: str, *, time: str) -> bytes:
    """Why there are no settings; `time` is that of day, as HH:MM:SS."""
    root, response = _root(None)
    element = SubElement(response, "Error", Time=time, Id="1")
    SubElement(element, "ErrorCode").text = str(code)
    SubElement(element, "Message").text = message
    SubElement(element, "DebugData")
    return _bytes(root)


def leads_to(url: str) -> bytes:
    """The JSON form: where the XML is asked for."""
    return json.dumps({"Protocol": "AutodiscoverV1", "Url": url}).encode()


def no_such_protocol() -> bytes:
    """The JSON form's answer to any protocol but AutodiscoverV1; nothing of what was sent."""
    said = "The protocol is not offered. Offered is 'AutodiscoverV1'."
    return json.dumps({"ErrorCode": "InvalidProtocol", "ErrorMessage": said}).encode()


def _root(schema: str | None) -> tuple[Element, Element]:
    # Not by ElementTree's own names of name spaces: they would become prefixes.
    root = Element("Autodiscover", xmlns=_ANSWERED)
    return root, SubElement(root, "Response", {"xmlns": schema} if schema else {})


def _bytes(root: Element) -> bytes:
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))
