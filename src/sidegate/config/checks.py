"""What must hold between options, not within one."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Iterator
from typing import NoReturn

from sidegate.config.endpoints import Endpoint, TcpEndpoint, is_loopback_host
from sidegate.config.errors import ConfigError, NotAllowed, shown
from sidegate.config.gateways import SCREEN
from sidegate.config.model import Config
from sidegate.config.options import options, sections


def check_together(config: Config) -> None:
    """Raise `ConfigError` for the first rule between options that is broken."""
    _check_url(config)
    _check_gateways(config)
    _check_screen(config)
    _check_spend(config)
    _check_certificate(config)
    _check_endpoints(config)
    _check_auth_listeners(config)
    _check_names(config)
    _check_directory(config)
    _check_notices(config)
    _check_policy(config)
    _check_doveadm(config)
    _check_front(config)


def _refuse(config: Config, said: str) -> NoReturn:
    raise ConfigError(f"{config.file}: {said}") from None


def _check_url(config: Config) -> None:
    if not config.is_https and not config.is_loopback:
        _refuse(
            config,
            f"[server] url = {shown(config.server.url)} is plain http and not on loopback; "
            "allowed: https:// with any host, or http:// with localhost, 127.0.0.1 or [::1]",
        )


def _check_gateways(config: Config) -> None:
    """Each name in [codes] is a gateway that can do what it is named for."""
    if not config.channels:
        _refuse(config, "[codes] sms = [] and voice = [] leave no way; allowed: [] for one of them")
    for key, channel, names in (
        ("sms", "text messages", config.codes.sms),
        ("voice", "phone calls", config.codes.voice),
    ):
        able = [SCREEN, *(n for n, options in config.gateways.items() if key in options.channels)]
        for name in names:
            if name in able:
                continue
            if name in config.gateways:
                why = f"sends no {channel}"
            else:
                why = f"has no section [gateway.{name}]"
            _refuse(
                config,
                f"[codes] {key} = {shown(name)} is not allowed: it {why}; "
                f"allowed: {', '.join(able)}",
            )


def _check_screen(config: Config) -> None:
    for key, names in (("sms", config.codes.sms), ("voice", config.codes.voice)):
        if SCREEN in names and not config.is_loopback:
            _refuse(
                config,
                f'[codes] {key} = "screen" shows codes on this server, and [server] url = '
                f"{shown(config.server.url)} is not on loopback; "
                "allowed with screen: localhost, 127.0.0.1 or [::1]",
            )


def _check_spend(config: Config) -> None:
    if config.codes.daily_spend and not config.codes.prices:
        _refuse(
            config,
            f"[codes] daily_spend = {config.codes.daily_spend:g} and [codes] prices = {{}} names "
            'no price; allowed: prices such as { LV = 0.04, "*" = 0.10 }',
        )


def _check_certificate(config: Config) -> None:
    present, absent = ("certificate", "key") if config.tls.certificate else ("key", "certificate")
    if bool(config.tls.certificate) != bool(config.tls.key):
        _refuse(
            config,
            f'[tls] {present} is set and [tls] {absent} = "" is not; allowed: both or neither',
        )


def _endpoints(config: Config) -> Iterator[tuple[str, str, str]]:
    """Section, key and text of each endpoint."""
    for section in sections():
        for row in options(section):
            if row.kind.endpoint:
                value = getattr(getattr(config, section.name), row.key)
                for text in (value,) if isinstance(value, str) else value:
                    yield section.name, row.key, text


def _check_endpoints(config: Config) -> None:
    """Each endpoint again, now that the data folder is known, and none of ours twice."""
    taken: dict[Endpoint, str] = {}
    for section, key, text in _endpoints(config):
        try:
            endpoint = config.endpoint(text)
        except NotAllowed as why:
            _refuse(config, f"[{section}] {key} = {shown(text)}: {why}")
        if section != "listen" or endpoint is None:
            continue
        if endpoint in taken:
            _refuse(
                config,
                f"[listen] {key} = {shown(text)} is where {taken[endpoint]} listens already; "
                'allowed: another, or "" for off',
            )
        taken[endpoint] = key


def _check_auth_listeners(config: Config) -> None:
    listeners = [("dovecot_client", text) for text in config.listen.dovecot_client]
    listeners.append(("dovecot_master", config.listen.dovecot_master))
    for key, text in (*listeners, ("http", config.listen.http)):
        endpoint = config.endpoint(text)
        if isinstance(endpoint, TcpEndpoint) and not is_loopback_host(endpoint.host):
            _refuse(
                config,
                f"[listen] {key} = {shown(text)} is open to other machines; "
                'allowed: "unix:/path" or a port on 127.0.0.1, [::1] or localhost',
            )


def _check_directory(config: Config) -> None:
    if config.has_own_passwords:
        return
    for key, text in (("auth", config.directory.auth), ("userdb", config.directory.userdb)):
        if not text:
            _refuse(
                config,
                f'[directory] {key} = "" and [directory] source = "dovecot" needs it; '
                'allowed: "unix:/path" or "host:port"',
            )
        endpoint = config.endpoint(text)
        if isinstance(endpoint, TcpEndpoint) and not is_loopback_host(endpoint.host):
            _refuse(
                config,
                f"[directory] {key} = {shown(text)} would send passwords unencrypted to another "
                'machine; allowed: "unix:/path" or a port on 127.0.0.1, [::1] or localhost',
            )
        if endpoint in _own_doors(config):
            _refuse(
                config,
                f"[directory] {key} = {shown(text)} is where Sidegate itself listens; "
                "allowed: a socket of your own Dovecot",
            )
    if config.mailserver.private and not config.mailserver.front:
        _refuse(
            config,
            "[mailserver] private = true keeps mailboxes of its own, and [directory] source = "
            '"dovecot" uses yours; allowed with dovecot: private = false',
        )


def _check_notices(config: Config) -> None:
    notices, relay = config.notices, config.mail_relay
    if bool(notices.user) != bool(notices.password):
        present, absent = ("user", "password") if notices.user else ("password", "user")
        _refuse(
            config,
            f'[notices] {present} is set and [notices] {absent} = "" is not; '
            "allowed: both or neither",
        )
    if relay is None:
        return
    if notices.user and not relay.security:
        _refuse(
            config,
            f"[notices] smtp = {shown(notices.smtp)} would send the password unencrypted; "
            'allowed with a user: "host:port TLS" or "host:port STARTTLS"',
        )
    if not notices.from_address:
        _refuse(
            config,
            '[notices] from_address = "" and [notices] smtp needs it; '
            "allowed: an address that this server may send from",
        )


def _check_policy(config: Config) -> None:
    if config.policy.mode == "observe" and config.policy.enforce_for:
        _refuse(
            config,
            f"[policy] enforce_for = {shown(list(config.policy.enforce_for))} and [policy] mode = "
            '"observe" enforces nothing; allowed with observe: enforce_for = []',
        )


def _check_doveadm(config: Config) -> None:
    present, absent = ("url", "api_key") if config.doveadm.url else ("api_key", "url")
    if bool(config.doveadm.url) != bool(config.doveadm.api_key):
        _refuse(
            config,
            f'[doveadm] {present} is set and [doveadm] {absent} = "" is not; '
            "allowed: both or neither",
        )


def _check_front(config: Config) -> None:
    if not config.mailserver.front:
        return
    if not config.mailserver.private:
        _refuse(config, "[mailserver] front = true is the private Dovecot; allowed: private = true")
    servers = [config.front_upstream(name) for name in ("imap", "pop3", "submission")]
    if not any(servers):
        _refuse(
            config,
            "[mailserver] front = true goes on to a mail server, and [upstream] names none; "
            "allowed: imap, pop3 or submission with an address and a port",
        )
    signs_in = [*servers[:2], *([] if config.upstream.submission_xclient else servers[2:])]
    if any(signs_in) and not config.upstream.password:
        _refuse(
            config,
            '[upstream] password = "" and [mailserver] front = true needs it: an app password '
            "means nothing to the server behind it; allowed: that of its master user",
        )


def _own_doors(config: Config) -> set[Endpoint | None]:
    listen = config.listen
    return {config.endpoint(text) for text in (*listen.dovecot_client, listen.dovecot_master)}


def _check_names(config: Config) -> None:
    try:
        if config.listen.socket_group:
            grp.getgrnam(config.listen.socket_group)
    except KeyError:
        name = shown(config.listen.socket_group)
        _refuse(config, f'[listen] socket_group = {name} is no group here; allowed: a group or ""')
    try:
        if config.mailserver.user:
            pwd.getpwnam(config.mailserver.user)
    except KeyError:
        name = shown(config.mailserver.user)
        _refuse(config, f'[mailserver] user = {name} is no user here; allowed: a user or ""')
