"""A running Sidegate is asked for settings under other names than the portal's, by everybody."""

from __future__ import annotations

import http.client
import imaplib
import ssl

import pytest

from child import Child
from clients.desk import Desk
from doors.test_set_up import ASKED, AUTOCONFIG, JSON, XML, facts, parsed
from sidegate.doors.set_up import AUTODISCOVER

HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def asked(child: Child, host: str, path: str, body: str = "") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", child.ports["portal"], timeout=15)
    headers = {"Host": host, **({"Content-Type": XML} if body else {})}
    connection.request("POST" if body else "GET", path, body.encode() or None, headers)
    answer = connection.getresponse()
    found = {name.lower(): value for name, value in answer.getheaders()}
    content = answer.read()
    connection.close()
    assert "set-cookie" not in found
    return answer.status, found, content


@pytest.mark.parametrize("host", ["autoconfig.example.test", "example.test", "localhost"])
def test_what_thunderbird_is_told_is_where_mail_is(child: Child, host: str) -> None:
    for path in AUTOCONFIG:
        query = "?emailaddress=anna%40example.test"
        status, headers, content = asked(child, host, path + query)
        assert status == 200
        assert headers.items() >= HEADERS.items()
        provider = parsed(content)[0]
        assert provider.get("id") == "example.test"
        imap = next(provider.iter("incomingServer"))
        assert imap.findtext("port") == str(child.ports["imaps"])
        languages = {one.get("lang") for one in provider.iter("descr")}
        assert languages >= {"en", "lv", "ar"}


def test_known_and_unknown_addresses_hear_the_same(child: Child, desk: Desk) -> None:
    person = desk.person()
    unknown = f"x{person.address}"
    for path in (*AUTOCONFIG, JSON, "/.well-known/user-agent-configuration.json"):
        query = "?Protocol=AutodiscoverV1&emailaddress={0}&Email={0}"
        told = [
            asked(child, "localhost", path + query.format(who)) for who in (person.address, unknown)
        ]
        for _status, headers, _content in told:
            headers.pop("date")
        assert told[0] == told[1], path
    answers = [
        asked(child, "localhost", AUTODISCOVER, ASKED.format(who))[2]
        for who in (person.address, unknown)
    ]
    assert answers[0].replace(person.address.encode(), unknown.encode()) == answers[1]


def test_outlook_signs_in_by_what_it_was_told(child: Child, desk: Desk) -> None:
    person = desk.person()
    person.turn_on()
    made = person.app_password(["imap", "pop3", "submission"])
    question = ASKED.format(person.address)
    status, _headers, content = asked(child, "autodiscover.example.test", AUTODISCOVER, question)
    assert status == 200
    imap = facts(content)[0]
    assert (imap["Type"], imap["SSL"], imap["LoginName"]) == ("IMAP", "on", person.address)
    by = ssl.create_default_context(cafile=child.data / "tls" / "certificate.pem")
    with imaplib.IMAP4_SSL(imap["Server"], int(imap["Port"]), ssl_context=by) as program:
        assert program.login(imap["LoginName"], made.secret)[0] == "OK"
