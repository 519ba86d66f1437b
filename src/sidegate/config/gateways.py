"""The gateways that carry codes: for each kind the options of a `[gateway.NAME]` section.

`kind` says which of `KINDS` a section is; left out, it is the section's own name.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from sidegate.config import gateway_kinds, kinds
from sidegate.config.rows import option, required
from sidegate.config.templates import ESCAPES, OPEN_PLACES, SECRET_PLACES, fill

GATEWAY = "gateway"
"""The section that holds all of them."""
SCREEN = "screen"
"""The gateway that is always there and has no options."""

_LONGEST_NAME = 11


class GatewayOptions:
    """What all kinds have in common."""

    channels: ClassVar[tuple[str, ...]] = ("sms",)
    """What it can carry: "sms", "voice", or both."""

    def problem(self) -> str | None:
        """What is wrong between its options, said to follow the name of the section."""
        return None


@dataclass(frozen=True, kw_only=True)
class Exec(GatewayOptions):
    """A program of the operator's, run once for each code."""

    channels: ClassVar[tuple[str, ...]] = ("sms", "voice")
    command: tuple[str, ...] = required(
        kinds.command(), "the text comes on its standard input, the number as SIDEGATE_NUMBER"
    )


@dataclass(frozen=True, kw_only=True)
class Smpp(GatewayOptions):
    """An SMS centre, by SMPP 3.4."""

    server: str = required(gateway_kinds.server(), "the SMS centre, such as port 2775")
    tls: bool = option(kinds.yes_or_no(), False, "TLS from the first byte on")  # noqa: FBT003 - the file's default
    system_id: str = required(gateway_kinds.word(15), "the name to bind with")
    password: str = required(gateway_kinds.password(8))
    system_type: str = option(gateway_kinds.word_or_none(12), "", "where the centre asks for one")
    sender: str = required(
        gateway_kinds.word(20), "whom the message is from: a number, or 11 letters and digits"
    )
    alphabet: str = option(
        kinds.one_of("gsm", "latin-1"),
        "gsm",
        "what the centre takes its default alphabet (data_coding 0) to be",
    )

    def problem(self) -> str | None:
        """A name is shorter than a number."""
        if not self.sender.lstrip("+").isdigit() and len(self.sender) > _LONGEST_NAME:
            return f"sender is a name of more than {_LONGEST_NAME} characters, the most in an SMS"
        return None


@dataclass(frozen=True, kw_only=True)
class Kannel(GatewayOptions):
    """Kannel's smsbox."""

    url: str = required(
        gateway_kinds.url(), 'its sendsms service: "http://127.0.0.1:13013/cgi-bin/sendsms"'
    )
    username: str = required(gateway_kinds.word(100), "of its group sendsms-user")
    password: str = required(gateway_kinds.password())
    sender: str = required(gateway_kinds.word(20), "whom the message is from")
    one_line: bool = option(
        kinds.yes_or_no(),
        False,  # noqa: FBT003 - the file's default
        "send the first line alone, where a text is cut at its line ends",
    )
    proxy: str = option(gateway_kinds.proxy(), "")


@dataclass(frozen=True, kw_only=True)
class Gammu(GatewayOptions):
    """Gammu's SMS daemon with its files backend."""

    outbox: str = required(gateway_kinds.folder(), "its outboxpath")
    sent: str = required(gateway_kinds.folder(), "its sentsmspath, another folder")
    errors: str = required(gateway_kinds.folder(), "its errorsmspath, another folder")

    def problem(self) -> str | None:
        """Three folders, or nothing can be learnt from where a file went."""
        if len({self.outbox, self.sent, self.errors}) < 3:  # noqa: PLR2004 - all of them
            return "outbox, sent and errors are not three folders; set them so in gammu-smsdrc too"
        return None


@dataclass(frozen=True, kw_only=True)
class Android(GatewayOptions):
    """An Android phone, with the app "SMS Gateway for Android"."""

    url: str = required(
        gateway_kinds.url(),
        'where messages are posted: "http://192.0.2.8:8080/message", '
        'or "https://api.sms-gate.app/3rdparty/v1/messages"',
    )
    username: str = required(gateway_kinds.word(100))
    password: str = required(gateway_kinds.password())
    proxy: str = option(gateway_kinds.proxy(), "")


@dataclass(frozen=True, kw_only=True)
class Sip(GatewayOptions):
    """Phone calls through a SIP server."""

    channels: ClassVar[tuple[str, ...]] = ("voice",)
    server: str = required(gateway_kinds.server(), "the SIP server, such as port 5060")
    transport: str = option(kinds.one_of("udp", "tcp"), "udp")
    username: str = option(
        gateway_kinds.sip_word_or_none(), "", 'the name to register with; "" = no registration'
    )
    password: str = option(gateway_kinds.sip_password_or_none(), "")
    caller: str = option(
        gateway_kinds.sip_word_or_none(), "", 'whom a call is from; "" = the username'
    )
    dial: str = option(
        gateway_kinds.dialled(), "{number}", 'what is dialled: "{number}" is +371…, "00{digits}"'
    )
    calls: int = option(kinds.whole_number(1, 50), 2, "at most so many at the same time")

    def problem(self) -> str | None:
        """A call is from somebody; a name and its password go together."""
        if bool(self.username) != bool(self.password):
            return "username and password go together; allowed: both, or neither"
        if not self.caller and not self.username:
            return "caller is missing; allowed: the number that calls are from"
        return None


@dataclass(frozen=True, kw_only=True)
class Twilio(GatewayOptions):
    """Twilio, or a provider with the same API."""

    channels: ClassVar[tuple[str, ...]] = ("sms", "voice")
    url: str = option(gateway_kinds.url(), "https://api.twilio.com", "without the path /2010-04-01")
    account: str = required(gateway_kinds.word(64), "the account's id, AC…")
    username: str = option(
        gateway_kinds.word_or_none(64), "", 'the id of an API key, SK…; "" = the account'
    )
    password: str = required(gateway_kinds.password(), "the key's secret, or the account's token")
    sender: str = required(
        gateway_kinds.word(64),
        "a number (calls take nothing else), a name, or a messaging service's id, MG…",
    )
    voices: tuple[tuple[str, str], ...] = option(
        gateway_kinds.voices(),
        {
            "ar": "Google.ar-XA-Standard-A",
            "et": "Google.et-EE-Chirp3-HD-Aoede",
            "lt": "Google.lt-LT-Standard-B",
            "lv": "Google.lv-LV-Standard-B",
        },
        "by language; else its own",
    )
    proxy: str = option(gateway_kinds.proxy(), "")


@dataclass(frozen=True, kw_only=True)
class Http(GatewayOptions):
    """Any gateway that takes a message by HTTP, by a template."""

    channels: ClassVar[tuple[str, ...]] = ("sms", "voice")
    method: str = option(kinds.one_of("POST", "PUT"), "POST")
    url: str = required(gateway_kinds.url(template=True), "may hold {number}, {digits}, {id}")
    headers: tuple[tuple[str, str], ...] = option(
        gateway_kinds.headers(), {}, '{ Authorization = "Bearer …" }'
    )
    username: str = option(gateway_kinds.word_or_none(100), "", '"" = no basic authentication')
    password: str = option(gateway_kinds.password_or_none(), "")
    content_type: str = option(kinds.one_of(*ESCAPES), "application/json", "how values are written")
    body: str = required(
        gateway_kinds.body(), 'such as \'{"to": "{number}", "message": "{text}"}\''
    )
    success_status: tuple[int, ...] = option(gateway_kinds.statuses(), [], "[] = 200 to 299")
    success_text: str = option(
        kinds.text(), "", "what the answer holds too where it went well, such as an OK"
    )
    one_line: bool = option(
        kinds.yes_or_no(),
        False,  # noqa: FBT003 - the file's default
        "send the first line alone, where a text is cut at its line ends",
    )
    proxy: str = option(gateway_kinds.proxy(), "")

    def problem(self) -> str | None:
        """A body of JSON is JSON whatever is filled in."""
        if self.content_type != "application/json":
            return None
        values = dict.fromkeys(OPEN_PLACES, "0") | dict.fromkeys(SECRET_PLACES, '"\n')
        try:
            json.loads(fill(self.body, values, ESCAPES[self.content_type]))
        except ValueError:
            return (
                "body is no JSON once it is filled in; allowed: JSON with {text} and {code} "
                "inside quotes, or another content_type"
            )
        return None


@dataclass(frozen=True, kw_only=True)
class Apprise(GatewayOptions):
    """One of the services that Apprise knows."""

    url: str = required(
        gateway_kinds.apprise_url(), 'such as "sinch://spi:token@+37120000001/{number}"'
    )

    def problem(self) -> str | None:
        """The package is no part of Sidegate's own."""
        if importlib.util.find_spec("apprise") is None:
            return (
                "needs the Python package apprise, which is not installed; "
                "allowed once it is: .venv/bin/python3 -m pip install apprise"
            )
        return None


KINDS: Mapping[str, type[GatewayOptions]] = MappingProxyType(
    {
        "smpp": Smpp,
        "kannel": Kannel,
        "gammu": Gammu,
        "android": Android,
        "sip": Sip,
        "twilio": Twilio,
        "http": Http,
        "exec": Exec,
        "apprise": Apprise,
    }
)
