"""One-time codes: limits, tries, lifetime, binding, races; on SQLite and PostgreSQL."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from installation import OWNER, Installation
from sidegate.accounts import codes, second_steps, two_step
from sidegate.accounts.errors import ChallengeOver, TooManyCodes, TooSoon
from sidegate.storage.models import Account, Challenge, Event

NUMBER = "+37120000000"


def begin(
    house: Installation,
    account: Account,
    *,
    number: str = NUMBER,
    purpose: codes.Purpose = "turn-on",
) -> int:
    return codes.begin(
        house.context,
        account=account,
        purpose=purpose,
        number=number,
        channel="sms",
        binding="browser",
        origin=OWNER,
    )


def present(house: Installation, challenge: int, code: str, binding: str = "browser") -> object:
    return codes.present(
        house.context, challenge_id=challenge, binding=binding, code=code, origin=OWNER
    )


def again(house: Installation, challenge: int) -> None:
    codes.send_again(
        house.context, challenge_id=challenge, binding="browser", channel="voice", origin=OWNER
    )


def test_the_code_opens_once(installation_on_each: Installation) -> None:
    house = installation_on_each
    challenge = begin(house, house.add())
    code = house.sender.last_code
    assert len(code) == 6
    assert code.isdigit()
    assert present(house, challenge, f"{code[:3]} {code[3:]}") == codes.CodeRight(NUMBER, "sms")
    assert present(house, challenge, code) == codes.CodeOver("used")


@pytest.mark.parametrize("what", ["removed", "turned on anew"])
def test_a_phone_that_is_no_second_step_any_more_is_none(
    installation_on_each: Installation, what: str
) -> None:
    house = installation_on_each
    anna, ctx = house.add(), house.context
    two_step.turn_on(ctx, account=anna, number=NUMBER, channel="sms", origin=OWNER)
    challenge = begin(house, anna, purpose="sign-in")
    code = house.sender.last_code
    other = second_steps.NewPhone(number="+37121111111", channel="sms")
    if what == "removed":
        key = second_steps.of(anna)[0].key
        second_steps.add(ctx, account=anna, new=other, origin=OWNER)
        assert second_steps.remove(ctx, account=anna, key=key, origin=OWNER)
    else:
        two_step.turn_off(ctx, account=anna, origin=OWNER)
        assert two_step.turn_on_with(ctx, account=anna, new=other, origin=OWNER)
    assert present(house, challenge, code) == codes.CodeOver("gone")
    assert present(house, challenge, code) == codes.CodeOver("used")


def test_another_browser_cannot_use_it(installation: Installation) -> None:
    challenge = begin(installation, installation.add())
    code = installation.sender.last_code
    assert present(installation, challenge, code, "other") == codes.CodeWrong(4)


def test_it_dies_after_ten_minutes(installation: Installation) -> None:
    challenge = begin(installation, installation.add())
    installation.clock.forward(seconds=599)
    assert present(installation, challenge, "x") == codes.CodeWrong(4)
    installation.clock.forward(seconds=1)
    code = installation.sender.last_code
    assert present(installation, challenge, code) == codes.CodeOver("expired")


def test_five_wrong_tries_kill_it(installation_on_each: Installation) -> None:
    house = installation_on_each
    challenge = begin(house, house.add())
    answers = [present(house, challenge, "nonsense") for _ in range(5)]
    assert answers == [codes.CodeWrong(left) for left in (4, 3, 2, 1)] + [codes.CodeOver("tries")]
    assert present(house, challenge, house.sender.last_code) == codes.CodeOver("tries")


def test_sending_again_waits_and_kills_the_old_code(installation: Installation) -> None:
    challenge = begin(installation, installation.add())
    first = installation.sender.last_code
    installation.clock.forward(seconds=29)
    with pytest.raises(TooSoon) as too_soon:
        again(installation, challenge)
    assert too_soon.value.retry_at == installation.clock.ms + 1000
    installation.clock.forward(seconds=1)
    again(installation, challenge)
    assert installation.sender.sent[-1]["channel"] == "voice"
    second = installation.sender.last_code
    if second != first:
        assert present(installation, challenge, first) == codes.CodeWrong(4)
    assert isinstance(present(installation, challenge, second), codes.CodeRight)
    with pytest.raises(ChallengeOver):
        again(installation, challenge)


def test_a_new_challenge_may_send_at_once_but_only_three_in_ten_minutes(
    installation_on_each: Installation,
) -> None:
    house = installation_on_each
    account = house.add()
    for _ in range(3):
        begin(house, account)
    with pytest.raises(TooManyCodes) as many:
        begin(house, account)
    assert many.value.retry_at == house.clock.ms + 600_000
    assert len(house.sender.sent) == 3
    with pytest.raises(TooManyCodes):
        begin(house, house.add("berta@example.test"))
    house.clock.forward(seconds=600)
    begin(house, account)


def test_a_refused_send_counts_nothing_and_leaves_no_challenge(
    installation: Installation,
) -> None:
    account = installation.add()
    for _ in range(3):
        begin(installation, account)
    count = Challenge.objects.count()
    with pytest.raises(TooManyCodes):
        begin(installation, account)
    assert Challenge.objects.count() == count


def test_one_that_no_gateway_took_is_recorded_once_its_time_is_over(
    installation: Installation,
) -> None:
    installation.sender.away = True
    begin(installation, installation.add())
    assert not Event.objects.filter(kind__in=["code-sent", "code-not-sent"]).exists()
    installation.clock.forward(seconds=600)
    installation.send_codes()
    [event] = Event.objects.filter(kind="code-not-sent")
    assert (event.reason, event.address) == ("gateways-away", OWNER.address)


def test_neither_code_nor_number_is_stored(installation: Installation) -> None:
    begin(installation, installation.add())
    code = installation.sender.last_code
    stored = repr(list(Challenge.objects.values())) + repr(list(Event.objects.values()))
    assert code not in stored.replace(str(installation.clock.ms), "")
    assert NUMBER not in repr(list(Event.objects.values()))


def test_ten_presenters_one_winner(installation_on_each: Installation) -> None:
    house = installation_on_each
    challenge = begin(house, house.add())
    code = house.sender.last_code
    start = threading.Barrier(10)
    answers: list[object] = []

    def one() -> None:
        start.wait()
        answers.append(present(house, challenge, code))
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [answer for answer in answers if isinstance(answer, codes.CodeRight)]
    assert len(answers) == 10
    assert len(winners) == 1


def test_ten_senders_at_once_send_three(installation_on_each: Installation) -> None:
    house = installation_on_each
    account = house.add()
    start = threading.Barrier(10)
    refused: list[TooManyCodes] = []

    def one() -> None:
        start.wait()
        try:
            begin(house, account)
        except TooManyCodes as problem:
            refused.append(problem)
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
    assert len(house.sender.sent) == 3
