"""Browsers of whoever is gone from the operator's directory, a real Dovecot, or disabled there."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from her_dovecot import HerDovecot, HerUser, Kind, her_dovecot
from installation import OWNER, Installation, install
from mail_desk import run
from sidegate.accounts import directory_watch, people, trusted_browsers
from sidegate.accounts.directory_watch import DirectoryWatch
from sidegate.config import UnixEndpoint
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


def go_round(house: Installation, her: HerDovecot, *, patience: float = 8.0) -> None:
    async def work() -> None:
        background = Background()
        directory = DovecotDirectory(
            auth=UnixEndpoint(her.auth), userdb=UnixEndpoint(her.userdb), patience=patience
        )
        directory.attach()
        try:
            watch = DirectoryWatch(house.context, directory=directory, background=background)
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
