"""Grace windows given, used and ended, on a real installation."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from installation import OPERATOR, OWNER, PASSWORD, Installation, install
from mail_desk import attempt, open_desk, real_now, run
from sidegate.accounts import (
    grace,
    lock_links,
    locking,
    mail_programs,
    people,
    two_step,
)
from sidegate.accounts.grace import Grace
from sidegate.decisions.throttle import DAY
from sidegate.decisions.words import (
    Allow,
    Attempt,
    CredentialKind,
    Protocol,
    Reason,
    Refuse,
    Verdict,
)
from sidegate.storage.mail_models import GraceWindow, Sighting
from sidegate.storage.models import Account, Event

ANNA = "anna@example.test"
TOML = "[policy]\ngrace_days = 14\nrefusal_delay = 0.05\n"


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    made = install(tmp_path / "data", url=url, toml=TOML)
    made.context = dataclasses.replace(made.context, now=real_now)
    return made


def ask(house: Installation, *attempts: Attempt) -> list[Verdict]:
    async def work() -> list[Verdict]:
        async with open_desk(house) as desk:
            verdicts: list[Verdict] = []
            for one in attempts:
                answered = await desk.ask(
                    one.login, one.secret, protocol=one.protocol, address=one.address
                )
                verdicts.append(answered.verdict)
            return verdicts

    return run(work())


def by_imap(address: str = "192.0.2.7") -> Attempt:
    return attempt(ANNA, PASSWORD)._replace(address=address)


def turn_on(house: Installation, anna: Account) -> list[Grace]:
    """Sign in by IMAP, then turn 2-step on with that program ticked."""
    [verdict] = ask(house, by_imap())
    assert isinstance(verdict, Allow)
    programs = mail_programs.lately(anna.pk, now=real_now())
    assert two_step.turn_on(
        house.context,
        account=anna,
        number="+37120000000",
        channel="sms",
        origin=OWNER,
        exceptions=programs,
    )
    return grace.open_for(house.context, anna)


def test_the_ticked_program_goes_on_and_nothing_else(house: Installation) -> None:
    anna = house.add()
    [given] = turn_on(house, anna)
    assert (given.name, given.address, given.protocols) == (
        "Thunderbird 128", "192.0.2.7", ("imap",)
    )  # fmt: skip
    assert given.days_left(real_now()) == 14
    same, near, elsewhere, other = ask(
        house,
        by_imap(),
        by_imap("192.0.2.99"),
        by_imap("198.51.100.7"),
        by_imap()._replace(protocol=Protocol.POP3),
    )
    for verdict in (same, near):
        assert isinstance(verdict, Allow)
        assert verdict.credential is CredentialKind.ACCOUNT_PASSWORD
        assert verdict.window_id == GraceWindow.objects.get().pk
    for verdict in (elsewhere, other):
        assert verdict == Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)
    assert Event.objects.filter(kind="mail-grace").count() == 2
    assert Sighting.objects.get().count == 3, "what goes on is seen as before"
    event = Event.objects.get(kind="grace-given")
    told = {"by": "owner", "name": "Thunderbird 128", "days": 14}
    assert json.loads(event.detail) == told  # fmt: skip


def test_a_wrong_password_is_wrong_inside_a_window_too(house: Installation) -> None:
    anna = house.add()
    turn_on(house, anna)
    [verdict] = ask(house, by_imap()._replace(secret="wrong"))
    assert verdict == Refuse(Reason.WRONG_PASSWORD, anna.pk)


def test_its_owner_ends_it(house: Installation) -> None:
    anna = house.add()
    [given] = turn_on(house, anna)
    ended = grace.end(house.context, account=anna, key=given.key, origin=OWNER)
    assert ended == given
    assert grace.open_for(house.context, anna) == []
    assert ask(house, by_imap()) == [Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)]
    assert Event.objects.filter(kind="grace-ended").count() == 1
    again = grace.end(house.context, account=anna, key=given.key, origin=OWNER)
    assert again is None, "once"


def test_nobody_ends_another_s(house: Installation) -> None:
    anna, ben = house.add(), house.add("ben@example.test")
    [given] = turn_on(house, anna)
    assert grace.end(house.context, account=ben, key=given.key, origin=OWNER) is None
    assert grace.open_for(house.context, anna) == [given]


def change_password(house: Installation, anna: Account) -> None:
    people.change_password(
        house.context, account=anna, password=PASSWORD + " 2", keep_app_passwords=True,
        origin=OPERATOR,
    )  # fmt: skip


def turn_off(house: Installation, anna: Account) -> None:
    two_step.turn_off(house.context, account=anna, origin=OPERATOR)


def lock(house: Installation, anna: Account) -> None:
    token = lock_links.new_link(house.context, account=anna).rpartition("/")[2]
    assert locking.lock(house.context, token=token, origin=OWNER)


@pytest.mark.parametrize("change", [change_password, turn_off, lock])
def test_what_ends_them_all(
    house: Installation, change: Callable[[Installation, Account], None]
) -> None:
    anna = house.add()
    turn_on(house, anna)
    change(house, anna)
    assert GraceWindow.objects.get().ended_at is not None
    assert grace.open_for(house.context, anna) == []
    assert Event.objects.filter(kind="grace-ended").count() == 1


def test_they_do_not_come_back_with_two_step(house: Installation) -> None:
    anna = house.add()
    turn_on(house, anna)
    turn_off(house, anna)
    two_step.turn_on(
        house.context, account=anna, number="+37120000000", channel="sms", origin=OWNER
    )
    assert grace.open_windows(house.context) == []
    assert ask(house, by_imap()) == [Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)]


def test_it_ends_by_itself(house: Installation) -> None:
    anna = house.add()
    [given] = turn_on(house, anna)
    assert given.days_left(given.until - DAY) == 1
    assert given.days_left(given.until - DAY - 1) == 2
    GraceWindow.objects.update(until=real_now() - 1)
    assert grace.open_for(house.context, anna) == []
    assert ask(house, by_imap()) == [Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)]


def test_none_where_the_operator_allows_none(house: Installation, tmp_path: Path) -> None:
    anna = house.add()
    turn_on(house, anna)
    policy = dataclasses.replace(house.context.config.policy, grace_days=0)
    config = dataclasses.replace(house.context.config, policy=policy)
    house.context = dataclasses.replace(house.context, config=config)
    del tmp_path
    assert grace.open_windows(house.context) == []
    assert ask(house, by_imap()) == [Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)]
    grace.tidy_up(now=real_now(), allowed=False)
    assert GraceWindow.objects.get().ended_at is not None, "nor later, should it change"


def test_old_ones_are_dropped(house: Installation) -> None:
    turn_on(house, house.add())
    until = GraceWindow.objects.get().until
    grace.tidy_up(now=until + DAY, allowed=True)
    assert GraceWindow.objects.get().ended_at is None
    grace.tidy_up(now=until + DAY + 1, allowed=True)
    assert not GraceWindow.objects.exists()


def test_the_operator_sees_every_account_s(house: Installation) -> None:
    anna = house.add()
    [given] = turn_on(house, anna)
    assert grace.open_windows(house.context) == [given]
    assert given.account == ANNA
