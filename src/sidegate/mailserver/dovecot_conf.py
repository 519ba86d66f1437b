"""The private Dovecot's configuration file, made from plain values (Dovecot 2.3)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sidegate.mailserver.errors import MailServerError

Address = tuple[str, int]

MAX_SOCKET_PATH = 107
"""Bytes in the path of a Unix socket (sun_path without its closing NUL)."""

MAX_MESSAGE = 25 * 1024 * 1024
"""Bytes in a message that submission takes."""

MAX_RECIPIENTS = 100
"""Recipients of one message."""

LONGEST_SOCKET_NAME = "token-login/imap-urlauth"
"""The longest name that Dovecot puts below its base folder."""


@dataclass(frozen=True, kw_only=True)
class Listeners:
    """Where each service listens; `None` is off."""

    imap: Address | None = None
    imaps: Address | None = None
    pop3: Address | None = None
    pop3s: Address | None = None
    submission: Address | None = None
    submissions: Address | None = None

    def open(self) -> dict[str, Address]:
        """Return the services that are on, by name."""
        return {name: address for name, address in vars(self).items() if address is not None}


@dataclass(frozen=True, kw_only=True)
class Relay:
    """Where submission hands its mail to, and this run's secret for it."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class DovecotSettings:
    """Everything that the configuration depends on."""

    listeners: Listeners
    certificate: Path
    key: Path
    client_socket: Path
    master_socket: Path
    base: Path
    relay: Relay
    user: str
    group: str
    uid: int
    hostname: str = "localhost"

    @property
    def lmtp_socket(self) -> Path:
        """Where Dovecot takes mail for delivery."""
        return self.base / "lmtp"


def render(settings: DovecotSettings) -> str:
    """Return the text of the configuration; it holds this run's relay secret."""
    _check_paths(settings)
    return "\n".join([*_general(settings), *_services(settings), _MAILBOXES])


def write_private(path: Path, data: bytes, *, owner: tuple[int, int] | None) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        if owner is not None:
            os.fchown(file.fileno(), *owner)
    new.replace(path)


def too_long_for_sockets(base: Path) -> bool:
    """Whether a base folder is too long for the sockets that Dovecot puts below it."""
    return len(os.fsencode(base / LONGEST_SOCKET_NAME)) > MAX_SOCKET_PATH


def _check_paths(settings: DovecotSettings) -> None:
    if too_long_for_sockets(settings.base):
        raise MailServerError(
            f"{settings.base} is too long for Unix sockets ({MAX_SOCKET_PATH} bytes with "
            f"{LONGEST_SOCKET_NAME}): use a shorter data folder"
        )
    for socket in (settings.client_socket, settings.master_socket):
        if len(os.fsencode(socket)) > MAX_SOCKET_PATH:
            raise MailServerError(
                f"{socket} is too long for a Unix socket ({MAX_SOCKET_PATH} bytes)"
            )
        if any(character.isspace() for character in str(socket)):
            raise MailServerError(
                f"{str(socket)!r} holds a space: Dovecot cannot be given such a socket"
            )


def _quoted(value: object) -> str:
    """Quote a value so that it means itself in Dovecot's configuration."""
    text = str(value)
    if not text.isprintable():
        raise MailServerError(f"{text!r} cannot stand in Dovecot's configuration")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _protocols(listeners: Listeners) -> str:
    names = {name.removesuffix("s") for name in listeners.open()}
    return " ".join(["lmtp", *sorted(names)])


def _general(settings: DovecotSettings) -> list[str]:
    return [
        f"base_dir = {_quoted(settings.base)}",
        f"state_dir = {_quoted(settings.base)}",
        f"default_internal_user = {_quoted(settings.user)}",
        f"default_internal_group = {_quoted(settings.group)}",
        f"default_login_user = {_quoted(settings.user)}",
        f"first_valid_uid = {settings.uid}",
        f"last_valid_uid = {settings.uid}",
        f"protocols = {_protocols(settings.listeners)}",
        f"hostname = {_quoted(settings.hostname)}",
        f"auth_socket_path = {_quoted(settings.master_socket)}",
        # A leading < reads the file; the quotes belong behind it to nobody, so none are there.
        f"ssl_cert = <{_file(settings.certificate)}",
        f"ssl_key = <{_file(settings.key)}",
        f"submission_max_mail_size = {MAX_MESSAGE}",
        f"submission_max_recipients = {MAX_RECIPIENTS}",
        f"submission_relay_host = {_quoted(settings.relay.host)}",
        f"submission_relay_port = {settings.relay.port}",
        f"submission_relay_user = {_quoted(settings.relay.user)}",
        f"submission_relay_password = {_quoted(settings.relay.secret)}",
        _FIXED,
    ]


def _file(path: Path) -> str:
    text = str(path)
    if not text.isprintable() or text != text.strip() or '"' in text or "#" in text:
        raise MailServerError(f"{text!r} cannot stand in Dovecot's configuration")
    return text


def _services(settings: DovecotSettings) -> Iterator[str]:
    opened = settings.listeners.open()
    for protocol in ("imap", "pop3", "submission"):
        if protocol in opened or protocol + "s" in opened:
            yield f"service {protocol}-login {{"
            yield f"  executable = {protocol}-login {settings.client_socket}"
            yield from _listener(protocol, opened.get(protocol), tls=False)
            yield from _listener(protocol + "s", opened.get(protocol + "s"), tls=True)
            yield _LOGIN_SERVICE
            yield "}"
            yield f"service {protocol} {{"
            yield f"  executable = {protocol} -a {settings.master_socket}"
            yield _SESSION_SERVICE
            yield "}"
    yield "service lmtp {"
    yield f"  unix_listener {settings.lmtp_socket.name} {{"
    yield "    mode = 0600"
    yield "  }"
    yield "}"


def _listener(name: str, address: Address | None, *, tls: bool) -> Iterator[str]:
    yield f"  inet_listener {name} {{"
    if address is None:
        yield "    port = 0"
    else:
        host, port = address
        yield f"    address = {_quoted(host or '*')}"
        yield f"    port = {port}"
        yield f"    ssl = {'yes' if tls else 'no'}"
    yield "  }"


# Secrets are never logged: every auth_*, *_debug and rawlog setting stays at its default, off,
# which is said once more for the ones that people switch on.
_FIXED = """\
log_path = /dev/stderr
log_timestamp =
# Without the login: people type passwords there.
login_log_format_elements = method=%m rip=%r lip=%l mpid=%e %c session=<%{session}>
auth_verbose = no
auth_debug = no
auth_debug_passwords = no
mail_debug = no
listen = *
auth_mechanisms = plain login
disable_plaintext_auth = yes
ssl = required
ssl_min_protocol = TLSv1.2
imap_id_retain = yes
mail_location = maildir:~/Maildir
mail_max_userip_connections = 50
mail_temp_dir = /tmp
maildir_empty_new = no
recipient_delimiter = +
submission_relay_ssl = no
submission_relay_connect_timeout = 10 secs
submission_relay_command_timeout = 2 mins
# Who submits is told by XCLIENT LOGIN; the relay's user and secret prove that it is us.
submission_relay_trusted = yes
import_environment = TZ
# Behind loopback one person's failures would delay another's good sign-in.
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service old-stats {
  chroot =
}
service ipc {
  chroot =
}"""

# Login processes have the uid of all others here, so a process for each connection would
# keep nothing apart; one serves many.
_LOGIN_SERVICE = """\
  chroot =
  service_count = 0
  process_min_avail = 1
  process_limit = 4"""

# One process is one session, so that ending the process ends that session alone.
_SESSION_SERVICE = """\
  service_count = 1
  client_limit = 1
  process_limit = 1000"""

_MAILBOXES = """\
namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts {
    auto = subscribe
    special_use = \\Drafts
  }
  mailbox Sent {
    auto = subscribe
    special_use = \\Sent
  }
  mailbox Trash {
    auto = subscribe
    special_use = \\Trash
  }
  mailbox Junk {
    auto = subscribe
    special_use = \\Junk
  }
}
"""
