"""What `sidegate check` says of the gateways for codes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from sidegate.cli.findings import Finding, ok, problem, warning
from sidegate.config import Config
from sidegate.config.gateways import SCREEN
from sidegate.senders.gateway import Gateway, Trouble
from sidegate.senders.making import make_gateways
from sidegate.senders.screen import ScreenGateway

_PATIENCE = 10.0
"""Seconds."""
_TODO = {
    "away": "is it running, and is its address right?",
    "slow": "is it running, and is its address right?",
    "credentials": "look at the user and the password in its section",
    "credit": "top it up",
    "missing": "install what docs/operators/gateways.md says it needs",
    "broken": "look at its section, and at what answers there",
}


def check_gateways(config: Config) -> Iterator[Finding]:
    """Ask each one that `[codes]` names, without sending anything."""
    if config.shows_codes_on_screen:
        yield warning(
            "codes",
            "codes are shown on this server (screen): whoever sees it has everybody's second step",
            "for trying out only: set a gateway in [codes] before others use it",
        )
    yield from asyncio.run(_asked(config))


async def _asked(config: Config) -> list[Finding]:
    screen = ScreenGateway(data=config.data, terminal=None, now=lambda: 0)
    gateways = make_gateways(config, screen=screen, receipt=lambda *_heard: None)
    found = []
    for name, gateway in gateways.items():
        try:
            if name != SCREEN:
                found.append(await _finding(gateway))
        finally:
            await gateway.close()
    return found


async def _finding(gateway: Gateway) -> Finding:
    what = f"gateway {gateway.name}"
    try:
        async with asyncio.timeout(_PATIENCE):
            proved = await gateway.check()
    except Trouble as trouble:
        why = trouble.why
    except TimeoutError:
        why = "slow"
    else:
        if proved is None:
            return ok(what, "cannot be asked without sending: try sidegate codes test NUMBER")
        return ok(what, proved)
    return problem(what, f"does not work now: {why}", _TODO.get(why, "look at its section"))
