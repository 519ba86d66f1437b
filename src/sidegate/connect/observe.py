"""The lines by which a Dovecot reports each sign-in afterwards, and nobody waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shlex import quote

from sidegate.config import Config, TcpEndpoint
from sidegate.config.options import Listen
from sidegate.connect.lines import Block
from sidegate.wire.auth_policy import ATTRIBUTES

OBSERVED = "97-sidegate-observe.conf"
TOKEN = "sidegate-token.conf"  # noqa: S105 - a file's name
REPORTING_OFF = "auth_policy_report_after_auth = no"
"""For where Sidegate is asked: it sees every sign-in, and its own questions are none."""

_RENAMED = {"rip": "remote_ip", "service": "protocol", "mech": "mechanism"}
"""What 2.4 calls a variable of 2.3."""


def blocks(config: Config, folder: Path, *, is_24: bool, reload: Block) -> tuple[Block, ...]:
    """Everything for a Dovecot whose configuration lies in `folder`."""
    token = folder / TOKEN
    observed = Block(
        "Your Dovecot tells Sidegate of each sign-in afterwards, and nobody waits for it",
        "write",
        tuple(_lines(config, token, is_24=is_24)),
        str(folder / "conf.d" / OBSERVED),
    )
    shown = (
        _set(config, "Enforce nothing yet: set this, then restart Sidegate", 'mode = "observe"'),
        Block(
            "The token that your Dovecot shows, for root alone",
            "run",
            (_token(config.keys_folder / "http-token", token),),
        ),
        observed,
        reload,
    )
    return tuple(replace(one, part="observe") for one in shown)


def enforcing(config: Config) -> Block:
    """What ends observing."""
    return replace(
        _set(
            config,
            "Enforce for some first, or for everybody ([]): set this, then restart Sidegate",
            'mode = "enforce"',
            'enforce_for = ["anna@example.test", "@example.org"]',
        ),
        part="observe",
    )


def already(settings: dict[str, str], config: Config) -> Iterator[str]:
    """What has to be known before: another policy server would no longer be asked."""
    there = settings.get("auth_policy_server_url", "")
    if there and there != _url(config):
        yield f"Your Dovecot asks an auth_policy server already ({there}):"
        yield "  leave the observe lines out, they would take its place."


def _set(config: Config, title: str, *lines: str) -> Block:
    return Block(title, "set", ("[policy]", *lines), str(config.file))


def _token(source: Path, target: Path) -> str:
    # In a file of its own: who may read the rest of the configuration may not read it.
    header = "auth_policy_server_api_header = Authorization: Bearer %s\\n"
    return f"(umask 077; printf '{header}' \"$(cat {quote(str(source))})\" >{target})"


def _url(config: Config) -> str:
    endpoint = config.endpoint(config.listen.http)
    told = endpoint if isinstance(endpoint, TcpEndpoint) else Listen().http
    return f"http://{told}/v1/observe"


def _lines(config: Config, token: Path, *, is_24: bool) -> Iterator[str]:
    yield "imap_id_retain = yes"
    yield f"auth_policy_server_url = {_url(config)}"
    yield f"!include_try {token}"
    yield "auth_policy_check_before_auth = no"
    yield "auth_policy_check_after_auth = no"
    yield "auth_policy_report_after_auth = yes"
    # It must be set; it is for a digest of the password, which is not among the attributes.
    yield "auth_policy_hash_nonce = unused"
    if is_24:
        yield "auth_policy_request_attributes ="
        yield "auth_policy_request_attributes {"
        for name, variable in ATTRIBUTES.items():
            yield f"  {name} = %{{{_RENAMED.get(variable, variable)}}}"
        yield "}"
    else:
        told = " ".join(f"{name}=%{{{variable}}}" for name, variable in ATTRIBUTES.items())
        yield f"auth_policy_request_attributes = {told}"
