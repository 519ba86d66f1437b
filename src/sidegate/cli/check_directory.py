"""`sidegate check`: the operator's own Dovecot as the directory of account passwords."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator

from sidegate.cli.check_lua import AsksBack
from sidegate.cli.findings import Finding, ok, problem, warning
from sidegate.config import Config
from sidegate.decisions.directory import Question
from sidegate.decisions.mail import PasswordCheck, Presence
from sidegate.decisions.ports import Unavailable
from sidegate.directory.doveadm import Doveadm
from sidegate.directory.dovecot import DovecotDirectory

_ASKED_AS = "imap"
_HERE = "127.0.0.1"


def check_directory(config: Config) -> Iterator[Finding]:
    """Ask it about somebody who does not exist: nobody's failures are counted for it."""
    auth = config.endpoint(config.directory.auth)
    userdb = config.endpoint(config.directory.userdb)
    if config.has_own_passwords or auth is None or userdb is None:
        return
    directory = DovecotDirectory(auth=auth, userdb=userdb)
    nobody = Question(f"sidegate-check-{secrets.token_hex(8)}@invalid", "", _ASKED_AS, _HERE)
    yield _looks_up(config, directory, nobody)
    asks_back = AsksBack(config)
    yield _judges(config, directory, nobody._replace(secret=secrets.token_hex()))
    yield from asks_back.findings()


def check_doveadm(config: Config) -> Iterator[Finding]:
    """Ask it who is connected: that needs the same rights as ending a session."""
    what, doveadm = "doveadm", config.doveadm
    if not doveadm.url:
        return
    try:
        sessions = asyncio.run(Doveadm(url=doveadm.url, api_key=doveadm.api_key).sessions())
    except Unavailable as away:
        yield problem(what, f"{doveadm.url}: {away}", _OPEN_DOVEADM)
        return
    yield ok(what, f"{doveadm.url} tells of {len(sessions)} open connections")


def _looks_up(config: Config, directory: DovecotDirectory, nobody: Question) -> Finding:
    what, where = "directory, users", config.directory.userdb
    seen = directory.look_up_blocking(nobody)
    if seen.presence is Presence.OUTAGE:
        return problem(what, f"{where} answers no look-up (USER, PASS)", _OPEN_USERDB)
    if seen.presence is not Presence.GONE:
        return warning(
            what,
            f"{where} says yes to a name that cannot exist: who is gone there cannot be told",
            "where its userdb is static, leave allow_all_users out; "
            "sidegate account disable ADDRESS shuts one out here",
        )
    if not seen.shows_disabled:
        return warning(
            what,
            f"{where} tells who exists, but not who is disabled: its passdb answers no PASS (PAM)",
            "run sidegate account disable ADDRESS wherever you disable somebody there",
        )
    return ok(what, f"{where} tells who exists, and who is left out there or marked nologin")


def _judges(config: Config, directory: DovecotDirectory, nobody: Question) -> Finding:
    what, where = "directory, passwords", config.directory.auth
    started = time.monotonic()
    check = directory.judge_blocking(nobody).check
    took = time.monotonic() - started
    if check is PasswordCheck.OUTAGE:
        return problem(what, f"{where} judges no password", _OPEN_AUTH)
    if check is not PasswordCheck.WRONG:
        return problem(
            what,
            f"{where} lets in whoever comes, with any password",
            "look for nopassword or a static passdb there",
        )
    if took > max(config.policy.refusal_delay, _USUAL):
        return warning(
            what,
            f"{where} refuses after {took:.1f} s, and [policy] refusal_delay is "
            f"{config.policy.refusal_delay:g}: refusals wait for the slower of the two",
            "set refusal_delay to a little more, so that all leave at one time from the start",
        )
    return ok(what, f"{where} refuses who is not known, after {took:.1f} s")


_USUAL = 2.6
"""Seconds that a Dovecot of usual settings holds a refusal back at most."""
_OPEN_USERDB = (
    "is Dovecot running? its service auth needs a unix_listener with this path, a name that "
    "ends in -userdb, and a mode and group that let Sidegate's user in"
)
_OPEN_DOVEADM = (
    "is Dovecot running? its service doveadm needs a listener named http that lets Sidegate's "
    "user in, and doveadm_api_key must be [doveadm] api_key"
)
_OPEN_AUTH = (
    "is Dovecot running? its service auth needs a unix_listener with this path that lets "
    "Sidegate's user in, and auth_mechanisms must name plain"
)
