"""What every action is given: configuration, keys, judge, clock, randomness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from sidegate.accounts.bell import Bell
from sidegate.accounts.gateway_troubles import GatewayTroubles
from sidegate.config import Config
from sidegate.decisions.directory import Directory
from sidegate.decisions.ports import PasswordJudge
from sidegate.events.catalogue import Kind, NewEvent, tidy
from sidegate.storage.keys import KeyRing
from sidegate.storage.writer import write_event


@dataclass(frozen=True, slots=True)
class Context:
    """One installation, as the actions see it; `serve` makes it.

    `now` gives milliseconds since the epoch, `random(n)` n bytes of randomness.
    `directory` is the operator's, where account passwords are judged there; `judge` is
    asked nothing then.
    """

    config: Config
    keys: KeyRing
    judge: PasswordJudge
    now: Callable[[], int]
    random: Callable[[int], bytes]
    directory: Directory | None = None
    bell: Bell = field(default_factory=Bell)
    """Rung when a job was added."""
    gateway_troubles: GatewayTroubles = field(default_factory=GatewayTroubles)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who did it, from where and with what; goes into the event."""

    by: Literal["owner", "operator"]
    address: str = ""
    program: str = ""


def note(
    ctx: Context,
    *,
    kind: Kind,
    account_id: int | None,
    origin: Origin,
    reason: str = "",
    app_password_id: int | None = None,
    **detail: str | int,
) -> None:
    """Write the event of an action, inside the action's transaction."""
    write_event(
        NewEvent(
            at=ctx.now(),
            kind=kind,
            account_id=account_id,
            address=tidy(origin.address)[:45],
            protocol="web" if origin.by == "owner" else "",
            program=tidy(origin.program),
            reason=reason,
            app_password_id=app_password_id,
            detail=(("by", origin.by), *detail.items()),
        )
    )
