"""The lines for a front: the private Dovecot before a mail server that cannot be changed."""

from __future__ import annotations

from collections.abc import Iterator

from sidegate.config import Config
from sidegate.connect.lines import Block, Plan
from sidegate.connect.places import Sidegate

_PROTOCOLS = {"imap": 143, "pop3": 110, "submission": 587}
_MASTER = "gate"
_XCLIENT = "127.0.0.1:10587/inet"
_POSTFIX = (
    "smtpd_authorized_xclient_hosts = 127.0.0.1",
    "smtpd_sasl_auth_enable = yes",
    # XCLIENT's LOGIN counts only where signing in is possible, and the front brings no TLS.
    "smtpd_tls_auth_only = no",
    # `postconf -P` takes no space in a value.
    "smtpd_relay_restrictions = permit_sasl_authenticated,reject",
)


def plan(sidegate: Sidegate) -> Plan:
    """Everything for a front on this machine."""
    config = sidegate.config
    file = str(config.file)
    ours = Block(
        "Sidegate goes on to your mail server: set these, then restart Sidegate",
        "set",
        tuple(_ours(config)),
        file,
    )
    there = Block(
        "Where that server is a Dovecot and you may add this: a master user, and who is believed",
        "set",
        tuple(_there()),
        "its own Dovecot's configuration",
    )
    postfix = Block(
        "Where its submission is a Postfix: a port for the front alone, which needs no password",
        "run",
        (
            f"postconf -M '{_XCLIENT}=127.0.0.1:10587 inet n - y - - smtpd'",
            *(f"postconf -P '{_XCLIENT}/{one}'" for one in _POSTFIX),
            "postfix reload",
        ),
    )
    undo = Block(
        "The private Dovecot keeps its own mail again: set this, then restart Sidegate",
        "set",
        ("[mailserver]", "front = false"),
        file,
    )
    closed = Block(
        "Where its Postfix has the port for the front: close it",
        "run",
        (f"postconf -MX '{_XCLIENT}'", "postfix reload"),
    )
    return Plan("front", (ours, there, postfix), (undo, closed), notes=_NOTES)


_NOTES = (
    "Put the addresses of your own mail server for 127.0.0.1; the front speaks to it without TLS:",
    "keep that on this machine, or inside a tunnel of your own.",
    "Whoever reaches that server directly goes around Sidegate: close its ports to everybody else.",
)


def _ours(config: Config) -> Iterator[str]:
    yield "[mailserver]"
    yield "front = true"
    yield ""
    yield "[upstream]"
    for protocol, port in _PROTOCOLS.items():
        endpoint = getattr(config.upstream, protocol) or f"127.0.0.1:{port}"
        yield f'{protocol} = "{endpoint}"'
    user = config.upstream.user
    yield f'user = "{user if user != "{account}" else "{account}*" + _MASTER}"'
    # The one that is set is not printed: it is nobody's to read here.
    yield 'password = "the password of that master user"'
    if config.upstream.submission_xclient:
        yield "submission_xclient = true"


def _there() -> Iterator[str]:
    yield "auth_master_user_separator = *"
    yield "login_trusted_networks = 127.0.0.1"
    yield from ("passdb {", "  driver = passwd-file", "  args = /etc/dovecot/sidegate-masters")
    yield from ("  master = yes", "  result_success = continue", "}")
