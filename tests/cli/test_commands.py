from __future__ import annotations

import json
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import PASSWORD, Commands, migrated


def test_the_life_of_an_account(commands: Commands) -> None:
    added = commands.apart.done(
        "account", "add", "Anna@Example.test", "--name", "Anna B", "--password-stdin",
        stdin=f"{PASSWORD}\nnot part of it\n",
    )  # fmt: skip
    assert added == "Added anna@example.test.\n"
    shown = commands.facts("account", "show", "ANNA+tag@example.test")
    assert shown["address"] == "anna@example.test"
    assert shown["name"] == "Anna B"
    assert (shown["enabled"], shown["two_step"]) == (True, False)
    assert commands.done("account", "disable", "anna@example.test").endswith("is disabled.\n")
    assert commands.done("account", "disable", "anna@example.test").endswith("already.\n")
    assert commands.facts("account", "list")[0]["enabled"] is False
    assert "disabled" in commands.apart.done("account", "list")
    commands.done("account", "enable", "anna@example.test")
    assert "enabled" in commands.done("account", "show", "anna@example.test")
    assert commands.facts("account", "two-step", "off", "anna@example.test") == {
        "address": "anna@example.test",
        "was_on": False,
        "revoked": 0,
    }


def test_the_life_of_an_app_password(commands: Commands) -> None:
    commands.add("bea@example.test")
    made = commands.facts(
        "app-password", "add", "bea@example.test", "--app", "mail", "--device", "mac"
    )
    assert set(made) == {"id", "password"}
    assert re.fullmatch(r"[a-z]{16}", made["password"])
    second = commands.apart.run(
        "app-password", "add", "bea@example.test", "--app", "other", "--device", "printer",
        "--scope", "submission",
    )  # fmt: skip
    assert re.fullmatch(r"([a-z]{4} ){3}[a-z]{4}\n", second.stdout)
    assert second.stdout.strip() not in second.stderr
    rows = commands.facts("app-password", "list", "bea@example.test")
    assert [set(row) for row in rows] == [
        {
            "id",
            "name",
            "app",
            "device",
            "scopes",
            "created",
            "last_used",
            "state",
            "expires",
            "networks",
            "sender",
            "daily",
        }
    ] * 2
    assert rows[0]["scopes"] == ["imap", "pop3", "submission"]
    assert rows[1]["scopes"] == ["submission"]
    assert rows[1]["name"] == "Other · Scanner or printer"
    assert rows[1]["last_used"] is None
    which = ("bea@example.test", str(made["id"]))
    assert commands.done("app-password", "pause", *which).endswith("is paused.\n")
    assert commands.done("app-password", "pause", *which).endswith("is paused already.\n")
    assert commands.facts("app-password", "list", which[0])[0]["state"] == "paused"
    assert commands.done("app-password", "resume", *which).endswith("is active.\n")
    said = commands.done("app-password", "rename", *which, "Old phone")
    assert said == f"App password {made['id']} is called Old phone.\n"
    assert "no active app password 999" in commands.failed("app-password", "pause", which[0], "999")
    revoke = ("app-password", "revoke", "bea@example.test")
    assert commands.facts(*revoke, str(made["id"]))["revoked"] == 1
    assert "no active app password" in commands.failed(*revoke, str(made["id"]))
    assert commands.facts(*revoke)["revoked"] == 1
    states = [row["state"] for row in commands.facts("app-password", "list", "bea@example.test")]
    assert states == ["revoked", "revoked"]
    told = commands.done("account", "show", "bea@example.test", "--json") + commands.done("events")
    for secret in (made["password"], second.stdout.strip(), PASSWORD):
        assert secret not in told
        assert secret.replace(" ", "") not in told


def test_choices_for_an_app_password(commands: Commands) -> None:
    commands.add("bobo@example.test")
    add = ("app-password", "add", "bobo@example.test", "--app", "other", "--device", "printer")
    commands.done(
        *add, "--name", "Hall", "--expires", "30d", "--network", "192.0.2.0/24",
        "--network", "2001:db8::1", "--sender", "bobo+hall@example.test", "--daily", "20",
    )  # fmt: skip
    [row] = commands.facts("app-password", "list", "bobo@example.test")
    assert (row["name"], row["scopes"], row["state"]) == ("Hall", ["submission"], "active")
    assert row["networks"] == ["192.0.2.0/24", "2001:db8::1/128"]
    assert (row["sender"], row["daily"]) == ("bobo+hall@example.test", 20)
    assert row["expires"] > row["created"]
    for wrong, said in (
        (("--network", "office"), "neither an address nor a network"),
        (("--expires", "2026-01-01"), "This day is over"),
        (("--scope", "imap"), "only sends"),
        (("--sender", "other@example.test"), "not your address"),
    ):
        assert said in commands.failed(*add, *wrong)
    assert "--expires 'soon'" in commands.failed(*add, "--expires", "soon", status=2)


def test_a_new_password_revokes_app_passwords(commands: Commands) -> None:
    commands.add("cora@example.test")
    commands.done("app-password", "add", "cora@example.test", "--app", "mail", "--device", "mac")
    said = commands.done(
        "account", "password", "cora@example.test", "--password-stdin", stdin="another long one\n"
    )
    assert "another long one" not in said
    assert commands.facts("account", "list")[-1]["app_passwords"] == 0


@pytest.mark.parametrize(
    "command",
    [
        ["account", "show"],
        ["account", "disable"],
        ["account", "two-step", "off"],
        ["account", "recovery", "stop"],
        ["app-password", "list"],
        ["app-password", "revoke"],
        ["events", "--account"],
    ],
)
def test_an_unknown_address(commands: Commands, command: list[str]) -> None:
    said = commands.failed(*command, "nobody@example.test")
    assert "there is no account 'nobody@example.test'" in said


def test_what_an_account_cannot_be(commands: Commands) -> None:
    add = ("account", "add", "--password-stdin")
    assert "email address" in commands.failed(*add, "anna", stdin=f"{PASSWORD}\n")
    said = commands.failed(*add, "dora@example.test", stdin="sh0rt\n")
    assert "sh0rt" not in said
    assert "standard input" in commands.failed(*add, "dora@example.test", status=2)
    commands.add("dora@example.test")
    assert "already" in commands.failed(*add, "Dora@example.test", stdin=f"{PASSWORD}\n")


def test_without_a_terminal_the_way_in_is_named(commands: Commands) -> None:
    said = commands.failed("account", "add", "eve@example.test", status=2)
    assert "--password-stdin" in said


def test_app_passwords_wait_for_two_step(tmp_path: Path) -> None:
    plain = migrated(tmp_path / "data")
    plain.add("anna@example.test")
    said = plain.failed(
        "app-password", "add", "anna@example.test", "--app", "mail", "--device", "mac"
    )
    assert "2-Step Verification" in said


def test_events_since_and_of_one_account(commands: Commands) -> None:
    commands.add("fay@example.test")
    events = commands.facts("events", "--account", "fay@example.test", "--since", "5m")
    assert [event["kind"] for event in events] == ["account-added"]
    assert events[0]["account"] == "fay@example.test"
    assert events[0]["detail"] == {"by": "operator"}
    assert commands.facts("events", "--since", "2099-01-01") == []
    assert "--since" in commands.failed("events", "--since", "soon", status=2)


def test_following_events_ends_cleanly(commands: Commands) -> None:
    commands.add("gwen@example.test")
    words = ["events", "--follow", "--json", "--account", "gwen@example.test"]
    # Tests that run in the background ignore Ctrl-C, and so would what they start.
    start = ["env", "--default-signal=INT", sys.executable, "-m", "sidegate", *words]
    with subprocess.Popen(
        [*start, "--data", str(commands.data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert json.loads(process.stdout.readline())["kind"] == "account-added"
            commands.done("account", "disable", "gwen@example.test")
            assert json.loads(process.stdout.readline())["kind"] == "account-disabled"
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()


def test_migrate_again_and_the_modes_of_files(tmp_path: Path) -> None:
    commands = Commands(tmp_path / "data")
    assert commands.apart.done("migrate").startswith("Applied storage.0001_initial.\n")
    assert commands.done("migrate") == "The database is up to date.\n"
    for path in (commands.data / "sidegate.sqlite3", *(commands.data / "keys").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_on_sqlite_no_command_waits_for_the_driver_of_postgresql(commands: Commands) -> None:
    text = (
        "import sys; from sidegate.cli import main; assert main(sys.argv[1:]) == 0; "
        "assert not {'psycopg', 'psycopg_pool', 'sidegate.storage.migrations',"
        " 'django.db.migrations.executor'} & set(sys.modules)"
    )
    words = [sys.executable, "-c", text, "account", "list", "--data", str(commands.data)]
    subprocess.run(words, check=True, capture_output=True)


def test_a_missing_key_or_table_is_one_line(tmp_path: Path) -> None:
    damaged = migrated(tmp_path / "data")
    (damaged.data / "sidegate.sqlite3").write_bytes(b"")
    assert "run sidegate migrate" in damaged.failed("account", "list")
    (damaged.data / "sidegate.sqlite3").write_bytes(b"this is no database" * 100)
    assert "the database cannot be used" in damaged.failed("account", "list")
    key = damaged.data / "keys" / "digest-1.key"
    key.chmod(0o644)
    assert "chmod 600" in damaged.failed("account", "list")


def test_a_database_that_is_away(tmp_path: Path) -> None:
    url = "postgresql://sidegate:hunter2@127.0.0.1:1/none"
    data = tmp_path / "data"
    data.mkdir()
    (data / "sidegate.toml").write_text(f'[database]\nurl = "{url}"\n')
    said = Commands(data).apart.failed("migrate")
    assert "the database cannot be used" in said
    assert "hunter2" not in said


def test_output_into_a_closed_pipe(commands: Commands) -> None:
    shell = f"{sys.executable} -m sidegate events --data {commands.data} | true"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_a_list_of_breached_passwords(tmp_path: Path) -> None:
    commands = migrated(tmp_path / "data")
    leaked, plain = "tulips in the snow", tmp_path / "list.txt"
    found = {one["what"]: one for one in json.loads(commands.run("check", "--json").stdout)}
    assert found["breached passwords"]["state"] == "warning"
    plain.write_text(f"{leaked}\nanother of them\n")
    made = commands.apart.facts("passwords", "learn", str(plain))
    assert made["passwords"] == 2
    assert made["bytes"] == Path(made["file"]).stat().st_size
    said = commands.failed(
        "account", "add", "leak@example.test", "--password-stdin", stdin=f"{leaked}\n"
    )
    assert "stolen somewhere" in said
    assert leaked not in said
    assert "breached passwords: 2 on the list" in commands.run("check").stdout
    plain.write_bytes(b"\0")
    assert "is no text" in commands.failed("passwords", "learn", str(plain))
    assert "list.txt2 is no file" in commands.failed("passwords", "learn", f"{plain}2")
    Path(made["file"]).write_text("damaged")
    said = commands.failed(
        "account", "add", "leak@example.test", "--password-stdin", stdin=f"{leaked}\n"
    )
    assert "is damaged: make it anew" in said
    found = {one["what"]: one for one in json.loads(commands.run("check", "--json").stdout)}
    assert found["breached passwords"]["state"] == "problem"


def test_no_list_where_there_is_no_data_folder(tmp_path: Path) -> None:
    said = Commands(tmp_path / "none").failed("passwords", "learn", str(tmp_path))
    assert "there is no data folder" in said
