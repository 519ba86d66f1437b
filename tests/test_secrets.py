"""No secret is found where it must not be, whatever path it went.

Secrets made for this test go down every path of the rooms that decide and store, with
every logger at DEBUG. Then everything that was logged, recorded, shown or stored is
searched for them.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from installation import OPERATOR, OWNER, Installation, install
from mail_desk import GivenJudge, attempt, open_desk, run
from outages import database_away
from sidegate.accounts import app_passwords, codes, people, two_step, web_sign_in
from sidegate.accounts.errors import AccountError
from sidegate.accounts.mail_sign_in import _event
from sidegate.decisions.mail import AccountRecord, Facts, PasswordCheck
from sidegate.decisions.words import CannotTell, Reason, Refuse, Why
from sidegate.storage.fast_reader import Lookup
from sidegate.storage.models import Account, Challenge

ACCOUNT = "zebra-account-secret-1"
NEW_ACCOUNT = "zebra-account-secret-2"
WRONG = "zebra wrong secret 3"
ODD = "zebra-odd-secret-4\udcff\0"
WEAK = "zebra55"
WRONG_CODE = "918273"
NUMBER = "+37120000077"
ANNA = "anna@example.test"


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return install(tmp_path / "data", url=url, toml="[policy]\nrefusal_delay = 0.01\n")


class Everything(logging.Handler):
    """Keeps every record of every logger as text, tracebacks and arguments with it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {record.args!r}")


@pytest.fixture
def logged() -> Iterator[list[str]]:
    handler, root = Everything(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(level)


def test_no_secret_is_found_anywhere(house: Installation, logged: list[str]) -> None:
    shown: list[str] = []
    anna = house.add(ANNA, ACCOUNT)
    web(house, anna, shown)
    secrets = enrol(house, anna, shown)
    mail(house, secrets, shown)
    others(house, anna, shown)
    secrets += [ACCOUNT, NEW_ACCOUNT, WRONG, "zebra-odd", WEAK, WRONG_CODE]
    secrets += keys(house)
    assert logged, "the handler listens"
    found = {
        "log": found_in("\n".join(logged), secrets),
        "shown": found_in("\n".join(shown), secrets),
        "database": found_in(dump(house), secrets),
    }
    assert found == {"log": [], "shown": [], "database": []}
    assert NUMBER not in "\n".join(logged)


def found_in(text: str, secrets: list[str]) -> list[str]:
    """The secrets that stand in the text; a code is none amid other digits."""
    return [
        secret for secret in secrets if re.search(rf"(?<![0-9]){re.escape(secret)}(?![0-9])", text)
    ]


def web(house: Installation, anna: Account, shown: list[str]) -> None:
    for login in (ANNA, "no@example.test"):
        for secret in (ACCOUNT, WRONG, ODD):
            answer = web_sign_in.check_password(
                house.context, login=login, secret=secret, origin=OWNER
            )
            shown.append(repr(answer))
    for weak in (WEAK, WRONG * 20):
        with pytest.raises(AccountError) as problem:
            people.add(
                house.context, address="b@example.test", name="", password=weak, origin=OPERATOR
            )
        shown += [str(problem.value), repr(problem.value)]
    people.change_password(
        house.context, account=anna, password=NEW_ACCOUNT, keep_app_passwords=True, origin=OWNER
    )
    shown += [repr(anna), str(anna), repr(house.context), repr(house.context.judge)]


def enrol(house: Installation, anna: Account, shown: list[str]) -> list[str]:
    """Codes asked for, presented and not sent, 2-step and app passwords; the secrets made."""
    ask = {"account": anna, "number": NUMBER, "binding": "zebra-binding", "origin": OWNER}
    made: list[str] = []
    for channel in ("sms", "voice"):
        challenge = codes.begin(house.context, purpose="turn-on", channel=channel, **ask)  # type: ignore[arg-type]
        code = house.sender.last_code
        for typed in (WRONG_CODE, "zebra-odd", code, code):
            answer = codes.present(
                house.context,
                challenge_id=challenge,
                binding="zebra-binding",
                code=typed,
                origin=OWNER,
            )
            shown.append(repr(answer).replace(NUMBER, ""))
        made.append(code)
        shown.append(repr(Challenge.objects.get(pk=challenge)))
    house.sender.away = True
    challenge = codes.begin(house.context, purpose="turn-on", channel="sms", **ask)  # type: ignore[arg-type]
    shown.append(repr(codes.waiting_for(challenge)))
    house.sender.away = False
    house.clock.forward(seconds=2)
    house.send_codes()
    made.append(house.sender.last_code)
    two_step.turn_on(house.context, account=anna, number=NUMBER, channel="sms", origin=OWNER)
    for _ in range(2):
        new = app_passwords.make(
            house.context, account=anna, app="mail", device="mac", origin=OWNER
        )
        made.append(new.secret)
        shown += [repr(new), repr(app_passwords.active(anna))]
    app_passwords.revoke(house.context, account=anna, app_password_id=new.id, origin=OWNER)
    return [*made, "zebra-binding"]


def mail(house: Installation, made: list[str], shown: list[str]) -> None:
    tried = [*made, *(secret.upper() for secret in made), ACCOUNT, NEW_ACCOUNT, WRONG, ODD]

    async def ask(judge: GivenJudge | None = None) -> None:
        async with open_desk(house, judge) as desk:
            for login in (ANNA, "no@example.test", "\udcff"):
                shown.extend([repr(await desk.verdict(login, secret)) for secret in tried])

    async def ask_in_vain() -> None:
        async with open_desk(house) as desk:
            with database_away():
                shown.append(repr(await desk.verdict(ANNA, ACCOUNT)))

    run(ask())
    for says in (PasswordCheck.BUSY, PasswordCheck.OUTAGE):
        run(ask(GivenJudge(says)))
    run(ask(RaisingJudge(PasswordCheck.RIGHT)))
    run(ask_in_vain())


class RaisingJudge(GivenJudge):
    """A judge with a mistake in it, made while it holds the secret."""

    async def check(
        self, *, account_id: int | None, password_hash: str, password_version: int, secret: str
    ) -> PasswordCheck:
        del account_id, password_hash, password_version
        secret.encode("ascii")
        raise RuntimeError("the judge is broken")


def others(house: Installation, anna: Account, shown: list[str]) -> None:
    """The values that pass from room to room."""
    asked = attempt(ANNA, WRONG)
    record = AccountRecord(anna.pk, ANNA, True, True, anna.password_hash, 1)  # noqa: FBT003
    values = [
        asked,
        record,
        Facts(record, None),
        Lookup(ANNA, WRONG, print),
        house.context.keys,
        _event(asked, CannotTell(Why.BUSY)),
        _event(asked, Refuse(Reason.WRONG_PASSWORD)),
    ]
    shown += [f"{value!r} {value!s}" for value in values]
    assert anna.password_hash not in "\n".join(shown)


def keys(house: Installation) -> list[str]:
    """Every usual way to write the key."""
    key = house.context.keys.current
    return [key.hex(), base64.b64encode(key).decode(), repr(key)[2:-1]]


def dump(house: Installation) -> str:
    """Everything that is stored: each table's rows, and on SQLite the files as they lie."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows: list[object] = []
        for table in tables:
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own tables
            rows += [
                [bytes(value) if isinstance(value, memoryview) else value for value in row]
                for row in cursor.fetchall()
            ]
    files = [path.read_bytes() for path in house.context.config.data.glob("*.sqlite3*")]
    return repr(rows) + "".join(content.decode("latin-1") for content in files)
