"""The options of gateways: what is taken, what is refused and how, and that secrets stay hidden."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sidegate.config import ConfigError, load_config
from sidegate.config.gateways import KINDS
from sidegate.config.rows import rows

SECRET = "zebra-55"
KANNEL = f"""
[gateway.kannel]
url = "http://127.0.0.1:13013/cgi-bin/sendsms"
username = "me"
password = "{SECRET}"
sender = "Example"
"""
SMPP = f"""
[gateway.smpp]
server = "smsc.example.test:2775"
system_id = "me"
password = "{SECRET}"
sender = "Example"
"""
GAMMU = """
[gateway.gammu]
outbox = "/var/spool/gammu/outbox"
sent = "/var/spool/gammu/sent"
errors = "/var/spool/gammu/error"
"""
ANDROID = f"""
[gateway.android]
url = "http://192.168.1.9:8080/message"
username = "sms"
password = "{SECRET}"
"""
TWILIO = f"""
[gateway.twilio]
account = "AC0123"
password = "{SECRET}"
sender = "+37120000001"
"""
SIP = f"""
[gateway.sip]
server = "sip.example.test:5060"
username = "me"
password = "{SECRET}"
"""
HTTP = """
[gateway.http]
url = "https://sms.example.test/send?to={digits}"
headers = { Authorization = "Bearer zebra-55" }
body = '{"message": "{text}"}'
"""
ALL = {
    "smpp": SMPP,
    "kannel": KANNEL,
    "gammu": GAMMU,
    "android": ANDROID,
    "sip": SIP,
    "twilio": TWILIO,
    "http": HTTP,
    "apprise": f'[gateway.apprise]\nurl = "json://me:{SECRET}@127.0.0.1:1/{{digits}}"\n',
    "exec": '[gateway.exec]\ncommand = ["/usr/bin/send"]\n',
}


def load(folder: Path, toml: str) -> object:
    (folder / "sidegate.toml").write_text(toml)
    return load_config(folder)


@pytest.mark.parametrize("kind", list(ALL))
def test_each_kind_is_taken_with_what_it_needs(tmp_path: Path, kind: str) -> None:
    channel = KINDS[kind].channels[0]
    config = load(tmp_path, f'[codes]\n{channel} = "{kind}"\ncountries = ["LV"]\n{ALL[kind]}')
    assert SECRET not in repr(config)


def test_these_are_all_kinds() -> None:
    assert set(ALL) == set(KINDS)


@pytest.mark.parametrize("kind", list(KINDS))
def test_each_password_is_marked_secret(kind: str) -> None:
    secret = {row.key for row in rows(kind, KINDS[kind]) if row.kind.secret}
    known = {row.key for row in rows(kind, KINDS[kind])}
    hidden = {"password", "headers", "body", "proxy"} | ({"url"} if kind == "apprise" else set())
    assert secret == known & hidden


@pytest.mark.parametrize(
    ("toml", "old", "new", "said"),
    [
        (KANNEL, "http://127.0.0.1:13013", "http://sms.example.test", "plain http would show"),
        (KANNEL, "http://127.0.0.1:13013", "http://9.9.9.9", "plain http would show"),
        (KANNEL, "http://", "ftp://", "[gateway.kannel] url"),
        (KANNEL, 'sender = "Example"', 'sender = ""', "1 to 20"),
        (KANNEL, 'sender = "Example"', 'sender = "Piemērs"', "1 to 20"),
        (KANNEL, 'sender = "Example"', "", "sender is missing"),
        (SMPP, SECRET, "zebra-too-long", "password = this value is not allowed"),
        (SMPP, '"Example"', '"Example mail"', "more than 11 characters"),
        (SMPP, ":2775", "", '"host:port"'),
        (SMPP, "[gateway.smpp]", '[gateway.smpp]\nalphabet = "ascii"', '"gsm" or "latin-1"'),
        (GAMMU, "spool/gammu/error", "spool/gammu/sent", "are not three folders"),
        (GAMMU, '"/var/spool/gammu/outbox"', '"outbox"', "the whole path"),
        (ANDROID, f'"{SECRET}"', "3", "password = this value is not allowed"),
        (
            TWILIO,
            "[gateway.twilio]",
            '[gateway.twilio]\nurl = "http://twilio.example.test"',
            "http",
        ),
        (SIP, ":5060", "", '"host:port"'),
        (SIP, 'username = "me"', 'username = "<me>"', "letters, digits and any of"),
        (SIP, f'"{SECRET}"', f'"{SECRET};x=1"', "password = this value is not allowed"),
        (SIP, 'username = "me"', 'caller = "me"', "username and password go together"),
        (SIP, f'username = "me"\npassword = "{SECRET}"', "", "caller is missing"),
        (SIP, "[gateway.sip]", '[gateway.sip]\ndial = "{code}"', "{code} goes into the body alone"),
        (SIP, "[gateway.sip]", '[gateway.sip]\ndial = "112"', '"{number}", or'),
        (SIP, "[gateway.sip]", '[gateway.sip]\ndial = "{number}@x"', '"{number}", or'),
        (SIP, "[gateway.sip]", '[gateway.sip]\ntransport = "tls"', '"udp" or "tcp"'),
        (SIP, "[gateway.sip]", "[gateway.sip]\ncalls = 0", "calls"),
        (TWILIO, "[gateway.twilio]", "[gateway.twilio]\nvoices = { lv = 3 }", "voices"),
        (HTTP, "{digits}", "{text}", "{text} goes into the body alone"),
        (HTTP, "{digits}", "{code}", "{code} goes into the body alone"),
        (HTTP, "{digits}", "{numbr}", "there is no {numbr}"),
        (HTTP, "https://sms", "https://{digits}", "url"),
        (HTTP, "Bearer", "{code}", "{code} goes into the body alone"),
        (HTTP, "Authorization", '"Content-Type"', "headers = this value is not allowed"),
        (HTTP, "{text}", "{language}", "neither {text} nor {code}"),
        (HTTP, '"{text}"', "{text}", "body is no JSON"),
        (HTTP, "\"}'", "\"'", "body is no JSON"),
        (HTTP, "headers", 'content_type = "image/png"\nheaders', "application/json"),
        (HTTP, "headers", "success_status = [500]\nheaders", "200 to 299"),
        (ALL["apprise"], "{digits}", "{code}", "{code} goes into the body alone"),
        (ALL["apprise"], "{digits}", "+37120000007", "url = this value is not allowed"),
        (HTTP, "headers", 'method = "GET"\nheaders', '"POST" or "PUT"'),
    ],
)
def test_what_cannot_work_is_refused(
    tmp_path: Path, toml: str, old: str, new: str, said: str
) -> None:
    assert old in toml
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, toml.replace(old, new))
    assert said in str(caught.value)
    assert "[gateway." in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "zebra" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://sms.example.test/x",
        "http://localhost:1/x",
        "http://10.1.2.3/x",
        "http://[fd00::1]:8080/x",
        "http://kannel:13013/x",
    ],
)
def test_plain_http_is_for_the_own_network(tmp_path: Path, url: str) -> None:
    load(tmp_path, KANNEL.replace("http://127.0.0.1:13013/cgi-bin/sendsms", url))


def test_a_body_may_be_a_form(tmp_path: Path) -> None:
    form = "content_type = 'application/x-www-form-urlencoded'\nbody = 'to={number}&text={text}'"
    load(tmp_path, HTTP.replace('body = \'{"message": "{text}"}\'', form))


def test_apprise_is_no_part_of_sidegate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match="needs the Python package apprise"):
        load(tmp_path, ALL["apprise"])
