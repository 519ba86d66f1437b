"""One installation in a temporary folder, for tests that need no running server."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections

from sidegate.accounts import people
from sidegate.accounts.context import Context, Origin
from sidegate.config import load_config
from sidegate.directory.own import OwnDirectory
from sidegate.senders.gateway import Message, NotNow, Sent, Trouble
from sidegate.serve.django_settings import django_settings
from sidegate.storage import schema
from sidegate.storage.keys import open_keys
from sidegate.storage.models import Account

PASSWORD = "correct horse battery staple"
OWNER = Origin(by="owner", address="192.0.2.7", program="test browser")
OPERATOR = Origin(by="operator")
START = 1_790_000_000_000


@dataclass
class Clock:
    """A clock that moves when told to."""

    ms: int = START

    def __call__(self) -> int:
        return self.ms

    def forward(self, *, seconds: float) -> None:
        self.ms += int(seconds * 1000)


@dataclass
class KeptSender:
    """A gateway that keeps what it was given, and answers as it is told."""

    name: str = "screen"
    patience: float = 5.0
    sent: list[dict[str, str]] = field(default_factory=list)
    away: bool = False
    answer: Sent | Trouble = field(default_factory=Sent)

    async def send(self, message: Message) -> Sent:
        if self.away:
            raise NotNow("away")
        self.sent.append(
            {
                "channel": message.channel,
                "number": message.number,
                "code": message.code,
                "text": message.text,
            }
        )
        if isinstance(self.answer, Trouble):
            raise self.answer
        return self.answer

    async def check(self) -> str | None:
        return None

    async def close(self) -> None:
        pass

    @property
    def last_code(self) -> str:
        return self.sent[-1]["code"]


@dataclass
class Installation:
    """A context with its movable parts."""

    context: Context
    clock: Clock
    sender: KeptSender

    def send_codes(self) -> None:
        """What the runner of a running Sidegate does, at once and on this thread."""
        from sidegate.accounts import code_sending, job_runner  # noqa: PLC0415 - models
        from sidegate.storage import jobs  # noqa: PLC0415 - the same

        nothing: Any = None
        sending = code_sending.CodeSending(
            self.context, gateways=lambda _receipt: {"screen": self.sender}, background=nothing
        )
        for job in jobs.take(kinds=[sending.kind, "phone-notice"], most=100, now=self.clock()):
            outcome = asyncio.run(job_runner.outcome_of(sending, job, now=self.clock()))
            job_runner.write(sending, job, outcome, now=self.clock())

    def add(self, address: str = "anna@example.test", password: str = PASSWORD) -> Account:
        return people.add(
            self.context, address=address, name="Anna", password=password, origin=OPERATOR
        )


def install(data: Path, *, url: str = "", toml: str = "") -> Installation:
    """Make an installation with an empty, migrated database, and point Django at it."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "sidegate.toml").write_text(toml + (f'\n[database]\nurl = "{url}"\n' if url else ""))
    clock, sender = Clock(), KeptSender()
    config = load_config(data)
    context = Context(
        config=config,
        keys=open_keys(config.keys_folder, random=secrets.token_bytes),
        judge=OwnDirectory(),
        now=clock,
        random=secrets.token_bytes,
    )
    _point_django(django_settings(config, context))
    _empty_database(data)
    house = Installation(context, clock, sender)
    context.bell.answered_by(house.send_codes)
    return house


def _point_django(wanted: dict[str, object]) -> None:
    close_database()
    for name, value in wanted.items():
        setattr(settings, name, value)
    connections.settings = connections.configure_settings(settings.DATABASES)


def close_database() -> None:
    """Close the connection, and the pool with its threads."""
    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()
    del connections["default"]


_TEMPLATE: list[bytes] = []
_TRUNCATE: dict[str, str] = {}
"""By PostgreSQL server that was migrated: what empties it."""


def _empty_database(data: Path) -> None:
    if connection.vendor == "postgresql":
        server = str(connection.settings_dict)
        if server not in _TRUNCATE:
            schema.migrate()
            tables = ", ".join(connection.introspection.django_table_names(only_existing=True))
            _TRUNCATE[server] = f"TRUNCATE {tables} RESTART IDENTITY CASCADE"
        with connection.cursor() as cursor:
            cursor.execute(_TRUNCATE[server])
        return
    file = Path(connection.settings_dict["NAME"])
    if _TEMPLATE:
        file.write_bytes(_TEMPLATE[0])
        return
    schema.migrate()
    connection.close()
    copy = data / "template"
    shutil.copy(file, copy)
    _TEMPLATE.append(copy.read_bytes())
    copy.unlink()
