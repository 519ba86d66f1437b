"""Calls by a program of the operator's: the script of the page about gateways.

espeak-ng is the real one. `ssh`, through which the script reaches whatever dials, is a
stand-in that keeps what it was given.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from pathlib import Path

import pytest

from peers import require
from sidegate import texts
from sidegate.config.gateways import Exec
from sidegate.senders.exec import ExecGateway
from sidegate.senders.gateway import Message, NotNow, Sent

pytestmark = pytest.mark.long  # espeak-ng is installed for those alone

CODE = "907561"
NUMBER = "+37120000007"
PAGE = Path(__file__).parents[2] / "docs" / "operators" / "gateways.md"
SSH = '#!/bin/sh\necho "$*" >{folder}/dialled\ncat >{folder}/played.wav\nexit {status}\n'


def spoken(language: str, code: str = CODE) -> str:
    return texts.spoken_code(language, name="Example", code=code)


def voice(language: str, text: str) -> bytes:
    """What espeak-ng makes of a text with a pause in the place of each mark."""
    words = [str(require("espeak-ng")), "-v", language, "-s", "120", "--stdin", "--stdout"]
    text = re.sub("[:,.]", "\n\n", text)
    return subprocess.run(words, input=text.encode(), capture_output=True, check=True).stdout


def call(folder: Path, monkeypatch: pytest.MonkeyPatch, language: str, *, status: int = 0) -> Sent:
    require("espeak-ng")
    [script] = re.findall(r"```sh\n(#!/bin/sh\n# Calls.*?)```", PAGE.read_text(), re.DOTALL)
    for name, text in (("call", script), ("ssh", SSH.format(folder=folder, status=status))):
        (folder / name).write_text(text)
        (folder / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    message = Message(
        id="7-1",
        number=NUMBER,
        channel="voice",
        code=CODE,
        text=spoken(language),
        language=language,
    )
    return asyncio.run(ExecGateway("mine", Exec(command=(str(folder / "call"),))).send(message))


@pytest.mark.parametrize("language", ["en", "lv"])
def test_the_script_of_the_page_speaks_the_code_in_the_person_s_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    assert call(tmp_path, monkeypatch, language) == Sent("")
    assert (tmp_path / "dialled").read_text() == f"telephone.example.test call-and-play {NUMBER}\n"
    played = (tmp_path / "played.wav").read_bytes()
    assert played == voice(language, spoken(language))
    assert played != voice(language, spoken(language, "907562"))
    assert played != voice("lv" if language == "en" else "en", spoken(language))


def test_what_cannot_be_dialled_is_surely_not_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotNow, match="refused"):
        call(tmp_path, monkeypatch, "en", status=255)
