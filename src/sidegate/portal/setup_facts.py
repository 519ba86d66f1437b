"""What a device needs to be told, and where it is typed in."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sidegate.config import ClientServer
from sidegate.pages.context import context


class Fact(NamedTuple):
    """One thing to type into a mail program."""

    id: str
    label: Promise
    value: str
    copy: Promise
    """The name of its copy button."""
    port: int | None = None
    security: Promise | None = None


_SECURITY: dict[str, Promise] = {
    "TLS": _("SSL/TLS"),
    "STARTTLS": _("STARTTLS"),
}
_PROTOCOLS: dict[str, tuple[Promise, Promise]] = {
    "imap": (_("Incoming server (IMAP)"), _("Copy server name")),
    "pop3": (_("Incoming server (POP3)"), _("Copy POP3 server name")),
    "submission": (_("Outgoing server (SMTP)"), _("Copy outgoing server name")),
}
_HEADINGS: dict[str, Promise] = {
    "windows": _("Put it into Outlook on Windows"),
    "mac": _("Put it into Mail on your Mac"),
    "iphone": _("Put it into Mail on your iPhone"),
    "ipad": _("Put it into Mail on your iPad"),
    "android": _("Put it into the mail app on Android"),
    "printer": _("Put it into your scanner or printer"),
    "backup": _("Put it into your backup program"),
    "other": _("Put it into your mail program"),
}
_APPLE_STEPS = (
    _("Open Settings, Apps, Mail, Mail Accounts, Add Account, Other, Add Mail Account."),
    _("Type your name, your address and the app password, then press Next."),
    _("Choose IMAP and type the servers below, with the same user name and app password for both."),
)
_STEPS: dict[str, tuple[Promise, ...]] = {
    "windows": (
        _(
            "If Outlook keeps asking for a password: paste the app password there, tick "
            "Remember my credentials, and press OK. That is all."
        ),
        _(
            "For a new account: File, Add Account, type your address, open Advanced options, "
            "tick Let me set up my account manually, press Connect, choose IMAP."
        ),
        _("Type the servers, ports and encryption below, and press Next."),
        _("When Outlook asks for a password, paste the app password, and press Connect."),
    ),
    "mac": (
        _("Open Mail, Add Account, Other Mail Account."),
        _("Type your name, your address and the app password, then press Sign In."),
        _("Where Mail asks for more, choose IMAP and type the servers below."),
    ),
    "iphone": _APPLE_STEPS,
    "ipad": _APPLE_STEPS,
    "android": (
        _("Open the mail app, add an account, and choose Other or Personal (IMAP)."),
        _("Type your address, and paste the app password where a password is asked for."),
        _("Type the servers below, if the app does not find them itself."),
    ),
    "printer": (
        _("Open the printer's own page in a browser, and there the settings for email (SMTP)."),
        _("Type the outgoing server, its port and encryption, and turn authentication on."),
        _("Give your address as user name and as sender, and the app password as password."),
    ),
    "backup": (
        _("Type the server, port and encryption below into the backup program."),
        _("Give your address as user name, and the app password as password. It only reads."),
    ),
    "other": (
        _("Where the program asks for your password, paste the app password."),
        _("For a new account, choose IMAP and type the servers below."),
    ),
}


def facts(*, scopes: Collection[str], address: str) -> list[Fact]:
    """What is to be typed in: a server to read from, one to send by, and the name."""
    servers = {
        server.protocol: server
        for server in context().config.client_settings()
        if server.protocol in scopes
    }
    reading = "imap" if "imap" in servers else "pop3"
    shown = [_fact(servers[one]) for one in (reading, "submission") if one in servers]
    login = Fact("fact-login", _("User name"), address, _("Copy user name"))
    return [*shown, login]


def all_facts(*, address: str) -> list[Fact]:
    """Everything there is, for a mail program of any kind."""
    servers = [_fact(server) for server in context().config.client_settings()]
    return [*servers, Fact("fact-login", _("User name"), address, _("Copy user name"))]


def heading(*, device: str) -> Promise:
    """The heading over the steps."""
    return _HEADINGS[device]


def steps(*, device: str) -> tuple[Promise, ...]:
    """What to do on the device, one step after the other."""
    return _STEPS[device]


def _fact(server: ClientServer) -> Fact:
    label, copy = _PROTOCOLS[server.protocol]
    return Fact(
        id=f"fact-{server.protocol}",
        label=label,
        value=server.host,
        copy=copy,
        port=server.port,
        security=_SECURITY[server.security],
    )
