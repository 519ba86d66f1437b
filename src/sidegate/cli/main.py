"""From arguments to an exit status; what goes wrong is one line."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sidegate.cli.errors import DONE, NOT_DONE, USAGE, Failure
from sidegate.cli.output import say_aside
from sidegate.cli.parser import CONFIG, CONTEXT, parse
from sidegate.config import Config, ConfigError, load_config

if TYPE_CHECKING:
    from sidegate.accounts.context import Context

_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        status = _run(parse(argv))
        sys.stdout.flush()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else NOT_DONE
    except BrokenPipeError:
        # Whoever read our output has enough; nothing may be flushed into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - those not expected are raised again
        text, status = _said(error)
        say_aside(f"sidegate: {' '.join(text.split())}")
    return status


def _run(arguments: argparse.Namespace) -> int:
    # What it would log, it raises too, and that is said once.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    if arguments.needs == CONTEXT:
        given: Config | Context | None = open_context(load_config(arguments.data, arguments.config))
    elif arguments.needs == CONFIG:
        given = load_config(arguments.data, arguments.config)
    else:
        given = None
    # Only now: Django must know its settings before models can be imported.
    module, _, function = arguments.run.partition(":")
    command = getattr(import_module(f"sidegate.cli.{module}"), function)
    result: int = command(arguments) if given is None else command(given, arguments)
    return result


def open_context(config: Config) -> Context:
    """Open an existing installation; making one is for `serve` and `migrate`."""
    first = "run sidegate serve or sidegate migrate first, or name the folder with --data"
    if not config.data.is_dir():
        raise Failure(f"there is no data folder {config.data}: {first}")
    if not any(config.keys_folder.glob("*.key")):
        raise Failure(f"there are no keys in {config.keys_folder}: {first}")
    database: Any = import_module("sidegate.storage.database")
    if not config.database.url and not (config.data / database.SQLITE_FILE).exists():
        raise Failure(f"there is no database in {config.data}: {first}")
    serve: Any = import_module("sidegate.serve")
    context: Context = serve.setup(config)
    schema: Any = import_module("sidegate.storage.schema")
    if schema.pending():
        raise Failure("the database is not up to date: run sidegate migrate")
    return context


def _said(error: Exception) -> tuple[str, int]:
    """The line and the status of an expected error; another is raised again."""
    if isinstance(error, Failure):
        return error.text, error.status
    if isinstance(error, ConfigError):
        return str(error), USAGE
    text = expected(error)
    if text is None:
        raise error
    return text, NOT_DONE


def expected(error: Exception) -> str | None:
    """The line for an error that can happen to everybody; `None` for a bug of ours."""
    for name, say in _EXPECTED.items():
        module, _, kind = name.rpartition(".")
        # A module that nobody imported cannot have raised its error.
        if module in sys.modules and isinstance(error, getattr(sys.modules[module], kind)):
            return say(error)
    return None


def _database_said(error: Exception) -> str:
    first_line = next(iter(str(error).splitlines()), "")
    return f"the database cannot be used: {first_line}"


def _file_said(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


_EXPECTED: dict[str, Callable[[Any], str]] = {
    "sidegate.accounts.errors.AccountError": lambda error: str(error.text),
    "sidegate.decisions.ports.Unavailable": str,
    "sidegate.storage.breached.BreachedListProblem": str,
    "sidegate.storage.keys.KeysProblem": str,
    "sidegate.storage.archive.ArchiveProblem": str,
    "sidegate.storage.snapshot.SnapshotProblem": str,
    "sidegate.storage.targets.TargetProblem": str,
    "sidegate.mailserver.errors.MailServerError": str,
    "django.db.utils.DatabaseError": _database_said,
    "django.db.utils.InterfaceError": _database_said,
    "psycopg_pool.PoolTimeout": _database_said,
    "builtins.OSError": _file_said,
}
