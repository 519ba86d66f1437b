"""`sidegate codes test`, and what `sidegate check` says of gateways."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from command_line import Commands, migrated

NUMBER = "+37120000042"
PROGRAM = """
import os, signal, sys, time
text = sys.stdin.read()
open(sys.argv[1], "a").write(os.environ["SIDEGATE_CHANNEL"] + " " + text.split()[0] + "\\n")
answer = sys.argv[2]
if answer == "hold":
    time.sleep(60)
print("ref-5")
raise SystemExit(int(answer))
"""


def gateway(folder: Path, name: str, answer: str) -> str:
    program = folder / "program.py"
    program.write_text(PROGRAM)
    command = json.dumps([sys.executable, "-S", str(program), str(folder / "got"), answer])
    return f'[gateway.{name}]\nkind = "exec"\ncommand = {command}\n'


def made(folder: Path, *answers: str) -> Commands:
    names = [f"g{index}" for index in range(len(answers))]
    sections = [gateway(folder, name, answer) for name, answer in zip(names, answers, strict=True)]
    listed = json.dumps(names)
    return migrated(
        folder / "data",
        f'[codes]\nsms = {listed}\nvoice = {listed}\ncountries = ["LV"]\n' + "".join(sections),
    )


def got(folder: Path) -> list[str]:
    file = folder / "got"
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


def seen(commands: Commands, *more: str) -> tuple[int, list[tuple[str, str, str]]]:
    done = commands.apart.run("codes", "test", NUMBER, "--json", *more)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(line["at"].endswith("Z") for line in lines)
    return done.returncode, [(line["state"], line["why"], line["gateway"]) for line in lines]


def test_the_next_gateway_sends_it_and_the_number_unreachable_is_said(tmp_path: Path) -> None:
    commands = made(tmp_path, "75", "67")
    status, states = seen(commands, "--call")
    assert status == 1
    assert states[-1] == ("failed", "unknown-number", "g1")
    assert got(tmp_path) == ["voice", "voice"]
    [event] = commands.facts("events")
    assert event["kind"] == "code-not-sent"
    assert event["detail"]["number"] == "••• •• 42"


def test_sent_and_a_receipt_waited_for_until_interrupted(tmp_path: Path) -> None:
    commands = made(tmp_path, "0")
    words = [sys.executable, "-m", "sidegate", "codes", "test", NUMBER]
    process = subprocess.Popen(
        [*words, "--data", str(commands.data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    while "sent:" not in lines[-1]:
        assert lines[-1]
        lines.append(process.stdout.readline())
    assert "gateway=g0  reference=ref-5" in lines[-1]
    process.send_signal(signal.SIGINT)
    _out, aside = process.communicate(timeout=20)
    assert (process.returncode, aside) == (130, "")
    assert got(tmp_path) == ["sms"]


def test_interrupted_while_a_gateway_has_it_the_end_is_open(tmp_path: Path) -> None:
    commands = made(tmp_path, "hold")
    words = [sys.executable, "-m", "sidegate", "codes", "test", NUMBER]
    process = subprocess.Popen(
        [*words, "--data", str(commands.data)], stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 20
    while not got(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    [event] = commands.facts("events")
    assert (event["kind"], event["reason"]) == ("code-sent", "code-not-sure")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["12"], "Begin with +"),
        (["+37190000000"], "not sent to numbers like this one"),
        ([NUMBER, "--call"], "[codes] voice names no gateway"),
    ],
)
def test_what_cannot_be_tried(tmp_path: Path, arguments: list[str], said: str) -> None:
    commands = migrated(tmp_path / "data", "[codes]\nvoice = []\n")
    assert said in commands.failed("codes", "test", *arguments, status=2)


def test_check_asks_the_gateways_and_sends_nothing(tmp_path: Path) -> None:
    commands = made(tmp_path, "0")
    file = commands.data / "sidegate.toml"
    more = '[gateway.gone]\nkind = "exec"\ncommand = ["/no/such/program"]\n'
    file.write_text(file.read_text().replace('voice = ["g0"]', 'voice = ["gone"]') + more)
    done = commands.run("check")
    assert "ok       gateway g0: cannot be asked without sending" in done.stdout
    assert "problem  gateway gone: does not work now: broken" in done.stdout
    assert done.returncode == 1
    assert got(tmp_path) == []
