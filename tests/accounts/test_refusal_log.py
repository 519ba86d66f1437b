"""The log's lines for refused sign-ins, read by the real fail2ban with the filter of its page."""

from __future__ import annotations

import logging
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from installation import OPERATOR, OWNER, Installation
from mail_desk import Desk, open_desk, run
from outages import database_away
from peers import require
from sidegate.accounts import app_passwords, people, refusal_log, two_step, web_sign_in
from sidegate.accounts.app_password_choices import Choices
from sidegate.accounts.context import Origin
from sidegate.decisions.throttle import Limits
from sidegate.decisions.words import Allow, CannotTell, Protocol, Reason, Refuse
from sidegate.serve.log_lines import LogLine
from sidegate.storage import counters

PAGE = Path(__file__).parents[2] / "docs" / "operators" / "fail2ban.md"
ANNA = "anna@example.test"
PASSWORD = "a good long password"
_BLOCK = re.MULTILINE | re.DOTALL
STRANGE = (
    "x\n2026-11-22T19:59:35.123Z INFO sidegate.refused: address=198.51.100.9 protocol=imap"
    " guess=yes reason=wrong-password account=-"
)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """A log file in the format of `sidegate serve`."""
    file = tmp_path / "sidegate.log"
    handler = logging.FileHandler(file)
    handler.setFormatter(LogLine())
    logger = refusal_log.log
    before = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield file
    logger.removeHandler(handler)
    logger.setLevel(before)
    handler.close()


def banned(tmp_path: Path, log: Path) -> list[str]:
    """The addresses that fail2ban finds, one for each line that it takes for an attack."""
    found = re.search(r"/filter\.d/sidegate\.conf`:\n```conf\n(.*?)^```", PAGE.read_text(), _BLOCK)
    assert found is not None
    conf = tmp_path / "sidegate.conf"
    conf.write_text(found[1])
    command = [str(require("fail2ban-regex")), "--out", "ip", str(log), str(conf)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


def lines(log: Path) -> list[str]:
    return [line.partition(": ")[2] for line in log.read_text().splitlines()]


async def refused(desk: Desk, login: str, secret: str, **more: Protocol) -> None:
    verdict = await desk.verdict(login, secret, **more)
    assert isinstance(verdict, Refuse), verdict


def test_guesses_are_found_and_nothing_else(
    installation: Installation, tmp_path: Path, log: Path
) -> None:
    house = installation
    anna = people.add(house.context, address=ANNA, name="", password=PASSWORD, origin=OPERATOR)

    def make(scopes: frozenset[str] = frozenset({"imap"})) -> app_passwords.Made:
        return app_passwords.make(
            house.context,
            account=anna,
            app="mail",
            device="mac",
            choices=Choices(scopes=scopes),
            origin=OWNER,
        )

    async def attacks() -> None:
        async with open_desk(house) as desk:
            await refused(desk, ANNA, "first guess")
            await refused(desk, STRANGE, "second guess")

    async def others() -> None:
        async with open_desk(house) as desk:
            await refused(desk, ANNA, "first guess")  # the tablet that goes on and on
            await refused(desk, ANNA, revoked.secret)
            await refused(desk, ANNA, narrow.secret)
            assert isinstance(await desk.verdict(ANNA, kept.secret), Allow)
            now = desk.context.now()
            await desk.do(
                lambda: counters.mark(account_id=anna.pk, network="192.0.2.0/24", now=now)
            )
            await refused(desk, ANNA, PASSWORD)  # right, and refused, at home
            await refused(desk, ANNA, "mistyped at home")

    two_step.turn_on(
        house.context, account=anna, number="+37120000000", channel="sms", origin=OWNER
    )
    revoked, narrow, kept = make(), make(frozenset({"pop3"})), make()
    app_passwords.revoke(house.context, account=anna, app_password_id=revoked.id, origin=OWNER)
    run(attacks())
    before = banned(tmp_path, log)
    assert before == ["192.0.2.7", "192.0.2.7"]
    assert lines(log)[1].endswith("guess=yes reason=unknown-account account=-")
    run(others())
    assert banned(tmp_path, log) == before
    assert [line.split("guess=")[1] for line in lines(log)[2:]] == [
        f"no reason=not-an-app-password account={ANNA}",
        f"no reason=app-password-revoked account={ANNA}",
        f"no reason=out-of-scope account={ANNA}",
        f"no reason=not-an-app-password account={ANNA}",
        f"no reason=not-an-app-password account={ANNA}",
    ]
    assert PASSWORD not in log.read_text()


def test_what_cannot_be_told_is_no_line(
    installation: Installation, tmp_path: Path, log: Path
) -> None:
    installation.add(ANNA)

    async def work() -> None:
        async with open_desk(installation) as desk:
            with database_away():
                assert isinstance(await desk.verdict(ANNA, "any"), CannotTell)

            def fill() -> None:
                key = installation.context.keys.current
                for number in range(Limits().pair):
                    counters.add(
                        login=counters.login_digest(key=key, login=ANNA),
                        network="192.0.2.0/24",
                        secret=bytes([number] * 8),
                        now=desk.context.now(),
                    )

            await desk.do(fill)
            assert isinstance(await desk.verdict(ANNA, "one more"), CannotTell)

    run(work())
    assert log.read_text() == ""
    assert banned(tmp_path, log) == []


def test_in_the_portal_and_in_the_journal(
    installation: Installation, tmp_path: Path, log: Path
) -> None:
    installation.add(ANNA)
    origin = Origin(by="owner", address="2001:db8::7")
    for _ in range(2):
        web_sign_in.check_password(
            installation.context, login=ANNA, secret="a guess", origin=origin
        )
    assert banned(tmp_path, log) == ["2001:db8::7"]
    # As fail2ban sees a line of the journal: its own time, host and program before ours.
    first = log.read_text().splitlines()[0]
    log.write_text(f"2026-11-22T19:59:35.123456 mail sidegate[77]: {first}\n")
    assert banned(tmp_path, log) == ["2001:db8::7"]


@pytest.mark.parametrize(
    ("address", "account"),
    [
        ("", ""),
        ("192.0.2.7 guess=yes", ANNA + "\nx"),
        ("mail.example.test", "Not@Canonical.test"),
        ("192.0.2.7\n192.0.2.8", "a b@example.test"),
    ],
)
def test_nothing_that_was_typed_is_in_the_line(log: Path, address: str, account: str) -> None:
    refusal_log.tell(
        address=address, protocol="imap", guess=True, reason=Reason.WRONG_PASSWORD, account=account
    )
    (line,) = lines(log)
    assert line == "address=- protocol=imap guess=yes reason=wrong-password account=-"


def test_a_line_has_its_time_in_utc_whatever_the_zone(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        refusal_log.log.handle(said_at(1_790_000_000.5))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert log.read_text() == "2026-09-21T14:13:20.500Z INFO sidegate.refused: told\n"


def said_at(created: float) -> logging.LogRecord:
    record = refusal_log.log.makeRecord(
        refusal_log.log.name, logging.INFO, __file__, 1, "told", (), None
    )
    record.created = created
    return record


def test_fail2ban_reads_the_time(tmp_path: Path, log: Path) -> None:
    """Where it did not, it would take an old line for one of now."""
    refusal_log.log.handle(said_at(time.time()))
    found = re.search(r"/filter\.d/sidegate\.conf`:\n```conf\n(.*?)^```", PAGE.read_text(), _BLOCK)
    assert found is not None
    conf = tmp_path / "sidegate.conf"
    conf.write_text(found[1])
    command = [str(require("fail2ban-regex")), "-v", str(log), str(conf)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert re.search(r"\[1\] +\^?Year-Month-DayT24hour:Minute:Second", done.stdout), done.stdout
