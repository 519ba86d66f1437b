from __future__ import annotations

import imaplib
import shutil
import smtplib
import stat
import tarfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from child import Child, running
from command_line import ALWAYS, PASSWORD, Commands, migrated
from peers import require
from sidegate.cli import restoring

PASSPHRASE = "open sesame"
ANNA = "anna@example.test"


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Child, Path, str]]:
    """A backup taken while it ran, with one delivered message; the app password's letters."""
    require("dovecot")
    folder = tmp_path_factory.mktemp("b")
    with running(folder / "data", more=ALWAYS) as child:
        commands = Commands(child.data).apart
        commands.add(ANNA)
        made = commands.facts("app-password", "add", ANNA, "--app", "mail", "--device", "mac")
        with smtplib.SMTP_SSL("localhost", child.ports["submissions"], context=child.tls) as smtp:
            smtp.login(ANNA, made["password"])
            smtp.sendmail(ANNA, [ANNA], f"From: {ANNA}\r\nSubject: kept\r\n\r\nHello\r\n")
        assert b"Subject: kept" in subjects(child, made["password"])  # beside a notice to her
        told = commands.run(
            "backup", str(folder / "b.tar"), "--passphrase-stdin", "--with-mail",
            stdin=f"{PASSPHRASE}\n",
        )  # fmt: skip
        assert told.returncode == 0, told.stderr
        assert "every app password is lost" in told.stderr
    yield child, folder / "b.tar", made["password"]
    _forget_mail(child.data)


def subjects(child: Child, secret: str) -> list[bytes]:
    with imaplib.IMAP4_SSL("localhost", child.ports["imaps"], ssl_context=child.tls) as imap:
        imap.login(ANNA, secret)
        imap.select("INBOX")
        _, found = imap.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    return [part[1].strip() for part in found if isinstance(part, tuple)]


def restored(file: Path, data: Path, *more: str) -> Commands:
    commands = Commands(data)
    typed = f"{PASSPHRASE}\n"
    commands.apart.done("restore", str(file), "--passphrase-stdin", *more, stdin=typed)
    return commands


def refused(file: Path, data: Path, passphrase: str = PASSPHRASE, *more: str) -> str:
    return Commands(data).failed(
        "restore", str(file), "--passphrase-stdin", *more, stdin=f"{passphrase}\n"
    )


def test_after_restore_the_app_password_signs_in_and_the_mail_is_there(
    backed_up: tuple[Child, Path, str], tmp_path: Path
) -> None:
    old, file, secret = backed_up
    data = tmp_path / "d"
    restored(file, data)
    for path in (*data.glob("*.sqlite3"), *data.glob("*.toml"), *data.glob("keys/*")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((data / "keys").stat().st_mode) == 0o700
    shutil.copy(old.data / "ports.json", data)
    with running(data) as child:
        assert b"Subject: kept" in subjects(child, secret)
        commands = Commands(data).apart
        rows = commands.facts("app-password", "list", ANNA)
        assert [row["state"] for row in rows] == ["active"]
        found = {line["what"]: line["state"] for line in commands.facts("check")}
        assert found.pop("codes") == "warning"
        assert found.pop("breached passwords") == "warning"  # no list was supplied
        assert set(found.values()) == {"ok"}, found
        assert {"running", "door for mail servers", "door for mailboxes", "imaps"} <= set(found)
    _forget_mail(data)


def test_the_backup_shows_no_key_and_no_configuration(
    backed_up: tuple[Child, Path, str],
) -> None:
    old, file, _ = backed_up
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    raw = file.read_bytes()
    key = (old.data / "keys" / "digest-1.key").read_bytes().strip()
    assert key not in raw
    assert bytes.fromhex(key.decode()) not in raw
    assert b"[listen]" not in raw
    with tarfile.open(file) as tar:
        assert tar.getnames()[0] == "sidegate.sqlite3"


def test_what_is_refused_writes_nothing(backed_up: tuple[Child, Path, str], tmp_path: Path) -> None:
    _, file, _ = backed_up
    data = tmp_path / "d"
    assert "passphrase is wrong" in refused(file, data, "open barley")
    said = Commands(data).failed(
        "restore", str(file), "--passphrase-stdin", stdin="short\n", status=2
    )
    assert "at least 8" in said
    broken = tmp_path / "broken.tar"
    broken.write_bytes(file.read_bytes()[:-20_000])
    assert "nothing was restored" in refused(broken, data)
    assert "No such file" in refused(tmp_path / "none.tar", data)
    assert not data.exists()
    data.mkdir()
    (data / "x").touch()
    assert "is not empty" in refused(file, data)
    assert [path.name for path in data.iterdir()] == ["x"]


def test_a_backup_is_never_written_over(tmp_path: Path) -> None:
    commands = migrated(tmp_path / "data")
    file = tmp_path / "b.tar"
    backup = ("backup", str(file), "--passphrase-stdin")
    assert "at least 8" in commands.failed(*backup, stdin="1234567\n", status=2)
    assert not file.exists()
    assert commands.facts(*backup, stdin=f"{PASSPHRASE}\n")["accounts"] == 0
    assert "exists already" in commands.failed(*backup, stdin=f"{PASSPHRASE}\n")
    assert sorted(path.name for path in commands.data.iterdir()) == [
        "keys",
        "sidegate.sqlite3",
        "sidegate.toml",
    ]


def test_postgresql_restores_into_either_database(postgres_url: str, tmp_path: Path) -> None:
    url = _new_database(postgres_url, "backed_up")
    commands = migrated(tmp_path / "data", f'{ALWAYS}\n[database]\nurl = "{url}"\n')
    commands.add(ANNA)
    commands.done("app-password", "add", ANNA, "--app", "mail", "--device", "mac")
    file = tmp_path / "b.tar"
    commands.done("backup", str(file), "--passphrase-stdin", stdin=f"{PASSPHRASE}\n")
    assert url.encode() not in file.read_bytes()
    expected = commands.facts("app-password", "list", ANNA), commands.facts("events")

    assert "is not empty" in refused(file, tmp_path / "again")
    assert not (tmp_path / "again").exists()
    for name, where in (("sqlite", ""), ("other", _new_database(postgres_url, "restored"))):
        toml = tmp_path / f"{name}.toml"
        toml.write_text(f'{ALWAYS}\n[database]\nurl = "{where}"\n')
        copy = restored(file, tmp_path / name, "--config", str(toml))
        assert (copy.facts("app-password", "list", ANNA), copy.facts("events")) == expected
        # Numbers go on where they were.
        copy.done("account", "add", "b@example.test", "--password-stdin", stdin=f"{PASSWORD}\n")


def test_sqlite_does_not_restore_into_postgresql(postgres_url: str, tmp_path: Path) -> None:
    commands = migrated(tmp_path / "data")
    file = tmp_path / "b.tar"
    commands.done("backup", str(file), "--passphrase-stdin", stdin=f"{PASSPHRASE}\n")
    toml = tmp_path / "other.toml"
    toml.write_text(f'[database]\nurl = "{postgres_url}"\n')
    said = refused(file, tmp_path / "copy", PASSPHRASE, "--config", str(toml))
    assert "holds a SQLite database" in said
    assert not (tmp_path / "copy").exists()


def _forget_mail(data: Path) -> None:
    """Started as root, the mail lies where its user can enter, outside the tests' folder."""
    marker = data / "mail-folder"
    if marker.exists():
        shutil.rmtree(marker.read_text().strip())


def test_a_restore_that_fails_midway_leaves_nothing(
    backed_up: tuple[Child, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, file, _ = backed_up

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "there")

    monkeypatch.setattr("sidegate.cli.restoring._bring_up_to_date", full)
    monkeypatch.setattr("sidegate.cli.restoring.read_passphrase", lambda: PASSPHRASE)
    data = tmp_path / "d"
    arguments = Namespace(file=file, data=data, config=None, json=False)
    with pytest.raises(OSError, match="No space"):
        restoring.restore(arguments)
    assert list(data.iterdir()) == []


def _new_database(url: str, name: str) -> str:
    with psycopg.connect(url, autocommit=True) as connected:
        connected.execute(f"CREATE DATABASE {name}".encode())
    return url.replace("/postgres?", f"/{name}?")
