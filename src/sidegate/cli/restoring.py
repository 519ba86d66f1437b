"""`sidegate restore`: everything is proved before anything is written."""

from __future__ import annotations

import os
import shutil
import tempfile
from argparse import Namespace
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from sidegate.cli.archive_names import CONFIG_NAME, KEYS, MAIL, ROWS_NAME, TLS, read_passphrase
from sidegate.cli.errors import DONE, USAGE, Failure
from sidegate.cli.output import print_json, say
from sidegate.cli.serving import make_data_folder
from sidegate.config import Config, ConfigError, load_config
from sidegate.config.loading import FILE_NAME, default_text
from sidegate.mailserver.places import MARKER, MailUser, Places, find_places
from sidegate.storage.archive import Archive, open_archive
from sidegate.storage.database import SQLITE_FILE
from sidegate.storage.targets import is_empty, migrations

_MAILDIR = ("cur", "new", "tmp")
_SHOWS_MAILDIR = ("dovecot-uidlist", "maildirfolder")


def restore(arguments: Namespace) -> int:
    """Prove the backup and the target, then write."""
    passphrase = read_passphrase()
    data = Path(os.path.abspath(arguments.data))  # noqa: PTH100 - as `load_config` does it
    _check_empty(data, "the data folder")
    with arguments.file.open("rb") as file:
        archive = open_archive(file, passphrase=passphrase)
        config_text = _config_text(archive, arguments.config)
        config = _config(config_text, data, arguments.config)
        _check_target(config, archive)
        try:
            _write(config, config_text, archive)
            config = load_config(data)
            accounts = _bring_up_to_date(config, archive)
        except BaseException:
            _undo(config)
            raise
    if arguments.json:
        print_json({"data": str(config.data), "accounts": accounts})
    else:
        say(f"Restored into {config.data}: {accounts} accounts. Start with sidegate serve.")
    return DONE


def _check_empty(folder: Path, what: str) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Failure(f"{what} {folder} is not empty: nothing was restored")


def _config_text(archive: Archive, file: Path | None) -> bytes:
    """The file that was named wins over the one in the backup."""
    if file is not None:
        return file.read_bytes()
    return archive.secrets.get(CONFIG_NAME, default_text().encode())


def _config(text: bytes, data: Path, named: Path | None) -> Config:
    """Check the configuration outside the data folder: nothing is written there yet."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FILE_NAME
        file.write_bytes(text)
        try:
            return load_config(data, file)
        except ConfigError as error:
            where = str(named or f"{CONFIG_NAME} in the backup")
            said = str(error).replace(str(file), where)
            raise Failure(f"{said}; name another file with --config", status=USAGE) from None


def _check_target(config: Config, archive: Archive) -> None:
    if archive.facts.get("migration") not in migrations():
        raise Failure("the backup is of a newer Sidegate: restore it with that version")
    if archive.facts["database"] == SQLITE_FILE and config.database.url:
        raise Failure(
            "the backup holds a SQLite database and [database] url names PostgreSQL: "
            'name a configuration with url = "" by --config'
        )
    if config.database.url and not is_empty(config.database.url):
        raise Failure("the database that [database] url names is not empty: nothing was restored")
    _check_empty(config.keys_folder, "the folder of keys")


def _write(config: Config, config_text: bytes, archive: Archive) -> None:
    make_data_folder(config.data)
    _write_file(config.data / FILE_NAME, config_text)
    for name, content in archive.secrets.items():
        folder, _, rest = name.partition("/")
        if folder + "/" == KEYS:
            _write_file(config.keys_folder / rest, content)
        elif folder + "/" == TLS:
            _write_file(config.data / folder / rest, content)
    places = _places(config, archive)
    for member in archive.members():
        if member.name in (SQLITE_FILE, ROWS_NAME):
            _copy(member.stream, config.data / member.name)
        elif member.name.startswith(MAIL) and places is not None:
            _write_mail(member.name.removeprefix(MAIL), member.stream, places)


def _places(config: Config, archive: Archive) -> Places | None:
    wanted = archive.facts.get("mail") and config.mailserver.private
    return find_places(config.data, config.mailserver.user) if wanted else None


def _write_mail(name: str, stream: IO[bytes], places: Places) -> None:
    target = places.mail / name
    owner = places.user
    _make_folders(places.mail, target.parent, owner)
    if target.parent.name in _MAILDIR:
        _make_maildir(places.mail, target.parent.parent, owner)
    elif target.name in _SHOWS_MAILDIR:
        _make_maildir(places.mail, target.parent, owner)
    _copy(stream, target)
    if owner is not None:
        os.chown(target, owner.uid, owner.gid)


def _make_maildir(top: Path, folder: Path, owner: MailUser | None) -> None:
    for name in _MAILDIR:
        _make_folders(top, folder / name, owner)


def _make_folders(top: Path, folder: Path, owner: MailUser | None) -> None:
    """Make a folder below `top` and those between, 0700 and the mail user's."""
    for part in reversed([folder, *folder.parents]):
        if top in part.parents and not part.exists():
            part.mkdir(mode=0o700)
            if owner is not None:
                os.chown(part, owner.uid, owner.gid)


def _write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _new_file(path) as file:
        file.write(content)


def _copy(stream: IO[bytes], path: Path) -> None:
    with _new_file(path) as file:
        shutil.copyfileobj(stream, file)


def _new_file(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _undo(config: Config) -> None:
    """Empty what was empty before: half of an installation would only mislead."""
    marker = config.data / MARKER
    if marker.exists():
        shutil.rmtree(marker.read_text(encoding="utf-8").strip(), ignore_errors=True)
    for folder in (config.data, config.keys_folder):
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _bring_up_to_date(config: Config, archive: Archive) -> int:
    """Load rows where there are some, migrate, and forget what was open; counts accounts."""
    room: Any = import_module("sidegate.serve")
    room.setup(config)
    snapshot: Any = import_module("sidegate.storage.snapshot")
    rows = config.data / ROWS_NAME
    if rows.exists():
        with rows.open("rb") as file:
            snapshot.load_rows(file, migration=archive.facts["migration"])
        rows.unlink()
    import_module("sidegate.storage.schema").migrate()
    snapshot.forget_what_was_open()
    models: Any = import_module("sidegate.storage.models")
    accounts: int = models.Account.objects.count()
    return accounts
