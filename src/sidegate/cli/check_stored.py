"""`sidegate check`: the data folder, the keys and the database."""

from __future__ import annotations

import stat
from importlib import import_module
from pathlib import Path
from typing import Any

from sidegate.cli.errors import Failure
from sidegate.cli.findings import Finding, ok, problem, warning
from sidegate.cli.main import expected, open_context
from sidegate.cli.output import local_time
from sidegate.config import Config

_OTHERS = 0o077
_FIRST = "run sidegate serve or sidegate migrate first, or name the folder with --data"


def check_data(config: Config) -> Finding | None:
    """A finding where there is nothing yet that could be looked at."""
    if not config.data.is_dir():
        return problem("data folder", f"there is no {config.data}", _FIRST)
    return None


def check_keys(config: Config) -> Finding:
    """The keys are there, and for us alone."""
    folder = config.keys_folder
    try:
        keys = sorted(folder.glob("*.key"))
        if not keys:
            return problem("keys", f"there are none in {folder}", _FIRST)
        for path in (folder, *keys):
            if _mode(path) & _OTHERS:
                return problem("keys", f"{path} is open to others", f"chmod go= {path}")
    except PermissionError as error:
        return problem("keys", f"{error.filename} cannot be read", "run this as Sidegate's user")
    return ok("keys", f"{len(keys)} in {folder}, for their owner alone")


def check_database(config: Config) -> Finding:
    """The database answers and has every table."""
    try:
        open_context(config)
    except Failure as failure:
        return problem("database", failure.text, "")
    except Exception as error:
        text = expected(error)
        if text is None:
            raise
        return problem("database", text, "look at [database] url and at the server there")
    database: Any = import_module("sidegate.storage.database")
    path = config.data / database.SQLITE_FILE
    if not config.database.url and _mode(path) & _OTHERS:
        return warning("database", f"{path} is open to others", f"chmod go= {path}")
    kind = "PostgreSQL" if config.database.url else "SQLite"
    return ok("database", f"{kind} answers and is up to date")


def check_breached(config: Config) -> Finding:
    """New passwords are held against a list of breached ones."""
    breached: Any = import_module("sidegate.storage.breached")
    what = "breached passwords"
    try:
        facts = breached.facts(config.data / breached.FILE)
    except PermissionError as error:
        return problem(what, f"{error.filename} cannot be read", "run this as Sidegate's user")
    except breached.BreachedListProblem as damaged:
        return problem(what, str(damaged), "until then nobody can set a new password")
    if facts is None:
        return warning(
            what,
            "there is no list: new passwords are held against the 20,000 commonest only",
            "sidegate passwords learn FILE makes one",
        )
    day = local_time(round(facts.learnt_at * 1000))[:10]
    return ok(what, f"{facts.passwords:,} on the list, learnt on {day}")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
