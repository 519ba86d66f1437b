"""Mail programs ask for the settings of an address, and all hear the same."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import Element, fromstring

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse

from sidegate.clients import autodiscover, pacc
from sidegate.clients.offer import Offer, offer_of
from sidegate.config import ClientServer, Config, load_config
from sidegate.doors.set_up import AUTODISCOVER, MAX_BODY, SetUpDoor, SetUpParts, domain_of

PORTAL = "https://accounts.example.test"
PAGE = f"{PORTAL}/security/app-passwords"
SERVERS = (
    ClientServer("imap", "imap.example.test", 993, "TLS"),
    ClientServer("pop3", "pop.example.test", 110, "STARTTLS"),
    ClientServer("submission", "smtp.example.test", 465, "TLS"),
)
OFFER = Offer("Example & Sons", PAGE, SERVERS)
AUTOCONFIG = ("/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml")
JSON = "/autodiscover/autodiscover.json"
PACC = "/.well-known/user-agent-configuration.json"
ASKED = """\
<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
  <Request>
    <EMailAddress>{}</EMailAddress>
    <AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
  </Request>
</Autodiscover>
"""
OUTLOOK = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
XML = "text/xml; charset=utf-8"


class Asking:
    """A door of this offer, and a mail program that asks it."""

    def __init__(self, offer: Offer = OFFER, *, domains: tuple[str, ...] = ()) -> None:
        parts = SetUpParts(
            offer=offer,
            domains=domains,
            portal_host="accounts.example.test",
            autodiscover=f"https://accounts.example.test{AUTODISCOVER}",
            how_to={"en": "How to", "ar": "كيفية"},
            now=lambda: 1_790_000_000_000,
        )
        self._door = SetUpDoor(parts, others=PlainTextResponse("a page"))

    def get(self, path: str, **query: str) -> httpx.Response:
        return asyncio.run(self._sent(httpx.Request("GET", f"{PORTAL}{path}", params=query)))

    def post(self, path: str, body: str, kind: str = XML) -> httpx.Response:
        headers = {"Content-Type": kind}
        request = httpx.Request("POST", f"{PORTAL}{path}", content=body, headers=headers)
        return asyncio.run(self._sent(request))

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        transport = httpx.ASGITransport(cast("Any", self._door))
        async with httpx.AsyncClient(transport=transport) as asking:
            return await asking.send(request)


def parsed(content: bytes) -> Element:
    return fromstring(content)  # noqa: S314 - what we wrote ourselves


def facts(content: bytes) -> list[dict[str, str]]:
    """What Outlook is told of each protocol."""
    protocols = parsed(content).iter(f"{OUTLOOK}Protocol")
    return [
        {fact.tag.removeprefix(OUTLOOK): str(fact.text) for fact in protocol}
        for protocol in protocols
    ]


@pytest.mark.parametrize("path", AUTOCONFIG)
def test_thunderbird_finds_the_servers(path: str) -> None:
    answer = Asking().get(path, emailaddress="anna@example.test")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    root = parsed(answer.content)
    assert (root.tag, root.get("version")) == ("clientConfig", "1.1")
    (provider,) = root
    assert provider.get("id") == provider.findtext("domain") == "example.test"
    assert provider.findtext("displayName") == "Example & Sons"
    found = [
        (one.tag, one.get("type"), *(fact.text for fact in one))
        for one in provider
        if one.tag.endswith("Server")
    ]
    rest = ("password-cleartext", "%EMAILADDRESS%")
    assert found == [
        ("incomingServer", "imap", "imap.example.test", "993", "SSL", *rest),
        ("incomingServer", "pop3", "pop.example.test", "110", "STARTTLS", *rest),
        ("outgoingServer", "smtp", "smtp.example.test", "465", "SSL", *rest),
    ]
    (page,) = provider.iter("documentation")
    assert page.get("url") == PAGE
    assert {one.get("lang"): one.text for one in page} == {"en": "How to", "ar": "كيفية"}


@pytest.mark.parametrize(
    "path", [AUTODISCOVER, "/Autodiscover/Autodiscover.xml", "/AUTODISCOVER/AUTODISCOVER.XML"]
)
def test_outlook_finds_the_servers(path: str) -> None:
    answer = Asking().post(path, ASKED.format("anna@example.test"))
    assert answer.status_code == 200
    root = parsed(answer.content)
    assert root.tag.startswith("{http://schemas.microsoft.com/exchange/autodiscover/resp")
    (account,) = root.iter(f"{OUTLOOK}Account")
    assert account.findtext(f"{OUTLOOK}AccountType") == "email"
    assert account.findtext(f"{OUTLOOK}Action") == "settings"
    same = {"LoginName": "anna@example.test", "DomainRequired": "off", "SPA": "off"}
    assert facts(answer.content) == [
        {"Type": "IMAP", "Server": "imap.example.test", "Port": "993", **same, "SSL": "on"}
        | {"AuthRequired": "on"},
        {"Type": "POP3", "Server": "pop.example.test", "Port": "110", **same, "SSL": "off"}
        | {"Encryption": "TLS", "AuthRequired": "on"},
        {"Type": "SMTP", "Server": "smtp.example.test", "Port": "465", **same, "SSL": "on"}
        | {"AuthRequired": "on"},
    ]
    # Its parser knows the schemas by their default name spaces.
    assert b"<Autodiscover xmlns=" in answer.content
    assert b"<Response xmlns=" in answer.content


NESTED = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>"
NO_QUESTIONS: dict[str, str] = {
    "nothing": "",
    "no XML": "anna@example.test",
    "half of it": ASKED.format("anna@example.test")[:-20],
    "a declaration": ASKED.format("&b;@example.test").replace("<Auto", f"{NESTED}<Auto", 1),
    "another schema": ASKED.format("anna@example.test").replace("outlook/req", "mobilesync/req"),
    "no address": ASKED.format("anna"),
    "two addresses": ASKED.format("anna@example.test, berta@example.test"),
    "two lines": ASKED.format("anna@exa\nmple.test"),
    "an element in it": ASKED.format("<x>anna@example.test</x>"),
    "an unknown coding": ASKED.format("anna@example.test").replace("utf-8", "utf-99"),
}


@pytest.mark.parametrize("body", NO_QUESTIONS.values(), ids=NO_QUESTIONS)
def test_what_is_no_question_is_an_invalid_request(body: str) -> None:
    answer = Asking().post(AUTODISCOVER, body)
    assert (answer.status_code, answer.headers["content-type"]) == (200, XML)
    assert "<ErrorCode>600</ErrorCode><Message>Invalid Request</Message>" in answer.text
    assert 'Time="14:13:20"' in answer.text
    assert "example.test" not in answer.text


def test_autodiscover_that_is_only_looked_at() -> None:
    assert "<ErrorCode>600</ErrorCode>" in Asking().get(AUTODISCOVER).text


def test_bodies_have_a_kind_and_a_limit() -> None:
    body = ASKED.format("anna@example.test")
    assert Asking().post(AUTODISCOVER, body, "text/plain").status_code == 415
    long = body + " " * MAX_BODY
    assert Asking().post(AUTODISCOVER, long).status_code == 413


@given(st.binary(max_size=200))
def test_any_bytes_are_answered_or_not_understood(body: bytes) -> None:
    try:
        assert "@" in autodiscover.asked(body)
    except autodiscover.NotUnderstood:
        return


@given(
    st.from_regex(r"[^\s@<&\x00-\x1f\x7f]{1,40}@[a-z]{1,20}\.test", fullmatch=True).filter(
        lambda one: one.isprintable()
    )
)
def test_the_address_comes_back_as_the_login(address: str) -> None:
    asked = autodiscover.asked(ASKED.format(address).encode())
    assert asked == address
    assert facts(autodiscover.answer(OFFER, address=asked))[0]["LoginName"] == address


def test_the_json_form_leads_to_the_xml() -> None:
    query = {"Email": "anna@example.test", "Protocol": "autodiscoverv1"}
    answer = Asking().get("/autodiscover/Autodiscover.JSON", **query)
    assert answer.json() == {
        "Protocol": "AutodiscoverV1",
        "Url": "https://accounts.example.test/autodiscover/autodiscover.xml",
    }
    other = Asking().get(JSON, Email="anna@example.test", protocol="<EWS>")
    assert (other.status_code, other.json()["ErrorCode"]) == (400, "InvalidProtocol")
    assert "EWS" not in other.text
    assert "anna" not in other.text


def test_pacc_tells_of_tls_at_its_own_ports_alone() -> None:
    answer = Asking().get(PACC)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == {
        "protocols": {
            "imap": {"host": "imap.example.test"},
            "smtp": {"host": "smtp.example.test"},
            "submit": {"host": "smtp.example.test"},
        },
        "authentication": {"password": True},
        "info": {"provider": {"name": "Example & Sons"}, "help": {"documentation": PAGE}},
    }
    found = re.fullmatch(r"v=UAAC1; a=sha256; d=(\S+)", pacc.record(answer.content))
    assert found is not None
    assert base64.b64decode(found[1]) == hashlib.sha256(answer.content).digest()


def test_pacc_has_no_words_for_other_ports() -> None:
    servers = tuple(one._replace(port=one.port + 2000) for one in SERVERS)
    answer = Asking(OFFER._replace(servers=servers)).get(PACC)
    assert (answer.status_code, "993, 995 and 465" in answer.text) == (404, True)


@pytest.mark.parametrize("servers", [SERVERS[:2], SERVERS[2:], ()])
def test_half_an_account_is_none(servers: tuple[ClientServer, ...]) -> None:
    half = Asking(OFFER._replace(servers=servers))
    for path in AUTOCONFIG:
        answer = half.get(path)
        assert (answer.status_code, "[clients]" in answer.text) == (404, True)
    answer = half.post(AUTODISCOVER, ASKED.format("anna@example.test"))
    assert "<ErrorCode>601</ErrorCode>" in answer.text


WAYS: dict[str, Callable[[Asking, str], Any]] = {
    "autoconfig": lambda at, who: at.get(AUTOCONFIG[0], emailaddress=who),
    "well-known": lambda at, who: at.get(AUTOCONFIG[1], emailaddress=who),
    "Autodiscover": lambda at, who: at.post(AUTODISCOVER, ASKED.format(who)),
    "its JSON": lambda at, who: at.get(JSON, Email=who, Protocol="AutodiscoverV1"),
    "PACC": lambda at, who: at.get(PACC, emailaddress=who),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("domains", [(), ("example.test", "example.org")])
def test_every_address_is_answered_alike(
    way: Callable[[Asking, str], Any], domains: tuple[str, ...]
) -> None:
    """But for the address itself, which Autodiscover says back."""
    at = Asking(domains=domains)
    told = set()
    for who in ("anna@example.test", "nobody@example.test", "x@example.test"):
        answer = way(at, who)
        assert "set-cookie" not in answer.headers
        told.add((answer.status_code, answer.text.replace(who, "WHO").encode()))
    assert len(told) == 1


@pytest.mark.parametrize(
    ("address", "host", "domains", "domain"),
    [
        ("anna@example.org", "accounts.example.test", (), "example.org"),
        ("Anna@Example.ORG", "accounts.example.test", (), "example.org"),
        ("", "autoconfig.example.org", (), "example.org"),
        ("", "AutoDiscover.example.org:443", (), "example.org"),
        ("anna", "autoconfig.example.org", (), "example.org"),
        ("anna@<x>", "<y>", (), "accounts.example.test"),
        ("anna@", "", (), "accounts.example.test"),
        ("anna@example.org", "", ("example.net", "example.org"), "example.org"),
        ("anna@example.com", "autoconfig.example.org", ("example.net",), "example.net"),
        ("anna@example.com", "autoconfig.example.org", ("a.test", "example.org"), "example.org"),
    ],
)
def test_the_domain_that_is_asked_about(
    address: str, host: str, domains: tuple[str, ...], domain: str
) -> None:
    found = domain_of(address, host=host, domains=domains, otherwise="accounts.example.test")
    assert found == domain


@pytest.mark.parametrize("path", [*AUTOCONFIG, JSON, PACC])
def test_nothing_is_posted_to_what_is_read(path: str) -> None:
    answer = Asking().post(path, "")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_other_addresses_are_the_pages() -> None:
    for path in ("/", "/signin", "/autodiscover/", "/mail", "/mail/config-v1.1.xml/"):
        assert Asking().get(path).text == "a page"


def test_the_configuration_says_what_is_offered(tmp_path: Path) -> None:
    config = load_config(tmp_path)
    offer = offer_of(config)
    assert offer.app_passwords == "http://localhost:8025/security/app-passwords"
    assert [one.port for one in (*offer.reading, *offer.sending)] == [2993, 2995, 2465]
    assert offer.is_whole
    assert offer_of(_without_submission(config)).is_whole is False


def _without_submission(config: Config) -> Config:
    return replace(config, listen=replace(config.listen, submission="", submissions=""))
