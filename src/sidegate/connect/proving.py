"""Proves on the running servers that they ask Sidegate, or says in plain words what is wrong."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from sidegate.accounts.trial import Trial, recent_addresses
from sidegate.connect.sign_ins import Outcome, Target, sign_in

State = Literal["ok", "warning", "problem"]

SOURCE = "127.0.0.2"
"""Where the trials come from: on loopback, an address that nothing else has."""

_FEW_SIGN_INS = 20
_FEW_ACCOUNTS = 3
_DAY = 24 * 3600 * 1000


class Found(NamedTuple):
    """One line of the proof."""

    what: str
    state: State
    text: str
    todo: str = ""


def prove(trial: Trial, targets: Sequence[Target], *, why: Callable[[], str]) -> Iterator[Found]:
    """Try every target; `why` says what keeps the server from asking, where that is seen."""
    if not targets:
        yield Found("sign-in", "problem", "no port was found to sign in on", "is it configured?")
    for target in targets:
        if trial.app_password:
            yield from _app_password(trial, target, why)
        if trial.password:
            yield _account_password(trial, target, why)
    if not trial.app_password:
        yield Found(
            "app password",
            "warning",
            f"{trial.address} has 2-Step Verification off: no app password could be tried",
            "turn it on for this account in the portal, then check again",
        )
    if not trial.password:
        yield Found(
            "account password",
            "warning",
            "it is not known, so it was not tried",
            "give it with --password-stdin",
        )


def trap(trial: Trial, target: Target) -> Found:
    """Whether a single star is a password, as a `static` passdb makes it where one is wrong."""
    what = f"{target}: the password *"
    if sign_in(target, trial.address, "*", source=_source(target)).allowed:
        return Found(what, "problem", "LET IN", "a passdb lets in whoever comes")
    return Found(what, "ok", "refused")


def _app_password(trial: Trial, target: Target, why: Callable[[], str]) -> Iterator[Found]:
    what = f"{target}: app password"
    trial.mark()
    source = _source(target)
    outcome = sign_in(target, trial.address, trial.app_password, source=source)
    event = trial.seen(target.protocol)
    if event is None:
        yield _not_asked(what, outcome, why)
    elif event.kind != "mail-allowed":
        reason = event.reason or "no reason"
        yield Found(what, "problem", f"Sidegate refused it ({reason})", "see sidegate events")
    elif not outcome.allowed:
        yield Found(
            what,
            "problem",
            f"Sidegate let it in, and the server did not: {outcome.text}",
            "look at the server's log: was it reloaded, does it find mailbox and master socket?",
        )
    else:
        yield Found(what, "ok", "let in, by Sidegate")
        if source:
            yield _address(target, source, event.address)


def _account_password(trial: Trial, target: Target, why: Callable[[], str]) -> Found:
    what = f"{target}: account password"
    trial.mark()
    outcome = sign_in(target, trial.address, trial.password, source=_source(target))
    event = trial.seen(target.protocol)
    if event is None:
        return _not_asked(what, outcome, why)
    if not trial.two_step:
        said = "let in" if outcome.allowed else f"refused: {outcome.text}"
        return Found(what, "ok", f"{said} (2-Step Verification is off)")
    if outcome.allowed:
        return Found(what, "problem", "LET IN with 2-Step Verification on", "see sidegate events")
    if outcome.temporary:
        return Found(what, "problem", f"no refusal, but: {outcome.text}", "see sidegate events")
    return Found(what, "ok", f'refused; the program is told "{outcome.text}"')


def _not_asked(what: str, outcome: Outcome, why: Callable[[], str]) -> Found:
    """Nothing of it reached Sidegate."""
    seen = why()
    if outcome.temporary:
        return Found(
            what,
            "problem",
            f"{outcome.text}; Sidegate was not reached{f': {seen}' if seen else ''}",
            "" if seen else "look at the server's log",
        )
    said = "let in" if outcome.allowed else f"refused ({outcome.text})"
    return Found(
        what,
        "problem",
        f"{said} WITHOUT asking Sidegate{f': {seen}' if seen else ''}",
        "are the lines in, and was the service reloaded since? "
        "Does something else answer in its place, such as another Sidegate?",
    )


def _address(target: Target, source: str, seen: str) -> Found:
    what = f"{target}: client address"
    if seen == source:
        return Found(what, "ok", f"{seen}, as it is")
    return Found(
        what,
        "problem",
        f"the client came from {source}, and Sidegate was told {seen or 'nothing'}",
        "a proxy in front must pass the address on (HAProxy protocol, XCLIENT)",
    )


def _source(target: Target) -> str:
    try:
        host = ipaddress.ip_address(target.host)
    except ValueError:
        return SOURCE if target.host == "localhost" else ""
    return SOURCE if host.version == 4 and host.is_loopback else ""  # noqa: PLR2004 - IPv4


def one_address(*, now: int) -> Iterator[Found]:
    """Whether everybody seems to come from one address: then a proxy hides who comes."""
    seen = recent_addresses(at=now - _DAY)
    accounts, addresses = ({one for one, _ in seen}, {address for _, address in seen})
    if len(seen) >= _FEW_SIGN_INS and len(accounts) >= _FEW_ACCOUNTS and len(addresses) == 1:
        yield Found(
            "client addresses",
            "warning",
            f"all {len(seen)} sign-ins of the last day came from {addresses.pop() or 'nowhere'}",
            "where that is a proxy or webmail: let it pass the client's address on",
        )


def enforced(server: str, around: Iterable[str], *, name: str = "") -> Iterator[Found]:
    """Whether every way in asks Sidegate; `name` is what it is called, where not `server`."""
    ways = list(around)
    for way in ways:
        yield Found("enforced", "problem", way, f"sidegate connect {server} prints the lines")
    if not ways:
        yield Found(
            "enforced", "ok", f"every sign-in service of this {name or server} asks Sidegate"
        )
