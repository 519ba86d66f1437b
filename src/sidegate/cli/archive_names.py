"""What backup and restore agree on: the names inside the file, and the passphrase."""

from __future__ import annotations

from sidegate.cli.errors import USAGE, Failure
from sidegate.cli.secrets_in import first_line_of_stdin

CONFIG_NAME = "sidegate.toml"
ROWS_NAME = "database.jsonl"
KEYS, MAIL, TLS = "keys/", "mail/", "tls/"

_SHORTEST = 8


def read_passphrase() -> str:
    """The passphrase from standard input."""
    passphrase = first_line_of_stdin("passphrase")
    if len(passphrase) < _SHORTEST:
        raise Failure(f"the passphrase needs at least {_SHORTEST} characters", status=USAGE)
    return passphrase
