"""`sidegate serve`, `sidegate migrate` and `sidegate bench`."""

from __future__ import annotations

import os
from argparse import Namespace
from importlib import import_module
from pathlib import Path
from typing import Any

from sidegate.cli.errors import DONE
from sidegate.cli.output import print_json, say
from sidegate.config import Config, ConfigError, load_config, write_default_config
from sidegate.storage.database import SQLITE_FILE


def serve(arguments: Namespace) -> int:
    """Run until told to stop."""
    config = _first_config(arguments)
    if config.mailserver.private and (not arguments.only or "mailserver" in arguments.only):
        _check_certificate_files(config)
    room: Any = import_module("sidegate.serve")
    status: int = room.main(config, frozenset(arguments.only))
    return status


def migrate(arguments: Namespace) -> int:
    """Make the database, or bring it up to date."""
    config = _first_config(arguments)
    room: Any = import_module("sidegate.serve")
    room.setup(config)
    schema: Any = import_module("sidegate.storage.schema")
    applied = schema.migrate()
    if arguments.json:
        print_json({"applied": applied})
    else:
        say("\n".join(f"Applied {name}." for name in applied) or "The database is up to date.")
    return DONE


def bench(arguments: Namespace) -> int:
    """Measure."""
    room: Any = import_module("sidegate.bench")
    status: int = room.main(quick=arguments.quick, output=arguments.output)
    return status


def _first_config(arguments: Namespace) -> Config:
    """The configuration, written where this is the first start."""
    if arguments.config is None:
        make_data_folder(arguments.data)
        write_default_config(arguments.data / "sidegate.toml")
    config = load_config(arguments.data, arguments.config)
    make_data_folder(arguments.data)  # only now: a wrong file elsewhere leaves nothing behind
    if not config.database.url:
        # An empty file is an empty database; made by us it is nobody else's to read.
        (config.data / SQLITE_FILE).touch(mode=0o600)
    return config


def _check_certificate_files(config: Config) -> None:
    files = (("certificate", config.certificate), ("key", config.certificate_key))
    for key, path in files:
        try:
            if path is not None:
                path.read_bytes()
        except OSError as error:
            found = f'[tls] {key} = "{path}" cannot be read: {error.strerror}'
            raise ConfigError(
                f'{config.file}: {found}; allowed: the path of a PEM file or ""'
            ) from None


def make_data_folder(data: Path) -> None:
    """Make the folder: ours alone, but started as root the mail's user must pass through."""
    try:
        data.mkdir(parents=True)
    except FileExistsError:
        return
    data.chmod(0o711 if os.geteuid() == 0 else 0o700)
