"""What is looked at for each server, and where people sign in on it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

from sidegate.accounts.trial import Trial
from sidegate.config import Config, Endpoint, TcpEndpoint, UnixEndpoint
from sidegate.connect import dovecot as dovecot_lines
from sidegate.connect import lua as lua_lines
from sidegate.connect import postfix as postfix_lines
from sidegate.connect.doveconf import Installation, Listener, hands_on
from sidegate.connect.dovecot import Dovecot
from sidegate.connect.lua import Lua
from sidegate.connect.lua_door import door_trouble
from sidegate.connect.places import Sidegate
from sidegate.connect.postfix import Postfix
from sidegate.connect.proving import Found, enforced, prove, trap
from sidegate.connect.sign_ins import PROTOCOLS, Target
from sidegate.connect.sockets import trouble

_ANYWHERE = ("*", "0.0.0.0", "::", "[::]")  # noqa: S104 - what a configuration says


def dovecot(
    found: Dovecot, sidegate: Sidegate, wanted: Path | None, trial: Trial, *, only: list[Target]
) -> Iterator[Found]:
    """Her Dovecot: version, services, sockets, and then sign-ins on every port, or some."""
    version = ".".join(str(part) for part in found.found.version)
    if found.found.version < dovecot_lines.OLDEST:
        yield Found("version", "problem", f"Dovecot {version} is too old", "2.3 or newer")
        return
    yield Found("version", "ok", f"Dovecot {version}")
    client = dovecot_lines.client_socket(found, sidegate, wanted)
    yield from _listed(sidegate, UnixEndpoint(client))
    yield from enforced("dovecot", dovecot_lines.around(found, sidegate, client))
    if any(hands_on(one) for one in found.found.passdbs):
        yield Found(
            "disabled accounts",
            "warning",
            "its passdb hands each password on (PAM, or LDAP with auth_bind): whoever is only "
            "locked there still comes in with an app password",
            "run sidegate account disable ADDRESS wherever you lock somebody there",
        )
    login = found.found.base / "login"
    chroots = {one.chroot for one in found.found.logins}

    def why() -> str:
        inside = login if chroots != {""} else None
        base = found.found.base
        return trouble(client, user=found.found.login_user, base=base, chroot=inside) or trouble(
            sidegate.master, user="root", base=base
        )

    seen = why()
    if seen:
        yield Found("sockets", "problem", seen, "sidegate connect dovecot prints the lines")
    yield from _not_tried(found.found)
    yield from prove(trial, only or list(_dovecot_targets(found.found)), why=why)


def lua(found: Lua, trial: Trial, *, only: list[Target]) -> Iterator[Found]:
    """Her Dovecot with the script: version, passdbs, the door, and then sign-ins."""
    installed = found.dovecot.found
    version = ".".join(str(part) for part in installed.version)
    if lua_lines.too_old(installed):
        yield Found("version", "problem", f"Dovecot {version} is too old", "2.3.19 or newer")
        return
    yield Found("version", "ok", f"Dovecot {version}")
    yield from enforced("lua", lua_lines.around(found), name="Dovecot")
    seen = door_trouble(found)
    if seen:
        yield Found("HTTP door", "problem", seen, "sidegate connect lua prints the lines")
    targets = only or list(_dovecot_targets(installed))
    yield from prove(trial, targets, why=lambda: door_trouble(found))
    for one in targets[:1]:
        yield trap(trial, one)


def postfix(
    found: Postfix,
    sidegate: Sidegate,
    wanted: Endpoint | None,
    trial: Trial,
    *,
    only: list[Target],
) -> Iterator[Found]:
    """Her Postfix: services, sockets, and then sign-ins on every port where one may, or some."""
    version = ".".join(str(part) for part in found.version)
    yield Found("version", "ok", f"Postfix {version}")
    endpoint = postfix_lines.client_endpoint(found, sidegate, _used(found, wanted))
    yield from _listed(sidegate, endpoint)
    yield from enforced("postfix", postfix_lines.around(found, endpoint))

    def why() -> str:
        if isinstance(endpoint, TcpEndpoint):
            return _tcp_trouble(endpoint)
        chrooted = any(one.chroot for one in found.signing_in())
        inside = found.queue if chrooted else None
        return trouble(endpoint.path, user=found.owner, base=found.queue, chroot=inside)

    seen = why()
    if seen:
        yield Found("sockets", "problem", seen, "sidegate connect postfix prints the lines")
    yield from prove(trial, only or list(_postfix_targets(found)), why=why)


def front(config: Config, trial: Trial, *, only: list[Target]) -> Iterator[Found]:
    """The private Dovecot as a front: the servers behind it, and then sign-ins on every port."""
    if not config.mailserver.front:
        text = "[mailserver] front is false: the private Dovecot keeps its own mail"
        yield Found("sidegate.toml", "problem", text, "sidegate connect front prints the lines")
        return
    seen = []
    for protocol in PROTOCOLS:
        server = config.front_upstream(protocol)
        trouble_there = _tcp_trouble(server) if server is not None else ""
        if trouble_there:
            seen.append(trouble_there)
            yield Found(f"upstream {protocol}", "problem", trouble_there, "is it running?")
    targets = only or list(_front_targets(config))
    yield from prove(trial, targets, why=lambda: "; ".join(seen))


def _front_targets(config: Config) -> Iterator[Target]:
    for protocol in PROTOCOLS:
        for name, tls in ((f"{protocol}s", True), (protocol, False)):
            endpoint = config.endpoint(getattr(config.listen, name))
            if config.front_upstream(protocol) and isinstance(endpoint, TcpEndpoint):
                host = "127.0.0.1" if endpoint.host in _ANYWHERE else endpoint.host
                yield Target("front", protocol, host, endpoint.port, tls)


def given(trial: Trial, targets: list[Target]) -> Iterator[Found]:
    """Ports that were named: of a server that tells nothing of itself."""
    yield from prove(trial, targets, why=lambda: "")


def _used(found: Postfix, wanted: Endpoint | None) -> Endpoint | None:
    """What Postfix names where it is a port: there is no proposing another."""
    if wanted is not None:
        return wanted
    for service in found.signing_in():
        path = found.value(service, "smtpd_sasl_path")
        host, _, port = path.removeprefix("inet:").rpartition(":")
        if path.startswith("inet:") and port.isdigit():
            return TcpEndpoint(host.strip("[]"), int(port))
    return None


def _listed(sidegate: Sidegate, endpoint: Endpoint) -> Iterator[Found]:
    config = sidegate.config
    if endpoint not in {config.endpoint(text) for text in config.listen.dovecot_client}:
        yield Found(
            "sidegate.toml",
            "problem",
            f"[listen] dovecot_client does not name {endpoint}",
            "add it, and restart Sidegate",
        )


def _tcp_trouble(endpoint: TcpEndpoint) -> str:
    try:
        socket.create_connection(endpoint, timeout=3).close()
    except OSError as error:
        return f"nobody answers at {endpoint}: {error.strerror or error}"
    return ""


def _dovecot_targets(found: Installation) -> Iterator[Target]:
    for service in found.logins:
        for listener in service.listeners:
            if service.protocol in PROTOCOLS and not listener.haproxy:
                yield _target(service.name, service.protocol, listener)


def _not_tried(found: Installation) -> Iterator[Found]:
    """Services of which only the configuration was looked at."""
    for service in found.logins:
        if service.protocol not in PROTOCOLS:
            ports = ", ".join(str(one.port) for one in service.listeners)
            text = f"no sign-in was tried on port {ports}: this check does not speak its protocol"
            yield Found(service.name, "warning", text, "try both passwords there by hand")


def _target(service: str, protocol: str, listener: Listener) -> Target:
    host = "127.0.0.1" if listener.host in _ANYWHERE else listener.host
    return Target(service, protocol, host, listener.port, listener.tls)


def _postfix_targets(found: Postfix) -> Iterator[Target]:
    for service in found.signing_in():
        host, _, name = service.name.rpartition(":")
        try:
            port = int(name) if name.isdigit() else socket.getservbyname(name, "tcp")
        except OSError:
            continue
        wrapped = found.value(service, "smtpd_tls_wrappermode") == "yes"
        place = "127.0.0.1" if not host or host in _ANYWHERE else host.strip("[]")
        yield Target(service.key, "submission", place, port, wrapped)
