from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from peers import require
from sidegate.mailserver.dovecot_conf import (
    DovecotSettings,
    Listeners,
    Relay,
    render,
    write_private,
)
from sidegate.mailserver.errors import MailServerError

SETTINGS = DovecotSettings(
    listeners=Listeners(imap=("127.0.0.1", 2143), submissions=("::1", 2465)),
    certificate=Path("/c/tls.crt"),
    key=Path("/c/my keys/tls.key"),
    client_socket=Path("/r/auth-client.sock"),
    master_socket=Path("/r/auth-master.sock"),
    base=Path("/r/dovecot"),
    relay=Relay(host="127.0.0.1", port=2525, user="sidegate", secret="very-secret"),
    user="nobody",
    group="nogroup",
    uid=65534,
    hostname="mail.example.test",
)


def understood(settings: DovecotSettings, folder: Path) -> list[str]:
    """What Dovecot itself reads."""
    require("dovecot")
    config = folder / "dovecot.conf"
    config.write_text(render(settings))
    told = subprocess.run(
        ["doveconf", "-n", "-P", "-c", str(config)], capture_output=True, text=True, check=True
    )
    assert told.stderr == ""
    return told.stdout.splitlines()


@pytest.fixture
def files(tmp_path: Path) -> DovecotSettings:
    """The settings with files that are there, as Dovecot reads them at once."""
    for name in ("a b.crt", "a b.key"):
        (tmp_path / name).write_text(name)
    return replace(SETTINGS, certificate=tmp_path / "a b.crt", key=tmp_path / "a b.key")


def test_dovecot_reads_what_was_meant(files: DovecotSettings, tmp_path: Path) -> None:
    lines = understood(files, tmp_path)
    for line in (
        "base_dir = /r/dovecot",
        "auth_socket_path = /r/auth-master.sock",
        "hostname = mail.example.test",
        "protocols = lmtp imap submission",
        "ssl = required",
        "imap_id_retain = yes",
        "submission_relay_password = very-secret",
        "  executable = imap-login /r/auth-client.sock",
        "  executable = submission -a /r/auth-master.sock",
        "    address = ::1",
    ):
        assert line in lines
    assert f"ssl_key = <{files.key}" in lines
    assert not any("pop3" in line for line in lines)
    assert not any(line.strip().startswith("chroot = ") and "login" in line for line in lines)


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a # b", "$user", "<x", "50%u"])
def test_no_value_means_anything_else(files: DovecotSettings, tmp_path: Path, name: str) -> None:
    settings = replace(files, relay=replace(SETTINGS.relay, secret=name))
    value = next(
        line.removeprefix("submission_relay_password = ")
        for line in understood(settings, tmp_path)
        if line.startswith("submission_relay_password")
    )
    assert value.strip('"').replace('\\"', '"').replace("\\\\", "\\") == name


@pytest.mark.parametrize(
    "settings",
    [
        replace(SETTINGS, hostname="x\nssl = no"),
        replace(SETTINGS, client_socket=Path("/r/a b.sock")),
        replace(SETTINGS, master_socket=Path("/r/" + "x" * 120)),
        replace(SETTINGS, base=Path("/r/" + "x" * 80)),
        replace(SETTINGS, certificate=Path("/c/a\nb")),
        replace(SETTINGS, key=Path("/c/a #b")),
    ],
)
def test_what_cannot_be_said_is_refused_in_one_line(settings: DovecotSettings) -> None:
    with pytest.raises(MailServerError) as refused:
        render(settings)
    assert "\n" not in refused.value.text


def test_the_secret_does_not_show() -> None:
    assert "very-secret" not in repr(SETTINGS)


def test_a_private_file_is_private_and_replaces_no_link(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("kept")
    path = tmp_path / "dovecot.conf"
    path.symlink_to(elsewhere)
    write_private(path, b"new", owner=None)
    write_private(path, b"newer", owner=None)
    assert path.read_bytes() == b"newer"
    assert path.stat().st_mode & 0o777 == 0o600
    assert elsewhere.read_text() == "kept"
