from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sidegate.cli import main


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("sidegate: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        ["account"],
        ["account", "add"],
        ["app-password", "add", "a@example.test", "--app", "mail", "--device", "fridge"],
        ["app-password", "add", "a@example.test", "--app", "x", "--device", "mac"],
        ["serve", "--only", "kitchen"],
        ["backup", "x.tar"],
        ["app-password", "revoke", "a@example.test", "x"],
    ],
)
def test_usage_errors_are_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "--help" in said(capsys)


def test_a_wrong_scope_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    words = "app-password add a@example.test --app mail --device mac --scope imap,web"
    assert main(words.split()) == 2
    assert "imap, pop3, submission" in said(capsys)


@pytest.mark.parametrize("command", [["account", "list"], ["events"], ["migrate"], ["check"]])
def test_a_wrong_key_ends_every_command(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sidegate.toml").write_text('[server]\nnmae = "x"\n')
    assert main([*command, "--data", str(tmp_path)]) == 2
    assert 'did you mean "name"?' in said(capsys)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".toml") == []


def test_a_wrong_file_elsewhere_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = tmp_path / "mine.toml", tmp_path / "data"
    file.write_text('[server]\nnmae = "x"\n')
    assert main(["serve", "--data", str(data), "--config", str(file)]) == 2
    assert "nmae" in said(capsys)
    assert not data.exists()


@pytest.mark.parametrize("key", ["certificate", "key"])
def test_a_certificate_that_is_not_there_starts_nothing(
    key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"certificate": "there.pem", "key": "there.pem", key: "gone.pem"}
    lines = "\n".join(f'{name} = "{value}"' for name, value in names.items())
    (tmp_path / "sidegate.toml").write_text(f"[tls]\n{lines}\n")
    (tmp_path / "there.pem").touch()
    assert main(["serve", "--data", str(tmp_path)]) == 2
    line = said(capsys)
    assert f"[tls] {key} = " in line
    assert "gone.pem" in line
    assert not (tmp_path / "keys").exists()


def test_no_data_folder_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", "list", "--data", str(tmp_path / "none")]) == 1
    assert "run sidegate serve or sidegate migrate first" in said(capsys)
    assert not (tmp_path / "none").exists()


def test_an_empty_data_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", "list", "--data", str(tmp_path)]) == 1
    assert "there are no keys" in said(capsys)
    assert list(tmp_path.iterdir()) == []


def test_help_and_version_load_no_framework() -> None:
    for word in ("--help", "--version"):
        text = (
            "import sys; from sidegate.cli import main; "
            f"assert main([{word!r}]) == 0; "
            "assert not {'django', 'cryptography', 'asyncio', 'psycopg'} & set(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", text], check=True, capture_output=True)
