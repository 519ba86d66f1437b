"""Mail sign-ins from end to end: real storage, a real event loop, a real clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from installation import OPERATOR, OWNER, PASSWORD, Installation, install
from mail_desk import Desk, GivenJudge, attempt, open_desk, run
from outages import database_away
from sidegate.accounts import app_passwords, people, two_step
from sidegate.accounts.app_password_choices import Choices
from sidegate.accounts.app_passwords import Made
from sidegate.decisions.mail import PasswordCheck
from sidegate.decisions.words import (
    Allow,
    CannotTell,
    CredentialKind,
    Protocol,
    Reason,
    Refuse,
    Verdict,
    Why,
)
from sidegate.storage.mail_models import WrongSecret
from sidegate.storage.models import Account, AppPassword, Event

DELAY = 0.2
PATIENT = 1.0
ANNA = "anna@example.test"


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return install(tmp_path / "data", url=url, toml=f"[policy]\nrefusal_delay = {DELAY}\n")


@pytest.fixture
def patient_house(tmp_path: Path) -> Installation:
    """Its delay is longer than any hash takes, on a busy machine too."""
    return install(tmp_path / "data", toml=f"[policy]\nrefusal_delay = {PATIENT}\n")


@pytest.fixture
def anna(house: Installation) -> Account:
    return house.add(ANNA)


def turn_on(house: Installation, account: Account) -> None:
    two_step.turn_on(
        house.context, account=account, number="+37120000000", channel="sms", origin=OWNER
    )


def make(house: Installation, account: Account, *scopes: str) -> Made:
    return app_passwords.make(
        house.context,
        account=account,
        app="mail",
        device="windows",
        choices=Choices(scopes=frozenset(scopes)),
        origin=OWNER,
    )


def by_app(account: Account, made: Made) -> Allow:
    return Allow(account.pk, ANNA, CredentialKind.APP_PASSWORD, made.id)


def test_the_app_password_as_people_type_it(house: Installation, anna: Account) -> None:
    turn_on(house, anna)
    made = make(house, anna)
    grouped = app_passwords.grouped(made.secret)
    typed = [made.secret, grouped, grouped.upper(), f" {grouped.replace(' ', chr(0xA0))} "]

    async def ask() -> list[Verdict]:
        async with open_desk(house) as desk:
            return [await desk.verdict(ANNA, secret) for secret in typed]

    assert run(ask()) == [by_app(anna, made)] * 4
    assert Event.objects.filter(kind="mail-allowed", app_password_id=made.id).count() == 4
    row = AppPassword.objects.get(pk=made.id)
    assert row.last_used_address == "192.0.2.7"
    assert row.last_used_protocol == "imap"
    assert row.last_used_program == "Thunderbird 128"


def test_the_account_password_before_and_after_two_step(house: Installation, anna: Account) -> None:
    async def ask() -> list[Verdict]:
        async with open_desk(house) as desk:
            return [await desk.verdict(ANNA, PASSWORD, protocol=p) for p in Protocol]

    before = Allow(anna.pk, ANNA, CredentialKind.ACCOUNT_PASSWORD, None, 1)
    assert run(ask()) == [before] * len(Protocol)
    turn_on(house, anna)
    assert run(ask()) == [Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)] * len(Protocol)
    two_step.turn_off(house.context, account=anna, origin=OWNER)
    assert run(ask()) == [before] * len(Protocol)


def test_no_spelling_gets_around_two_step(house: Installation, anna: Account) -> None:
    turn_on(house, anna)
    made = make(house, anna)
    logins = ["ANNA@Example.Test", "anna+tag@example.test", " anna@example.test. "]

    async def ask(secret: str) -> list[Verdict]:
        async with open_desk(house) as desk:
            return [await desk.verdict(login, secret) for login in logins]

    assert run(ask(PASSWORD)) == [Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)] * 3
    assert run(ask(made.secret)) == [by_app(anna, made)] * 3


def test_every_refusal_leaves_at_the_same_time_after_it_arrived(
    patient_house: Installation,
) -> None:
    house = patient_house
    anna = house.add(ANNA)
    turn_on(house, anna)
    narrow, gone = make(house, anna, "submission"), make(house, anna)
    app_passwords.revoke(house.context, account=anna, app_password_id=gone.id, origin=OWNER)
    berta = house.add("berta@example.test")
    carl = house.add("carl@example.test")
    people.set_enabled(house.context, account=carl, enabled=False, origin=OPERATOR)
    asked = [
        (ANNA, PASSWORD, "", Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)),
        (ANNA, "z" * 16, "", Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)),
        (ANNA, narrow.secret, "", Refuse(Reason.OUT_OF_SCOPE, anna.pk, narrow.id)),
        (ANNA, gone.secret, "", Refuse(Reason.APP_PASSWORD_REVOKED, anna.pk, gone.id)),
        (ANNA, PASSWORD, "berta@example.test", Refuse(Reason.NOT_A_MASTER, anna.pk)),
        ("berta@example.test", "wrong", "", Refuse(Reason.WRONG_PASSWORD, berta.pk)),
        ("berta@example.test", "\ud800", "", Refuse(Reason.WRONG_PASSWORD, berta.pk)),
        ("carl@example.test", PASSWORD, "", Refuse(Reason.ACCOUNT_DISABLED, carl.pk)),
        ("no@example.test", "wrong", "", Refuse(Reason.UNKNOWN_ACCOUNT)),
        ("no login at all", "wrong", "", Refuse(Reason.UNKNOWN_ACCOUNT)),
        ("\ud800@\0", "wrong", "", Refuse(Reason.UNKNOWN_ACCOUNT)),
    ]

    async def ask() -> None:
        async with open_desk(house) as desk:
            answers = await asyncio.gather(
                *(desk.ask(login, secret, authzid=other) for login, secret, other, _ in asked)
            )
        assert [answered.verdict for answered in answers] == [row[3] for row in asked]
        for answered in answers:
            assert PATIENT - 0.01 <= answered.after < PATIENT + 0.5

    run(ask())
    reasons = Event.objects.filter(kind="mail-refused").values_list("reason", flat=True)
    assert sorted(reasons) == sorted(row[3].reason.value for row in asked)


def test_an_allowed_one_never_waits(house: Installation, anna: Account) -> None:
    turn_on(house, anna)
    made = make(house, anna)

    async def ask() -> float:
        async with open_desk(house) as desk:
            return (await desk.ask(ANNA, made.secret)).after

    assert run(ask()) < DELAY


def test_a_clock_that_was_set_back_holds_nobody(house: Installation, anna: Account) -> None:
    async def ask() -> float:
        async with open_desk(house) as desk:
            hour_ahead = attempt(ANNA, "").arrived + 3_600_000
            return (await desk.ask(ANNA, "wrong", arrived=hour_ahead)).after

    del anna
    assert run(ask()) < DELAY + 1


def test_throttled_is_no_refusal_and_keeps_no_app_password_out(
    house: Installation, anna: Account
) -> None:
    turn_on(house, anna)
    made = make(house, anna)

    async def ask() -> None:
        async with open_desk(house) as desk:
            wrong = [desk.verdict(ANNA, "the same wrong one") for _ in range(15)]
            assert set(await asyncio.gather(*wrong)) == {
                Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)
            }
            await asyncio.gather(*(desk.verdict(ANNA, f"wrong {n}") for n in range(9)))
            answered = await desk.ask(ANNA, "one more")
            assert answered.verdict == CannotTell(Why.THROTTLED, anna.pk)
            assert answered.after >= DELAY - 0.01
            unknown = [desk.verdict("no@example.test", f"wrong {n}") for n in range(10)]
            await asyncio.gather(*unknown)
            verdict = await desk.verdict("no@example.test", "one more")
            assert verdict == CannotTell(Why.THROTTLED)
            assert await desk.verdict(ANNA, made.secret) == by_app(anna, made)

    run(ask())
    assert Event.objects.filter(kind="mail-unavailable", reason="throttled").count() == 2


def test_a_right_secret_of_a_closed_door_is_not_counted(house: Installation, anna: Account) -> None:
    turn_on(house, anna)
    narrow = make(house, anna, "submission")

    async def ask() -> None:
        async with open_desk(house) as desk:
            await desk.verdict(ANNA, narrow.secret)
            assert await desk.do(WrongSecret.objects.count) == 0
            await desk.verdict(ANNA, "wrong")
            assert await desk.do(WrongSecret.objects.count) == 1

    run(ask())


@pytest.mark.parametrize("check", [PasswordCheck.BUSY, PasswordCheck.OUTAGE])
def test_a_judge_that_cannot_tell_is_no_wrong_password(
    house: Installation, anna: Account, check: PasswordCheck
) -> None:
    async def ask() -> None:
        async with open_desk(house, GivenJudge(check)) as desk:
            known = await desk.ask(ANNA, PASSWORD)
            unknown = await desk.ask("no@example.test", PASSWORD)
        assert known.verdict == CannotTell(Why(check.value), anna.pk)
        assert unknown.verdict == CannotTell(Why(check.value))
        assert known.after < DELAY, "at once: nothing was learnt"

    run(ask())
    assert not WrongSecret.objects.exists()


def test_an_outage_is_no_wrong_password(house: Installation, anna: Account) -> None:
    async def ask() -> None:
        async with open_desk(house) as desk:
            with database_away():
                asked = [(ANNA, PASSWORD), (ANNA, "wrong"), ("no@example.test", "x")]
                answers = await asyncio.gather(*(desk.verdict(*pair) for pair in asked))
                assert answers == [CannotTell(Why.OUTAGE)] * 3
            verdict: Verdict = CannotTell(Why.OUTAGE)
            for _ in range(50):
                verdict = await desk.verdict(ANNA, PASSWORD)
                if verdict != CannotTell(Why.OUTAGE):
                    break
            assert verdict == Allow(anna.pk, ANNA, CredentialKind.ACCOUNT_PASSWORD, None, 1)

    run(ask())
    assert Event.objects.filter(kind="mail-unavailable", reason="outage").count() >= 3


def test_an_outage_while_counting_is_no_wrong_password(
    house: Installation, anna: Account, caplog: pytest.LogCaptureFixture
) -> None:
    turn_on(house, anna)

    async def ask() -> Verdict:
        async with open_desk(house) as desk:
            assert await desk.verdict(ANNA, "first") == Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)
            await desk.do(lambda: _rename("wrong_secret", "away"))
            try:
                return await desk.verdict(ANNA, "second")
            finally:
                await desk.do(lambda: _rename("away", "wrong_secret"))

    with caplog.at_level(logging.ERROR):
        assert run(ask()) == CannotTell(Why.OUTAGE, anna.pk)
    assert not caplog.records, "an outage is no mistake of ours"


def _rename(old: str, new: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")


def test_a_slow_hash_never_delays_an_app_password(house: Installation, anna: Account) -> None:
    turn_on(house, anna)
    made = make(house, anna)
    house.add("berta@example.test")
    judge = GivenJudge(PasswordCheck.WRONG)

    async def ask() -> None:
        judge.may.clear()
        async with open_desk(house, judge) as desk:
            slow = [
                asyncio.ensure_future(desk.ask("berta@example.test", "same wrong one"))
                for _ in range(300)
            ]
            await asyncio.sleep(0)
            quick = await asyncio.gather(*(desk.ask(ANNA, made.secret) for _ in range(300)))
            assert {answered.verdict for answered in quick} == {by_app(anna, made)}
            assert not any(task.done() for task in slow)
            judge.may.set()
            answers = await asyncio.gather(*slow)
        assert {type(answered.verdict) for answered in answers} == {Refuse}

    run(ask())


def test_two_step_turned_on_during_a_slow_hash_holds(house: Installation, anna: Account) -> None:
    judge = GivenJudge(PasswordCheck.RIGHT)

    async def ask() -> Verdict:
        judge.may.clear()
        async with open_desk(house, judge) as desk:
            waiting = asyncio.ensure_future(desk.verdict(ANNA, PASSWORD))
            await judge.reached.acquire()
            await desk.do(lambda: turn_on(house, anna))
            judge.may.set()
            return await waiting

    assert run(ask()) == Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)


def test_a_password_changed_during_a_slow_hash_is_judged_again(
    house: Installation, anna: Account
) -> None:
    judge = GivenJudge(PasswordCheck.RIGHT, PasswordCheck.WRONG)

    def change() -> None:
        people.change_password(
            house.context,
            account=anna,
            password="another good passphrase",
            keep_app_passwords=True,
            origin=OWNER,
        )

    async def ask() -> Verdict:
        judge.may.clear()
        async with open_desk(house, judge) as desk:
            waiting = asyncio.ensure_future(desk.verdict(ANNA, PASSWORD))
            await judge.reached.acquire()
            await desk.do(change)
            judge.may.set()
            return await waiting

    assert run(ask()) == Refuse(Reason.WRONG_PASSWORD, anna.pk)
    assert judge.asked == [anna.pk, anna.pk]


def test_revoked_means_revoked_for_every_later_sign_in(house: Installation, anna: Account) -> None:
    turn_on(house, anna)
    mades = [make(house, anna) for _ in range(8)]

    async def keep_asking(desk: Desk, made: Made, stop: asyncio.Event) -> list[Verdict]:
        early: list[Verdict] = []
        while not stop.is_set():
            early.append(await desk.verdict(ANNA, made.secret))
        return early

    def revoke(made: Made) -> None:
        assert app_passwords.revoke(
            house.context, account=anna, app_password_id=made.id, origin=OWNER
        )

    async def race(desk: Desk, made: Made) -> None:
        stop = asyncio.Event()
        busy = [asyncio.ensure_future(keep_asking(desk, made, stop)) for _ in range(3)]
        await asyncio.sleep(0.02)
        await asyncio.to_thread(_closing, revoke, made)
        late = asyncio.gather(*(desk.verdict(ANNA, made.secret) for _ in range(5)))
        stop.set()
        assert set(await late) == {Refuse(Reason.APP_PASSWORD_REVOKED, anna.pk, made.id)}
        early = [verdict for verdicts in await asyncio.gather(*busy) for verdict in verdicts]
        assert by_app(anna, made) in early

    async def ask() -> None:
        async with open_desk(house) as desk:
            await asyncio.gather(*(race(desk, made) for made in mades))

    run(ask())


def _closing(work: Callable[[Made], None], made: Made) -> None:
    try:
        work(made)
    finally:
        connection.close()


def test_what_waits_at_the_end_is_answered_once(house: Installation, anna: Account) -> None:
    judge = GivenJudge(PasswordCheck.RIGHT)

    async def ask() -> list[Verdict]:
        judge.may.clear()
        answers: list[Verdict] = []
        async with open_desk(house, judge) as desk:
            for _ in range(5):
                desk.sign_in.submit(attempt(ANNA, PASSWORD), answers.append)
            for _ in range(5):
                await judge.reached.acquire()
        return answers

    assert run(ask()) == [CannotTell(Why.OUTAGE, anna.pk)] * 5
