"""`sidegate connect`: the lines for an operator's own servers, and the proof that they work."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from sidegate.cli.errors import DONE, NOT_DONE, USAGE, Failure
from sidegate.cli.main import open_context
from sidegate.cli.output import print_json, say
from sidegate.config import Config, Endpoint, TcpEndpoint, UnixEndpoint, load_config, parse_endpoint
from sidegate.config.endpoints import check_host
from sidegate.config.errors import NotAllowed
from sidegate.connect import dns, doveconf, dovecot, exim, front, lua, nginx, postfix
from sidegate.connect.lines import Plan, printed
from sidegate.connect.places import Sidegate, whose

if TYPE_CHECKING:
    from sidegate.accounts.context import Context
    from sidegate.accounts.trial import Trial
    from sidegate.connect.proving import Found
    from sidegate.connect.sign_ins import Target

_CHECK_DOMAIN = "localhost.test"


def run(arguments: Namespace) -> int:
    """Print the lines; with --check prove them."""
    config = load_config(arguments.data, arguments.config)
    sidegate = Sidegate(config, arguments.user or whose(config))
    try:
        if arguments.check:
            return _check(sidegate, arguments)
        plan = _plan(sidegate, arguments)
    except (doveconf.DoveconfFailed, postfix.PostconfFailed) as problem:
        raise Failure(str(problem)) from None
    if arguments.json:
        print_json(asdict(plan))
    else:
        for line in printed(plan):
            say(line)
    return DONE


# The lines ---------------------------------------------------------------------------------


def _plan(  # noqa: PLR0911 - a table, one return a server
    sidegate: Sidegate, arguments: Namespace
) -> Plan:
    wanted = _wanted(sidegate.config, arguments)
    if arguments.server == "dovecot":
        return dovecot.plan(_dovecot(arguments), sidegate, _path(wanted))
    if arguments.server == "postfix":
        found = None if arguments.version else postfix.read(arguments.conf)
        return postfix.plan(found or postfix.Postfix(), sidegate, wanted)
    if arguments.server == "exim":
        return exim.plan(sidegate, wanted)
    if arguments.server == "dns":
        return dns.plan(sidegate.config, _domains(arguments))
    if arguments.server == "front":
        return front.plan(sidegate)
    if arguments.server == "lua":
        return lua.plan(lua.Lua(_dovecot(arguments), sidegate))
    return nginx.plan(sidegate)


def _domains(arguments: Namespace) -> list[str]:
    try:
        return [check_host(name.lower().rstrip(".")) for name in arguments.domain]
    except NotAllowed:
        raise Failure(f"--domain {arguments.domain!r}: write example.test", status=USAGE) from None


def _dovecot(arguments: Namespace) -> dovecot.Dovecot:
    found = None if arguments.version else doveconf.read(arguments.conf)
    if found is not None:
        return dovecot.Dovecot(found, arguments.conf)
    try:
        version = doveconf.parse_version(arguments.version or "2.3")
    except doveconf.DoveconfFailed as problem:
        raise Failure(f"--version: {problem}", status=USAGE) from None
    return dovecot.Dovecot(dovecot.ordinary(version), arguments.conf, looked=False)


def _wanted(config: Config, arguments: Namespace) -> Endpoint | None:
    text = arguments.socket
    if not text:
        return None
    try:
        return parse_endpoint(f"unix:{text}" if text.startswith("/") else text, config.data)
    except NotAllowed as problem:
        allowed = str(problem) or 'allowed: "/path", "unix:/path" or "host:port"'
        raise Failure(f"--socket {text!r}: {allowed}", status=USAGE) from None


def _path(wanted: Endpoint | None) -> Path | None:
    if isinstance(wanted, TcpEndpoint):
        text = "Dovecot's sign-in processes ask at a Unix socket only"
        raise Failure(f"--socket {wanted}: {text}", status=USAGE)
    return wanted.path if isinstance(wanted, UnixEndpoint) else None


# The proof ---------------------------------------------------------------------------------


def _check(sidegate: Sidegate, arguments: Namespace) -> int:
    if arguments.server == "dns":
        raise Failure("records are looked up by dig, not by --check", status=USAGE)
    ctx = open_context(sidegate.config)
    with _trial(ctx, arguments) as trial:
        findings = _shown(_findings(sidegate, arguments, trial), as_json=arguments.json)
    return NOT_DONE if any(found.state == "problem" for found in findings) else DONE


def _trial(ctx: Context, arguments: Namespace) -> AbstractContextManager[Trial]:
    from sidegate.accounts import trial  # noqa: PLC0415 - models, once Django is configured

    if arguments.account:
        first = sys.stdin.readline().rstrip("\n") if arguments.password_stdin else ""
        return trial.given(ctx, arguments.account, first)
    if ctx.directory is not None:
        raise Failure(
            "your directory keeps the accounts: name one for the check, "
            "--account ADDRESS --password-stdin",
            status=USAGE,
        )
    domains = ctx.config.clients.domains
    return trial.throw_away(ctx, domains[0] if domains else _CHECK_DOMAIN)


def _findings(sidegate: Sidegate, arguments: Namespace, trial: Trial) -> Iterator[Found]:
    from sidegate.connect import checks, proving  # noqa: PLC0415 - models, as above

    wanted = _wanted(sidegate.config, arguments)
    only = list(_targets(arguments))
    if sidegate.config.policy.mode == "observe":
        text = '[policy] mode = "observe": account passwords come in, 2-step on or off'
        yield proving.Found("policy", "problem", text, 'mode = "enforce", and restart Sidegate')
    if arguments.server == "front":
        yield from checks.front(sidegate.config, trial, only=only)
        return
    hers = arguments.server in ("dovecot", "lua")
    her_dovecot = doveconf.read(arguments.conf) if hers else None
    her_postfix = postfix.read(arguments.conf) if arguments.server == "postfix" else None
    if her_dovecot is not None:
        found = dovecot.Dovecot(her_dovecot, arguments.conf)
        if arguments.server == "lua":
            yield from checks.lua(lua.Lua(found, sidegate), trial, only=only)
        else:
            yield from checks.dovecot(found, sidegate, _path(wanted), trial, only=only)
    elif her_postfix is not None:
        yield from checks.postfix(her_postfix, sidegate, wanted, trial, only=only)
    elif only:
        yield from checks.given(trial, only)
    else:
        raise Failure(
            f"{arguments.server} does not tell its ports here: name them, for example "
            "--at submission=127.0.0.1:587",
            status=USAGE,
        )
    yield from proving.one_address(now=trial.ctx.now())


def _targets(arguments: Namespace) -> Iterator[Target]:
    from sidegate.connect.sign_ins import PROTOCOLS, Target  # noqa: PLC0415 - as above

    for text in arguments.at:
        protocol, _, address = text.partition("=")
        name = protocol.removesuffix("s")
        try:
            endpoint = parse_endpoint(address, Path())
        except NotAllowed:
            endpoint = None
        if name not in PROTOCOLS or not isinstance(endpoint, TcpEndpoint):
            raise Failure(f"--at {text!r}: write imaps=127.0.0.1:993", status=USAGE)
        yield Target(arguments.server, name, *endpoint, tls=protocol != name)


def _shown(findings: Iterator[Found], *, as_json: bool) -> list[Found]:
    """Each finding as it comes: a sign-in that is refused takes its time."""
    done = []
    for found in findings:
        done.append(found)
        if not as_json:
            say(f"{found.state:<8} {found.what}: {found.text}")
            if found.todo:
                say(f"{'':<8} -> {found.todo}")
    if as_json:
        rows = [{"what": f.what, "state": f.state, "text": f.text, "do": f.todo} for f in done]
        print_json(rows)
    return done
