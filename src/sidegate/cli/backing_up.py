"""`sidegate backup`."""

from __future__ import annotations

import io
import os
import secrets
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from sidegate.accounts.context import Context
from sidegate.cli.archive_names import CONFIG_NAME, KEYS, MAIL, ROWS_NAME, TLS, read_passphrase
from sidegate.cli.errors import DONE, Failure
from sidegate.cli.output import print_json, say, say_aside
from sidegate.cli.parser import version
from sidegate.config import Config
from sidegate.mailserver.places import find_places
from sidegate.storage import snapshot
from sidegate.storage.archive import Contents, Member, write_archive
from sidegate.storage.database import SQLITE_FILE
from sidegate.storage.mail_files import mail_files
from sidegate.storage.models import Account
from sidegate.wire.times import rfc3339


def backup(ctx: Context, arguments: Namespace) -> int:
    """Write everything that a restore needs into one file."""
    passphrase = read_passphrase()
    config, target = ctx.config, arguments.file
    mail = _mail_folder(config) if arguments.with_mail else None
    facts = {
        "made": rfc3339(ctx.now()),
        "sidegate": version(),
        "migration": snapshot.last_migration(),
        "database": SQLITE_FILE if not config.database.url else ROWS_NAME,
        "mail": bool(arguments.with_mail),
    }
    # Copied first: the rest may take long, and a key that is newer than the copy does no harm.
    with tempfile.TemporaryDirectory(dir=config.data, prefix=".backup-") as folder:
        database = Path(folder) / str(facts["database"])
        _snapshot(config, database)
        accounts = Account.objects.count()
        contents = Contents(_members(database, mail), _secrets(config), facts)
        count = write_archive(
            target, passphrase=passphrase, contents=contents, random=secrets.token_bytes
        )
    size = target.stat().st_size
    if arguments.json:
        print_json({"file": str(target), "bytes": size, "accounts": accounts, "mail": count - 1})
    else:
        say(f"Wrote {target}: {accounts} accounts, {count - 1} mail files, {size} bytes.")
    say_aside(
        "Keep the passphrase: the keys in the backup are sealed with it, and without the keys "
        "every app password is lost."
    )
    return DONE


def _snapshot(config: Config, target: Path) -> None:
    if not config.database.url:
        snapshot.copy_sqlite(config.data / SQLITE_FILE, target)
        return
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - a descriptor
        snapshot.dump_rows(file)


def _members(database: Path, mail: Path | None) -> Iterator[Member]:
    with database.open("rb") as file:
        yield Member(database.name, database.stat().st_size, file)
    if mail is not None:
        for name, content in mail_files(mail):
            yield Member(MAIL + name, len(content), io.BytesIO(content))


def _mail_folder(config: Config) -> Path:
    if not config.mailserver.private:
        raise Failure(
            "--with-mail is for the private Dovecot's mail, and [mailserver] private = false"
        )
    return find_places(config.data, config.mailserver.user).mail


def _secrets(config: Config) -> dict[str, bytes]:
    """What is sealed: keys, the configuration (it may hold a password), the certificate."""
    found = {
        KEYS + path.name: path.read_bytes()
        for path in sorted(config.keys_folder.iterdir())
        if path.is_file() and not path.name.startswith(".")
    }
    if config.file.exists():
        found[CONFIG_NAME] = config.file.read_bytes()
    for path in sorted((config.data / TLS).glob("*.pem")):
        found[TLS + path.name] = path.read_bytes()
    return found
