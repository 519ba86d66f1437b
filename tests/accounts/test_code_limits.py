"""Limits of codes as they are counted in the database: SQLite and PostgreSQL, several at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.db import connection

from installation import OWNER, Installation, close_database, install
from sidegate.accounts import code_limits, codes, notices
from sidegate.accounts.codes import CodeRight, Purpose
from sidegate.accounts.context import Origin
from sidegate.accounts.errors import CodesStopped, TooManyCodes
from sidegate.accounts.notice_words import words
from sidegate.accounts.queue import payload_of
from sidegate.decisions.sends import Conversion
from sidegate.storage import jobs, sends
from sidegate.storage.models import Account, CodeSend, Event

HOUR, DAY = 3600, 86_400
LATVIAN = "+37120000{:03}"
LITHUANIAN = "+37061234{:03}"


def begin(
    house: Installation,
    account: Account,
    number: str,
    *,
    purpose: Purpose = "turn-on",
    origin: Origin = OWNER,
) -> int:
    return codes.begin(
        house.context,
        account=account,
        purpose=purpose,
        number=number,
        channel="sms",
        binding="browser",
        origin=origin,
    )


def used(house: Installation, challenge: int) -> None:
    code = house.sender.last_code
    answer = codes.present(
        house.context, challenge_id=challenge, binding="browser", code=code, origin=OWNER
    )
    assert isinstance(answer, CodeRight)


def people(house: Installation, count: int) -> list[Account]:
    return [house.add(f"p{number}@example.test") for number in range(count)]


def refused(house: Installation, account: Account, number: str, **more: str) -> TooManyCodes:
    with pytest.raises(TooManyCodes) as caught:
        begin(house, account, number, **more)  # type: ignore[arg-type]
    return caught.value


def test_a_number_an_hour_and_a_day(installation_on_each: Installation) -> None:
    house = installation_on_each
    numbers = people(house, 11)
    for account in numbers[:10]:
        begin(house, account, LATVIAN.format(0))
        house.clock.forward(seconds=2 * HOUR)
    assert "within a day" in str(refused(house, numbers[10], LATVIAN.format(0)).text)
    house.clock.forward(seconds=4 * HOUR)
    begin(house, numbers[10], LATVIAN.format(0))
    for account in numbers[:2]:
        begin(house, account, LATVIAN.format(1))
    house.clock.forward(seconds=601)
    for account in numbers[2:5]:
        begin(house, account, LATVIAN.format(1))
    assert "within the last hour" in str(refused(house, numbers[5], LATVIAN.format(1)).text)


def test_an_account_with_many_numbers(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = house.add()
    for number in range(5):
        begin(house, anna, LATVIAN.format(number))
    problem = refused(house, anna, LATVIAN.format(5))
    assert "for your account within the last hour" in str(problem.text)
    assert problem.retry_at == house.clock.ms + HOUR * 1000
    begin(house, house.add("berta@example.test"), LATVIAN.format(5))


def test_a_network(installation_on_each: Installation) -> None:
    house = installation_on_each
    accounts = people(house, 11)
    for number in range(50):
        begin(house, accounts[number // 5], LATVIAN.format(number))
    other = Origin(by="owner", address="192.0.2.250")
    problem = refused(house, accounts[10], LATVIAN.format(50), origin=other)  # type: ignore[arg-type]
    assert "from where you are" in str(problem.text)
    begin(house, accounts[10], LATVIAN.format(50), origin=Origin(by="owner", address="192.0.3.1"))


def test_loopback_is_nobodys_network(installation: Installation) -> None:
    accounts = people(installation, 11)
    here = Origin(by="owner", address="127.0.0.1")
    for number in range(51):
        begin(installation, accounts[number // 5], LATVIAN.format(number), origin=here)


@pytest.fixture
def of_twenty(tmp_path: Path, request: pytest.FixtureRequest) -> Installation:
    return _house(tmp_path, request, "[codes]\ndaily_most = 20\n")


def _house(tmp_path: Path, request: pytest.FixtureRequest, toml: str) -> Installation:
    request.addfinalizer(close_database)
    return install(tmp_path / "data", toml=toml)


def test_all_of_a_day_and_the_operator_is_told_once(of_twenty: Installation) -> None:
    house = of_twenty
    accounts = people(house, 6)
    for number in range(20):
        begin(house, accounts[number // 5], (LATVIAN, LITHUANIAN)[number % 2].format(number))
    for _ in range(2):
        problem = refused(house, accounts[5], "+447400123456")
        assert isinstance(problem, CodesStopped)
        assert "everybody's phones" in str(problem.text)
        assert problem.retry_at == house.clock.ms + DAY * 1000
    [event] = Event.objects.filter(kind="codes-stopped")
    assert (event.reason, event.account_id) == ("daily-limit", None)
    assert code_limits.stopped(house.context.config.codes, now=house.clock.ms) == ["daily-limit"]
    house.clock.forward(seconds=DAY)
    begin(house, accounts[5], "+447400123456")
    assert code_limits.stopped(house.context.config.codes, now=house.clock.ms) == []


def test_those_made_operator_are_told_by_mail(of_twenty: Installation) -> None:
    house = of_twenty
    boss = house.add("boss@example.test")
    Account.objects.filter(pk=boss.pk).update(is_operator=True)
    accounts = people(house, 5)
    for number in range(20):
        begin(house, accounts[number // 5], LATVIAN.format(number))
    for _ in range(2):
        refused(house, accounts[4], LITHUANIAN.format(0))
    [taken] = jobs.take(kinds=[notices.JOB], most=9, now=house.clock.ms)
    notice = notices.unpacked(payload_of(house.context, taken))
    said = words(notice, service="Sidegate", url="http://localhost")
    assert notice.to == "boss@example.test"
    assert said.subject == "Codes by phone were stopped"
    assert "Limit: daily-limit" in said.body
    assert "lock your account" not in said.body


def test_a_price_a_day(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    prices = '[codes]\ndaily_spend = 1.0\nprices = { LV = 0.3, "*" = 0.6 }\n'
    house = _house(tmp_path, request, prices)
    anna = house.add()
    begin(house, anna, LATVIAN.format(0))
    begin(house, anna, LITHUANIAN.format(0))
    problem = refused(house, anna, LATVIAN.format(1))
    assert isinstance(problem, CodesStopped)
    assert code_limits.seen(now=house.clock.ms).spent == pytest.approx(0.9)
    assert code_limits.stopped(house.context.config.codes, now=house.clock.ms) == ["daily-spend"]
    assert Event.objects.get(kind="codes-stopped").reason == "daily-spend"
    house.clock.forward(seconds=DAY)
    begin(house, anna, LATVIAN.format(1))


def test_a_prefix_that_is_hardly_used_is_stopped_for_new_numbers(
    installation_on_each: Installation,
) -> None:
    house = installation_on_each
    accounts = people(house, 7)
    for number in range(20):
        challenge = begin(house, accounts[number // 4], LATVIAN.format(number))
        if number < 3:
            used(house, challenge)
    # They may still be used: an office that begins at nine is no fraud.
    begin(house, accounts[5], LATVIAN.format(21))
    house.clock.forward(seconds=600)
    problem = refused(house, accounts[6], LATVIAN.format(22))
    assert isinstance(problem, CodesStopped)
    assert "hardly ever used" in str(problem.text)
    assert Event.objects.get(kind="codes-stopped").detail == (
        '{"by": "operator", "prefix": "+371200"}'
    )
    assert code_limits.seen(now=house.clock.ms).by_prefix == {"+371200": Conversion(21, 3)}
    begin(house, accounts[6], LATVIAN.format(22), purpose="sign-in")
    begin(house, accounts[6], LITHUANIAN.format(0))
    assert problem.retry_at <= house.clock.ms + DAY * 1000
    house.clock.ms = problem.retry_at
    begin(house, accounts[6], LATVIAN.format(23))


def test_what_no_gateway_sent_says_nothing_about_a_prefix(installation: Installation) -> None:
    house = installation
    accounts = people(house, 6)
    house.sender.away = True
    for number in range(20):
        begin(house, accounts[number // 4], LATVIAN.format(number))
    house.clock.forward(seconds=601)
    house.send_codes()
    assert set(CodeSend.objects.values_list("outcome", flat=True)) == {sends.FAILED}
    house.sender.away = False
    begin(house, accounts[5], LATVIAN.format(20))


def test_neither_number_nor_code_is_in_what_is_counted(installation: Installation) -> None:
    begin(installation, installation.add(), LATVIAN.format(7))
    counted = repr(list(CodeSend.objects.values()))
    assert LATVIAN.format(7)[5:] not in counted
    assert installation.sender.last_code not in counted.replace(str(installation.clock.ms), "")


def test_what_is_older_than_a_day_is_dropped(installation: Installation) -> None:
    begin(installation, installation.add(), LATVIAN.format(0))
    sends.forget_old(now=installation.clock.ms + DAY * 1000 - 1)
    assert CodeSend.objects.count() == 1
    sends.forget_old(now=installation.clock.ms + DAY * 1000)
    assert CodeSend.objects.count() == 0


@pytest.mark.parametrize("scope", ["number", "account"])
def test_ten_browsers_at_once_get_no_more(installation_on_each: Installation, scope: str) -> None:
    """Ten accounts to one number get three; one account to ten numbers gets five."""
    house = installation_on_each
    accounts = people(house, 10)
    start = threading.Barrier(10)
    said: list[str] = []

    def one(turn: int) -> None:
        start.wait()
        account = accounts[turn if scope == "number" else 0]
        try:
            begin(house, account, LATVIAN.format(0 if scope == "number" else turn))
        except TooManyCodes as problem:
            said.append(str(problem.text))
        connection.close()

    threads = [threading.Thread(target=one, args=(turn,)) for turn in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = 3 if scope == "number" else 5
    assert len(said) == 10 - sent
    assert CodeSend.objects.count() == sent == len(house.sender.sent)
