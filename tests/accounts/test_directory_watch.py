"""Browsers of whoever is gone from the operator's directory, a real Dovecot, or disabled there."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from her_dovecot import HerDovecot, HerUser, Kind, her_dovecot
from installation import OWNER, Installation, install
from mail_desk import run
from sidegate.accounts import directory_watch, people, trusted_browsers
from sidegate.accounts.directory_watch import SEVERAL, DirectoryWatch
from sidegate.config import UnixEndpoint
from sidegate.decisions.directory import Question, Seen
from sidegate.decisions.mail import Presence
from sidegate.decisions.ports import Unavailable
from sidegate.directory.dovecot import DovecotDirectory
from sidegate.storage.background import Background
from sidegate.storage.models import Account, Event, WebSession
from sidegate.storage.second_step_models import TrustedBrowser

ADA = HerUser("ada@example.test", "ada's own password")
BERT = HerUser("bert@example.test", "bert's own password")
CARL = HerUser("carl@example.test", "carl's own password")
ADA_OFF = dataclasses.replace(ADA, disabled=True)


@pytest.fixture(scope="module", params=["passwd-file", "sql"])
def started(request: pytest.FixtureRequest) -> Iterator[HerDovecot]:
    kind: Kind = request.param
    with her_dovecot(kind, ADA, BERT, CARL) as dovecot:
        yield dovecot


@pytest.fixture
def her(started: HerDovecot) -> HerDovecot:
    started.set_users(ADA, BERT, CARL)
    return started


@pytest.fixture
def house(her: HerDovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setattr(directory_watch, "PAUSE", 0.0)
    made = install(tmp_path / "data", toml=her.toml)
    for number, user in enumerate((ADA, BERT)):
        account = people.ensure(made.context, name=user.name, origin=OWNER)
        for browser in ("one", "two"):
            sign_in(made, account, f"{browser} {number}")
        trusted_browsers.trust(made.context, account=account, origin=OWNER)
    people.ensure(made.context, name=CARL.name, origin=OWNER)
    return made


def sign_in(house: Installation, account: Account, key: str) -> None:
    WebSession.objects.create(
        key_digest=key,
        account=account,
        data="",
        created_at=1,
        seen_at=1,
        expires_at=house.clock() + 1000,
    )


def go_round(
    house: Installation, her: HerDovecot, *, patience: float = 8.0, rounds: int = 1
) -> None:
    async def work() -> None:
        background = Background()
        directory = DovecotDirectory(
            auth=UnixEndpoint(her.auth), userdb=UnixEndpoint(her.userdb), patience=patience
        )
        directory.attach()
        try:
            watch = DirectoryWatch(house.context, directory=directory, background=background)
            for _ in range(rounds):
                await watch.round()
        finally:
            await directory.close()
            await asyncio.to_thread(background.close)

    run(work())


def still_in() -> list[str]:
    rows = WebSession.objects.order_by("key_digest")
    return [str(row.account) for row in rows]


BOTH = [ADA.name, BERT.name] * 2


def test_who_is_there_stays(house: Installation, her: HerDovecot) -> None:
    go_round(house, her)
    assert still_in() == BOTH
    assert TrustedBrowser.objects.count() == 2
    assert not Event.objects.filter(kind="web-shut-out").exists()


@pytest.mark.parametrize(
    ("users", "reason"),
    [((ADA_OFF, BERT), "account-disabled"), ((BERT,), "gone-from-directory")],
    ids=["disabled", "gone"],
)
def test_who_is_disabled_or_gone_is_out(
    house: Installation, her: HerDovecot, users: tuple[HerUser, ...], reason: str
) -> None:
    her.set_users(*users)
    go_round(house, her)
    assert still_in() == [BERT.name] * 2
    assert [str(row.account) for row in TrustedBrowser.objects.all()] == [BERT.name]
    event = Event.objects.get(kind="web-shut-out")
    assert (str(event.account), event.reason) == (ADA.name, reason)
    assert '"browsers": 2' in event.detail
    her.set_users(*users)
    go_round(house, her)
    assert Event.objects.filter(kind="web-shut-out").count() == 1


def test_away_is_not_disabled(house: Installation, her: HerDovecot) -> None:
    her.set_users(BERT)
    her.stop()
    try:
        with pytest.raises(Unavailable):
            go_round(house, her, patience=0.5)
        assert still_in() == BOTH
        assert TrustedBrowser.objects.count() == 2
    finally:
        her.start()
    go_round(house, her)
    assert still_in() == [BERT.name] * 2


def test_only_who_has_a_browser_is_asked_about(
    house: Installation, her: HerDovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    look_up = DovecotDirectory.look_up

    async def noted(self: DovecotDirectory, question: object) -> object:
        asked.append(question.name)  # type: ignore[attr-defined]  # a Question
        return await look_up(self, question)  # type: ignore[arg-type]  # the same

    monkeypatch.setattr(DovecotDirectory, "look_up", noted)
    go_round(house, her)
    assert asked == [ADA.name, BERT.name]
    house.clock.forward(seconds=2)  # the sessions are over; the remembered browsers are not
    go_round(house, her)
    assert asked == [ADA.name, BERT.name] * 2
    house.clock.forward(seconds=trusted_browsers.LIFETIME / 1000)
    go_round(house, her)
    assert len(asked) == 4


def test_an_outage_ends_a_round_and_no_more(
    house: Installation, her: HerDovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_watch, "EVERY", 0.01)
    her.set_users(BERT)
    rounds: list[int] = []
    enough = asyncio.Event()

    class Away(DirectoryWatch):
        async def round(self) -> None:
            rounds.append(1)
            if len(rounds) == 1:
                raise Unavailable("away")
            await super().round()
            enough.set()

    async def work() -> None:
        background = Background()
        directory = DovecotDirectory(auth=UnixEndpoint(her.auth), userdb=UnixEndpoint(her.userdb))
        directory.attach()
        watch = Away(house.context, directory=directory, background=background)
        task = asyncio.ensure_future(watch.run())
        try:
            async with asyncio.timeout(20):
                await enough.wait()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await directory.close()
            await asyncio.to_thread(background.close)

    run(work())
    assert still_in() == [BERT.name] * 2


@pytest.mark.parametrize("started", ["passwd-file"], indirect=True)
def test_whom_it_never_tells_of_keeps_nobody_in(
    house: Installation, her: HerDovecot, caplog: pytest.LogCaptureFixture
) -> None:
    her.set_users(dataclasses.replace(ADA, more="proxy=y host=192.0.2.1"), BERT)
    sign_in(house, Account.objects.get(address=CARL.name), "carl's")
    go_round(house, her, rounds=2)
    assert still_in() == [ADA.name, BERT.name] * 2
    said = [line.message for line in caplog.records if "says nothing of" in line.message]
    assert len(said) == 1, "once"
    assert "of 1 among" in said[0]
    assert ADA.name in said[0]


class Told:
    """In the place of a directory: it tells of nobody among `untold`, and has everybody else."""

    def __init__(self) -> None:
        self.untold: set[str] = set()
        self.away = False
        self.asked: list[str] = []

    async def look_up(self, question: Question) -> Seen:
        self.asked.append(question.name)
        nothing = self.away or question.name in self.untold
        return Seen(Presence.OUTAGE if nothing else Presence.HERE, question.name)


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setattr(directory_watch, "PAUSE", 0.0)
    made = install(tmp_path / "data")
    for number in range(3 * SEVERAL):
        sign_in(made, made.add(name_of(number)), f"{number}")
    return made


def name_of(number: int) -> str:
    return f"person{number:02}@example.test"


def rounds(house: Installation, directory: Told, *, until: int) -> list[int]:
    """How many were asked about in each round, until so many were asked about at all."""
    counted: list[int] = []

    async def work() -> None:
        background = Background()
        there: Any = directory
        watch = DirectoryWatch(house.context, directory=there, background=background)
        for _ in range(10):
            if len(set(directory.asked)) == until:
                break
            before = len(directory.asked)
            with contextlib.suppress(Unavailable):
                await watch.round()
            counted.append(len(directory.asked) - before)
        await asyncio.to_thread(background.close)

    run(work())
    return counted


def test_one_that_is_away_is_not_asked_about_everybody(many: Installation) -> None:
    directory = Told()
    directory.away = True
    assert rounds(many, directory, until=3 * SEVERAL) == [SEVERAL] * 3, "each round goes on"


def test_many_whom_it_never_tells_of_are_gone_past(many: Installation) -> None:
    directory = Told()
    everybody = 3 * SEVERAL
    # The others in between: the one that was told of shows that it answers.
    directory.untold = {name_of(number) for number in range(1, everybody - 1)}
    assert rounds(many, directory, until=everybody) == [everybody + 2]
    # The first of all: nothing shows it yet, so the second round goes on behind them.
    directory = Told()
    directory.untold = {name_of(number) for number in range(SEVERAL)}
    assert rounds(many, directory, until=everybody) == [SEVERAL, everybody + 1]
