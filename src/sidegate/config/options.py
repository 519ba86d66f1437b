"""The table of options: each section's keys, their kinds, defaults and help.

Everything else comes from it: typed access, the file written at the first start,
validation and its messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from sidegate.config import address_kinds, code_kinds, kinds
from sidegate.config.own_country import own_countries
from sidegate.config.rows import Option, option, rows


def languages() -> tuple[str, ...]:
    """Those that Sidegate speaks: English, and each that has a catalogue."""
    folder = Path(__file__).parent.parent / "locale"
    found = sorted(path.parent.parent.name for path in folder.glob("*/LC_MESSAGES/django.mo"))
    return ("en", *found)


@dataclass(frozen=True)
class Server:
    """The service as people see it."""

    url: str = option(
        address_kinds.web_address(bare=True),
        "http://localhost:8025",
        "how people reach the portal; plain http only on loopback",
    )
    name: str = option(
        kinds.title(), "Sidegate", "what pages, messages and refusals call the service"
    )
    keys: str = option(
        kinds.text('a folder or ""'),
        "",
        '"" = DIR/keys; every replica has a copy of the same folder',
    )
    webmail: str = option(
        address_kinds.web_address(bare=False),
        "",
        "where the Mail tile of the apps button leads; "
        '"" = a page that tells how to connect a mail program',
    )
    trusted_proxies: tuple[str, ...] = option(
        address_kinds.networks(), [], "peers whose X-Forwarded-For, PROXY or XCLIENT counts"
    )


@dataclass(frozen=True)
class Tls:
    """The certificate of the private mail server; the portal's https is a proxy's in front."""

    certificate: str = option(
        kinds.text('the path of a PEM file or ""'), "", '"" = self-signed in the data folder'
    )
    key: str = option(kinds.text('the path of a PEM file or ""'), "")


@dataclass(frozen=True)
class Listen:
    """Where to listen: "host:port", "unix:/path", or "" for off."""

    portal: str = option(address_kinds.endpoint(), "127.0.0.1:8025")
    imap: str = option(address_kinds.endpoint(), "127.0.0.1:2143")
    imaps: str = option(address_kinds.endpoint(), "127.0.0.1:2993")
    pop3: str = option(address_kinds.endpoint(), "127.0.0.1:2110")
    pop3s: str = option(address_kinds.endpoint(), "127.0.0.1:2995")
    submission: str = option(address_kinds.endpoint(), "127.0.0.1:2587")
    submissions: str = option(address_kinds.endpoint(), "127.0.0.1:2465")
    dovecot_client: tuple[str, ...] = option(
        address_kinds.endpoints(),
        ["unix:run/auth-client.sock"],
        "relative to the data folder; more for Postfix, a chroot, TCP on loopback",
    )
    dovecot_master: str = option(address_kinds.endpoint(), "unix:run/auth-master.sock")
    socket_group: str = option(
        kinds.text('the name of a group or ""'),
        "",
        'group of the Unix sockets; "" = the group Sidegate runs as; '
        "for the private Dovecot, its own",
    )
    socket_mode: int = option(kinds.file_mode(), "0660")
    http: str = option(
        address_kinds.endpoint(),
        "127.0.0.1:2026",
        "nginx auth_http, JSON verify, metrics: never public",
    )


@dataclass(frozen=True)
class Clients:
    """What people type into a mail program; "" = from server.url and [listen]."""

    imap: str = option(address_kinds.client_server(), "", '"mail.example.test:993 TLS"')
    pop3: str = option(address_kinds.client_server(), "")
    submission: str = option(address_kinds.client_server(), "")
    domains: tuple[str, ...] = option(
        address_kinds.domains(), [], "[] = the domains of the accounts"
    )


@dataclass(frozen=True)
class Mailserver:
    """The private Dovecot."""

    private: bool = option(kinds.yes_or_no(), True, "start the private Dovecot")  # noqa: FBT003
    user: str = option(
        kinds.text('the name of a user or ""'),
        "",
        'started as root, mail processes run as this user; "" = one that Dovecot brought',
    )
    front: bool = option(
        kinds.yes_or_no(),
        False,  # noqa: FBT003 - the default
        "the private Dovecot keeps no mail: it goes on to the servers of [upstream]",
    )


@dataclass(frozen=True)
class Database:
    """Where everything but mail and keys is kept."""

    url: str = option(
        address_kinds.database(), "", '"" = SQLite in the data folder, or postgresql://…'
    )


@dataclass(frozen=True)
class Directory:
    """Where account passwords are judged."""

    source: str = option(kinds.one_of("own", "dovecot"), "own", "own | dovecot")
    auth: str = option(
        address_kinds.endpoint(), "", 'with dovecot: "unix:/run/dovecot/auth-client" or "host:port"'
    )
    userdb: str = option(
        address_kinds.endpoint(), "", 'with dovecot: "unix:/run/dovecot/sidegate-userdb"'
    )
    masters: tuple[str, ...] = option(
        kinds.names(), [], "with dovecot: its master users who may sign in as anybody (anna*master)"
    )


@dataclass(frozen=True)
class Doveadm:
    """How the operator's own Dovecot is told to end open connections."""

    url: str = option(
        address_kinds.private_web_address(),
        "",
        'its doveadm HTTP API: "unix:/run/dovecot/http" or "http://127.0.0.1:8080"; "" = not told',
    )
    api_key: str = option(kinds.header_text(), "", "its doveadm_api_key")


@dataclass(frozen=True)
class Policy:
    """Who is let in, and how refusals look."""

    mode: str = option(
        kinds.one_of("enforce", "observe"),
        "enforce",
        "enforce | observe: nobody is refused for 2-step, only seen",
    )
    enforce_for: tuple[str, ...] = option(
        address_kinds.addresses(),
        [],
        'with enforce: ["anna@example.test", "@example.org"] alone; [] = everybody',
    )
    account_password_for_mail: str = option(
        kinds.one_of("until-2-step", "always-app-password"),
        "until-2-step",
        "until-2-step | always-app-password",
    )
    grace_days: int = option(
        kinds.whole_number(0, 14),
        0,
        "days for which owners may let programs go on with the account password",
    )
    refusal_delay: float = option(
        kinds.seconds(10), 2.0, "seconds after arrival at which every refusal leaves"
    )
    refusal_language: str = option(
        kinds.one_of(*languages()),
        "en",
        "one for the installation: a refusal tells nothing about the account",
    )


@dataclass(frozen=True)
class Upstream:
    """The mail server behind nginx, or behind the private Dovecot as a front."""

    imap: str = option(
        address_kinds.address(),
        "",
        '"127.0.0.1:143"; "" = the private Dovecot, which asks once more',
    )
    pop3: str = option(address_kinds.address(), "")
    submission: str = option(address_kinds.address(), "")
    user: str = option(
        kinds.name_with("{account}"),
        "{account}",
        'as whom; "{account}*gate" = through the master user gate',
    )
    submission_xclient: bool = option(
        kinds.yes_or_no(),
        False,  # noqa: FBT003 - the default
        "with mailserver.front: a Postfix that believes XCLIENT from here needs no password",
    )
    password: str = option(
        kinds.header_text(),
        "",
        '"" = the password that was given; otherwise one for all, such as the master user\'s',
    )


@dataclass(frozen=True)
class Codes:
    """How one-time codes reach people."""

    sms: tuple[str, ...] = option(
        kinds.senders(), "screen", "screen, or a gateway of a [gateway.NAME] section"
    )
    voice: tuple[str, ...] = option(
        kinds.senders(), "screen", "each a name, or a list of names in the order to try; [] = off"
    )
    countries: tuple[str, ...] = option(
        code_kinds.countries(),
        own_countries(),
        'whose numbers may be added, your own first: ["LV", "LT"]; ["LV", "*"] or [] = every '
        "country's; at first that of this machine's time zone, [] where that tells none",
    )
    daily_most: int = option(
        kinds.whole_number(1, 1_000_000),
        1000,
        "codes in all within 24 hours; then none is sent, and you are told",
    )
    daily_spend: float = option(
        code_kinds.amount(), 0, "the same for what they cost by prices; 0 = not looked at"
    )
    prices: Mapping[str, float] = option(
        code_kinds.prices(), {}, 'of one text message or call: { LV = 0.04, "*" = 0.10 }'
    )


@dataclass(frozen=True)
class AppPasswords:
    """What new app passwords look like."""

    length: int = option(
        kinds.one_number_of(16, 20, 24, 32),
        16,
        "16, 20, 24 or 32; all lengths ever used stay accepted",
    )


@dataclass(frozen=True)
class Notices:
    """How the owner of an account is told by mail what happened to it."""

    smtp: str = option(
        address_kinds.mail_relay(),
        "",
        '"mail.example.test:465 TLS", "mail.example.test:587 STARTTLS", or "127.0.0.1:25"; '
        '"" = through the private Dovecot, without one on her pages only',
    )
    user: str = option(kinds.header_text(), "", '"" = without signing in')
    password: str = option(kinds.header_text(), "")
    from_address: str = option(
        address_kinds.mail_address(),
        "",
        'whom messages are from; "" = no-reply@ and the portal\'s host',
    )
    ask_directory: bool = option(
        kinds.yes_or_no(),
        False,  # noqa: FBT003
        "with [directory] dovecot: ask it, after the refusal, whether a refused password was "
        "right; it may count that against the account",
    )


@dataclass(frozen=True)
class Sections:
    """All sections; the names of its fields are those in the file."""

    server: Server = field(default_factory=Server)
    tls: Tls = field(default_factory=Tls)
    listen: Listen = field(
        default_factory=Listen, metadata={"help": '"host:port", "unix:/path", or "" for off'}
    )
    clients: Clients = field(
        default_factory=Clients,
        metadata={
            "help": 'what people type into a mail program; "" = from server.url and [listen]'
        },
    )
    mailserver: Mailserver = field(default_factory=Mailserver)
    database: Database = field(default_factory=Database)
    directory: Directory = field(default_factory=Directory)
    doveadm: Doveadm = field(
        default_factory=Doveadm,
        metadata={"help": "how your own Dovecot is told to end open connections"},
    )
    policy: Policy = field(default_factory=Policy)
    upstream: Upstream = field(
        default_factory=Upstream,
        metadata={"help": "the mail server behind nginx (auth_http) or behind the front"},
    )
    codes: Codes = field(default_factory=Codes)
    app_passwords: AppPasswords = field(default_factory=AppPasswords)
    notices: Notices = field(
        default_factory=Notices,
        metadata={"help": "how the owner of an account is told by mail what happened to it"},
    )


def sections() -> tuple[Field[Any], ...]:
    """The sections, in the order of the file."""
    return fields(Sections)


def options(section: Field[Any]) -> Iterator[Option]:
    """The rows of one section, in the order of the file."""
    return rows(section.name, cast("type", section.default_factory))
