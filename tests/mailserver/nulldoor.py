"""A null authentication door: every account has the password "right"; nothing else is decided."""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path

from sidegate.decisions.names import canonical
from sidegate.decisions.ports import Mailbox, MaySend, Unavailable

COOKIE = "0123456789abcdef0123456789abcdef"
PASSWORD = "right"


class NullDoor:
    """Speaks just enough of Dovecot's authentication protocol for a few accounts."""

    def __init__(self, accounts: dict[str, Mailbox]) -> None:
        self.accounts = accounts
        self.started: list[tuple[str, int]] = []
        self.outage = False
        self._passed: dict[tuple[str, str], str] = {}
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()

    async def find(self, login: str) -> Mailbox | None:
        if self.outage:
            raise Unavailable
        name = canonical(login)
        return self.accounts.get(name) if name else None

    async def may_send(self, app_password_id: int) -> MaySend | None:
        raise AssertionError(f"no app password sends here: {app_password_id}")

    async def take(self, app_password_id: int, *, messages: int) -> bool:
        raise AssertionError(f"no app password sends {messages} here: {app_password_id}")

    async def give_back(self, app_password_id: int, *, messages: int) -> None:
        raise AssertionError(f"no app password sent {messages} here: {app_password_id}")

    async def start(self, client: Path, master: Path, group: int | None) -> None:
        for path, serve in ((client, self._client), (master, self._master)):
            self._servers.append(await asyncio.start_unix_server(serve, str(path)))
            if group is not None:
                os.chown(path, -1, group)
            path.chmod(0o660)

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        process = ""
        self._writers.add(writer)
        while line := (await reader.readline()).decode().rstrip("\n"):
            words = line.split("\t")
            if words[0] == "VERSION":
                head = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\n"
                writer.write(f"{head}COOKIE\t{COOKIE}\nDONE\n".encode())
            elif words[0] == "CPID":
                process = words[1]
            elif words[0] == "AUTH":
                writer.write(self._judge(process, words).encode())
        writer.close()

    def _judge(self, process: str, words: list[str]) -> str:
        number = words[1]
        response = next((word[5:] for word in words if word.startswith("resp=")), "")
        _, login, secret = base64.b64decode(response).decode().split("\0")
        name = canonical(login)
        if name not in self.accounts or secret != PASSWORD:
            return f"FAIL\t{number}\tuser={login}\treason=Sign-in refused.\n"
        self._passed[process, number] = name
        return f"OK\t{number}\tuser={name}\n"

    async def _master(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        writer.write(b"VERSION\t1\t1\nSPID\t1\n")
        while line := (await reader.readline()).decode().rstrip("\n"):
            words = line.split("\t")
            if words[0] == "REQUEST":
                name = self._passed.pop((words[2], words[3]))
                pid = next(int(word[12:]) for word in words if word.startswith("session_pid="))
                self.started.append((name, pid))
                writer.write(self._user(words[1], name).encode())
            elif words[0] == "USER":
                writer.write(self._user(words[1], canonical(words[2]) or "").encode())
        writer.close()

    def _user(self, number: str, name: str) -> str:
        if self.outage:
            return f"FAIL\t{number}\n"
        box = self.accounts.get(name)
        if box is None:
            return f"NOTFOUND\t{number}\n"
        return f"USER\t{number}\t{box.user}\tuid={box.uid}\tgid={box.gid}\thome={box.home}\n"
