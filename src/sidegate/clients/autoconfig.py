"""Thunderbird's autoconfig, `config-v1.1.xml` (draft-ietf-mailmaint-autoconfig)."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from sidegate.clients.offer import Offer
from sidegate.config import ClientServer

_SOCKETS = {"TLS": "SSL", "STARTTLS": "STARTTLS"}
"""Thunderbird for Android takes no other words."""


def answer(offer: Offer, *, domain: str, how_to: Mapping[str, str]) -> bytes:
    """The settings of every address of a domain.

    `domain` looks like a host name. `how_to` says in each language, by its code, what the
    page of app passwords is: FairEmail shows it where a sign-in was refused.
    """
    root = Element("clientConfig", version="1.1")
    provider = SubElement(root, "emailProvider", id=domain)
    SubElement(provider, "domain").text = domain
    SubElement(provider, "displayName").text = offer.name
    SubElement(provider, "displayShortName").text = offer.name
    for server in offer.reading:
        _server(SubElement(provider, "incomingServer", type=server.protocol), server)
    for server in offer.sending:
        _server(SubElement(provider, "outgoingServer", type="smtp"), server)
    page = SubElement(provider, "documentation", url=offer.app_passwords)
    for language, words in how_to.items():
        SubElement(page, "descr", lang=language).text = words
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _server(element: Element, server: ClientServer) -> None:
    for name, value in (
        ("hostname", server.host),
        ("port", str(server.port)),
        ("socketType", _SOCKETS[server.security]),
        ("authentication", "password-cleartext"),
        ("username", "%EMAILADDRESS%"),  # the program puts the address in itself
    ):
        SubElement(element, name).text = value
