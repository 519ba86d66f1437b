"""Dialogs of the authentication protocol, played against a running door.

The files in `dialogs/` read like the protocol's own description. Two or more spaces
stand for one tab, lines that begin with # are remarks, and:

    --- client [NAME]      go on on (or open) a client connection
    --- master [NAME]      go on on (or open) a master connection
    --- handshake PID      VERSION and CPID, and the server's side up to DONE
    --- greeting           the master's VERSION, and the server's side
    --- wait SECONDS
    C: …                   sent
    S: …                   the very next line received
    S: (nothing)           nothing arrives within 0.05 s
    S: (closes)            the connection ends, nothing having been left to read
    <plain:login:secret>   the message of SASL PLAIN, in base64
    <base64:text>          base64; both know \\xNN
    <many:x:1000>          a thousand times x; may stand inside the others
    <cookie>               the cookie of the last handshake
    <number>, <hex>        any number; any 32 hexadecimal digits
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
from pathlib import Path

import pytest

from doors.nullparts import OpenDoor, RunningDoor

DIALOGS = sorted((Path(__file__).parent / "dialogs").glob("*.txt"))
WAIT = 5.0
MANY = re.compile(r"<many:(\w+):(\d+)>")
MACRO = re.compile(r"<(plain|base64):([^>]*)>")


def _bytes(text: str) -> bytes:
    return re.sub(
        rb"\\x([0-9a-fA-F]{2})", lambda found: bytes.fromhex(found[1].decode()), text.encode()
    )


def _expand(found: re.Match[str]) -> str:
    kind, value = found.groups()
    if kind == "plain":
        login, secret = value.split(":")
        value = f"\\x00{login}\\x00{secret}"
    return base64.b64encode(_bytes(value)).decode()


class Player:
    """Plays one dialog."""

    def __init__(self, door: RunningDoor) -> None:
        self.door = door
        self.cookie = ""
        self.open: dict[str, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
        self.at = ""

    def line(self, text: str) -> str:
        text = MANY.sub(lambda found: found[1] * int(found[2]), text)
        text = MACRO.sub(_expand, text.replace("<cookie>", self.cookie))
        return re.sub(r" {2,}", "\t", text)

    async def go_to(self, socket: str, name: str) -> None:
        self.at = f"{socket} {name}"
        if self.at not in self.open:
            path = self.door.client if socket == "client" else self.door.master
            self.open[self.at] = await self.door.connect(path)

    async def say(self, text: str) -> None:
        writer = self.open[self.at][1]
        writer.write(_bytes(self.line(text)) + b"\n")
        with contextlib.suppress(ConnectionError):
            await writer.drain()

    async def hear(self, text: str) -> None:
        reader = self.open[self.at][0]
        if text == "(nothing)":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.readline(), 0.05)
            return
        try:
            got = await asyncio.wait_for(reader.readline(), WAIT)
        except ConnectionError:
            got = b""
        if text == "(closes)":
            assert got == b""
            return
        shown = got.decode().rstrip("\n").replace("\t", "  ")
        wanted = re.escape(self.line(text).replace("\t", "  "))
        wanted = wanted.replace("<number>", "[0-9]+").replace("<hex>", "[0-9a-f]{32}")
        assert re.fullmatch(wanted, shown), f"{text!r} was expected, {shown!r} came"

    async def handshake(self, process: str) -> None:
        await self.say("VERSION  1  2")
        await self.say(f"CPID  {process}")
        reader = self.open[self.at][0]
        while (line := await asyncio.wait_for(reader.readline(), WAIT)) != b"DONE\n":
            if line.startswith(b"COOKIE\t"):
                self.cookie = line.split()[1].decode()

    async def step(self, line: str) -> None:
        match line.split():
            case ["---", "client" | "master" as socket, *name]:
                await self.go_to(socket, "".join(name))
            case ["---", "handshake", process]:
                await self.handshake(process)
            case ["---", "greeting"]:
                await self.say("VERSION  1  1")
                await self.hear("VERSION  1  1")
                await self.hear("SPID  <number>")
            case ["---", "wait", seconds]:
                await asyncio.sleep(float(seconds))
            case ["C:", *_]:
                await self.say(line[2:].lstrip())
            case ["S:", *_]:
                await self.hear(line[2:].lstrip())
            case _:
                raise AssertionError(f"not a line of a dialog: {line}")

    async def play(self, lines: list[str]) -> None:
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                try:
                    await self.step(line)
                except Exception as problem:
                    raise AssertionError(f"line {number}: {line}\n{problem}") from problem


@pytest.mark.parametrize("file", DIALOGS, ids=lambda file: file.stem)
def test_dialog(file: Path, open_door: OpenDoor) -> None:
    lines = file.read_text().splitlines()

    async def play() -> None:
        async with open_door() as door:
            await Player(door).play(lines)

    asyncio.run(play())
