"""A right account password, refused for mail: found after the reply, for its owner alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from installation import OWNER, PASSWORD, Installation, install
from mail_desk import Desk, GivenJudge, attempt, open_desk, real_now, run
from sidegate.accounts import app_passwords, people, right_but_refused, two_step
from sidegate.accounts.right_but_refused import MOST_WAITING
from sidegate.decisions.mail import PasswordCheck
from sidegate.decisions.words import CannotTell, Reason, Refuse, Verdict, Why
from sidegate.storage import counters
from sidegate.storage.mail_models import RightRefused, WrongSecret
from sidegate.storage.models import Account, Event, Job

DELAY = 0.2
ANNA = "anna@example.test"
HERS = "192.0.2.0/24"
Check = PasswordCheck


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return install(tmp_path / "data", url=url, toml=f"[policy]\nrefusal_delay = {DELAY}\n")


@pytest.fixture
def anna(house: Installation) -> Account:
    """2-step is on, and she signed in from this network lately."""
    account = house.add(ANNA)
    two_step.turn_on(
        house.context, account=account, number="+37120000000", channel="sms", origin=OWNER
    )
    counters.mark(account_id=account.pk, network=HERS, now=real_now())
    return account


async def looked(desk: Desk) -> None:
    """Wait until whatever was to be looked at was."""
    await asyncio.gather(*desk.sign_in._second_looks._tasks)


def tries(house: Installation, *secrets: str, judge: GivenJudge | None = None) -> list[Verdict]:
    """One after the other, each looked at before the next comes."""

    async def ask() -> list[Verdict]:
        verdicts = []
        async with open_desk(house, judge) as desk:
            for secret in secrets:
                verdicts.append(await desk.verdict(ANNA, secret))
                await looked(desk)
        return verdicts

    return run(ask())


def found() -> list[Event]:
    return list(Event.objects.filter(kind="mail-password-right"))


def test_it_is_found_once_and_its_program_named(house: Installation, anna: Account) -> None:
    refused = Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)
    assert tries(house, PASSWORD, PASSWORD, PASSWORD) == [refused] * 3
    (event,) = found()
    assert (event.account_id, event.reason) == (anna.pk, "account-password-right")
    assert (event.program, event.protocol, event.address) == (
        "Thunderbird 128",
        "imap",
        "192.0.2.7",
    )
    waiting = right_but_refused.latest(anna, now=real_now())
    assert waiting is not None
    assert (waiting.program, waiting.at) == ("Thunderbird 128", event.at)
    # What the mail program's own events say is what they said before.
    reasons = Event.objects.filter(kind="mail-refused").values_list("reason", flat=True)
    assert set(reasons) == {"not-an-app-password"}


def test_a_wrong_one_is_nothing(house: Installation, anna: Account) -> None:
    tries(house, "wrong", "wrong again")
    assert found() == []
    assert right_but_refused.latest(anna, now=real_now()) is None
    assert WrongSecret.objects.exclude(checked_at=None).count() == 2


def test_an_unfamiliar_network_gets_no_judge(house: Installation, anna: Account) -> None:
    anna.familiarnetwork_set.update(network="198.51.100.0/24")
    judge = GivenJudge(Check.RIGHT)
    tries(house, PASSWORD, judge=judge)
    assert judge.asked == []
    assert found() == []


def test_three_secrets_an_hour_and_none_twice(house: Installation, anna: Account) -> None:
    judge = GivenJudge(Check.WRONG)
    tries(house, "a", "b", "b", "a", "c", "d", "e", judge=judge)
    assert judge.asked == [anna.pk] * 3
    WrongSecret.objects.exclude(checked_at=None).update(checked_at=real_now() - 3_600_001)
    tries(house, "a", "d", "e", judge=judge)
    assert judge.asked == [anna.pk] * 5


def test_it_counts_as_no_attack_from_there_on(house: Installation, anna: Account) -> None:
    def counted() -> int:
        login = counters.login_digest(key=house.context.keys.current, login=ANNA)
        now = real_now()
        return counters.read(login=login, account_id=anna.pk, network=HERS, now=now).pair

    tries(house, "wrong")
    assert counted() == 1
    tries(house, PASSWORD)
    assert counted() == 1
    tries(house, PASSWORD, "wrong")
    assert counted() == 1


def test_what_is_known_to_be_right_is_forgiven_in_another_familiar_network_too(
    house: Installation, anna: Account
) -> None:
    judge = GivenJudge(Check.RIGHT)
    tries(house, PASSWORD, judge=judge)
    counters.mark(account_id=anna.pk, network="198.51.100.0/24", now=real_now())
    asked = attempt(ANNA, PASSWORD)._replace(address="198.51.100.9")

    async def elsewhere() -> None:
        async with open_desk(house, judge) as desk:
            answered = asyncio.Event()
            desk.sign_in.submit(asked, lambda _verdict: answered.set())
            await answered.wait()
            await looked(desk)

    run(elsewhere())
    assert judge.asked == [anna.pk]
    assert WrongSecret.objects.filter(right_at=None).count() == 0
    assert len(found()) == 1


@pytest.mark.parametrize("says", [Check.BUSY, Check.OUTAGE], ids=["busy", "outage"])
def test_what_could_not_be_judged_is_judged_the_next_time(
    house: Installation, anna: Account, says: PasswordCheck
) -> None:
    judge = GivenJudge(says, Check.RIGHT)
    tries(house, PASSWORD, judge=judge)
    assert found() == []
    tries(house, PASSWORD, judge=judge)
    assert judge.asked == [anna.pk] * 2
    assert len(found()) == 1


def test_the_reply_has_left_before_anything_is_judged(house: Installation, anna: Account) -> None:
    judge = GivenJudge(Check.RIGHT)
    asked_by_then: list[int] = []

    async def ask() -> tuple[float, float]:
        async with open_desk(house, judge) as desk:
            right = await desk.ask(ANNA, PASSWORD)
            asked_by_then.append(len(judge.asked))
            await looked(desk)
            known_by_now = await desk.ask(ANNA, PASSWORD)
            assert (
                right.verdict == known_by_now.verdict == Refuse(Reason.NOT_AN_APP_PASSWORD, anna.pk)
            )
            return right.after, known_by_now.after

    for after in run(ask()):
        assert DELAY - 0.01 <= after < DELAY + 0.5
    assert asked_by_then == [0]
    assert judge.asked == [anna.pk]


def _turn_off(house: Installation, account: Account) -> None:
    two_step.turn_off(house.context, account=account, origin=OWNER)


def _change(house: Installation, account: Account) -> None:
    people.change_password(
        house.context,
        account=account,
        password="another long password",
        keep_app_passwords=True,
        origin=OWNER,
    )


@pytest.mark.parametrize("change", [_turn_off, _change])
def test_a_change_meanwhile_makes_it_old_news(
    house: Installation, anna: Account, change: Callable[[Installation, Account], None]
) -> None:
    judge = GivenJudge(Check.RIGHT)
    judge.may.clear()

    async def ask() -> None:
        async with open_desk(house, judge) as desk:
            await desk.verdict(ANNA, PASSWORD)
            await judge.reached.acquire()
            await desk.do(lambda: change(house, anna))
            judge.may.set()
            await looked(desk)

    run(ask())
    assert found() == []


def test_an_app_password_made_since_ends_the_banner(house: Installation, anna: Account) -> None:
    tries(house, PASSWORD)
    assert right_but_refused.latest(anna, now=real_now()) is not None
    house.clock.ms = real_now() + 1
    app_passwords.make(house.context, account=anna, app="mail", device="windows", origin=OWNER)
    assert right_but_refused.latest(anna, now=real_now()) is None


def test_a_changed_password_and_time_end_the_banner_too(house: Installation, anna: Account) -> None:
    tries(house, PASSWORD)
    later = real_now() + right_but_refused.SHOWN_FOR
    assert right_but_refused.latest(anna, now=later - 60_000) is not None
    assert right_but_refused.latest(anna, now=later + 60_000) is None
    house.clock.ms = real_now() + 1
    _change(house, anna)
    anna.refresh_from_db()
    assert right_but_refused.latest(anna, now=real_now()) is None


def test_one_message_a_day(house: Installation, anna: Account) -> None:
    def messages() -> int:
        return Job.objects.filter(subject=f"notice:{anna.pk}:mail-password-right").count()

    judge = GivenJudge(Check.RIGHT)
    tries(house, "one secret", "another", judge=judge)
    assert (len(found()), messages()) == (2, 1)
    RightRefused.objects.update(told_at=real_now() - 86_400_000)
    WrongSecret.objects.all().delete()
    tries(house, "one secret", judge=judge)
    assert (len(found()), messages()) == (3, 2)


def test_what_waits_is_bounded(house: Installation, anna: Account) -> None:
    judge = GivenJudge(Check.WRONG)
    judge.may.clear()

    async def ask() -> int:
        async with open_desk(house, judge) as desk:
            for _ in range(2):
                await asyncio.gather(*(desk.verdict(ANNA, f"w{n}") for n in range(MOST_WAITING)))
            return len(desk.sign_in._second_looks._tasks)

    assert run(ask()) == MOST_WAITING
    assert judge.asked == [anna.pk]


def test_throttled_is_not_looked_at(house: Installation, anna: Account) -> None:
    now = real_now()
    login = counters.login_digest(key=house.context.keys.current, login=ANNA)
    for number in range(40):
        counters.add(login=login, network=HERS, secret=bytes([number]) * 8, now=now)
    judge = GivenJudge(Check.RIGHT)
    assert tries(house, PASSWORD, judge=judge) == [CannotTell(Why.THROTTLED, anna.pk)]
    assert judge.asked == []
