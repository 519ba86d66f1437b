"""Authenticator apps: proved, used once a step, limited."""

import threading

import pytest
from django.db import connection

from installation import OWNER, Installation
from sidegate.accounts import authenticators, code_tries, second_steps, two_step, web_sign_in
from sidegate.accounts.context import Origin
from sidegate.accounts.errors import TooManyTries
from sidegate.factors import totp
from sidegate.storage.models import Account, Event
from sidegate.storage.sealed import CannotUnseal, unseal
from sidegate.storage.second_step_models import CodeTry, Totp

FAR = Origin(by="owner", address="203.0.113.9", program="another browser")


def secret_of(house: Installation, account: Account, sealed: bytes) -> bytes:
    place = f"totp:{account.pk}".encode()
    return unseal(keys=house.context.keys, sealed=sealed, bound_to=place)


def code_now(house: Installation, account: Account, *, later: int = 0) -> str:
    sealed = bytes(Totp.objects.order_by("-pk")[0].secret)
    step = house.clock.ms // totp.STEP + later
    return totp.code_at(secret=secret_of(house, account, sealed), step=step)


def proved(house: Installation, account: Account) -> second_steps.NewAuthenticator:
    sealed = authenticators.new_secret(house.context, account=account)
    step = house.clock.ms // totp.STEP
    code = totp.code_at(secret=secret_of(house, account, sealed), step=step)
    new = authenticators.prove(house.context, account=account, sealed=sealed, code=code)
    assert new is not None
    return new


def on(house: Installation) -> Account:
    anna = house.add()
    new = proved(house, anna)
    assert two_step.turn_on_with(house.context, account=anna, new=new, origin=OWNER)
    house.clock.forward(seconds=60)
    return anna


def present(house: Installation, anna: Account, code: str, origin: Origin = OWNER) -> bool:
    return authenticators.present(house.context, account=anna, code=code, origin=origin)


def wrong_one(house: Installation, anna: Account) -> str:
    right = {code_now(house, anna, later=later) for later in (-1, 0, 1)}
    return next(code for code in ("000000", "111111", "222222", "333333") if code not in right)


def test_the_code_that_proved_it_is_used_up(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = house.add()
    new = proved(house, anna)
    two_step.turn_on_with(house.context, account=anna, new=new, origin=OWNER)
    assert not present(house, anna, code_now(house, anna))
    house.clock.forward(seconds=30)
    assert present(house, anna, code_now(house, anna))


def test_a_code_counts_once(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    code = code_now(house, anna)
    assert present(house, anna, f" {code[:3]} {code[3:]} ")
    assert second_steps.of(anna)[0].last_used_at == house.clock.ms
    assert not present(house, anna, code)
    assert not present(house, anna, code_now(house, anna, later=-1)), "an older one is over"
    assert Event.objects.filter(kind="code-wrong").count() == 2


def test_one_of_ten_browsers_at_once_gets_in(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    code = code_now(house, anna)
    let_in: list[bool] = []

    def one() -> None:
        try:
            let_in.append(present(house, anna, code))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(let_in) == [False] * 9 + [True]


def test_several_apps_each_with_its_own_name(installation: Installation) -> None:
    house = installation
    anna = on(house)
    first = code_now(house, anna)
    second = proved(house, anna)
    second_steps.add(house.context, account=anna, new=second, origin=OWNER)
    house.clock.forward(seconds=30)
    assert [step.name for step in second_steps.of(anna)] == [
        "Authenticator app",
        "Authenticator app 2",
    ]
    assert present(house, anna, code_now(house, anna))
    assert present(house, anna, first), "the other app's own step was not used"


def test_a_secret_opens_in_no_other_account(installation: Installation) -> None:
    house = installation
    anna, bert = house.add(), house.add("bert@example.test")
    sealed = authenticators.new_secret(house.context, account=anna)
    with pytest.raises(CannotUnseal):
        authenticators.prove(house.context, account=bert, sealed=sealed, code="123456")
    assert secret_of(house, anna, sealed) not in sealed


def test_ten_wrong_codes_an_hour_and_then_a_right_one(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    for _ in range(10):
        assert not present(house, anna, wrong_one(house, anna))
    with pytest.raises(TooManyTries) as problem:
        present(house, anna, code_now(house, anna))
    assert problem.value.retry_at == house.clock.ms + 3_600_000
    with pytest.raises(TooManyTries):
        present(house, anna, code_now(house, anna))
    assert Event.objects.filter(kind="code-throttled", account=anna).count() == 1
    house.clock.forward(seconds=3600)
    assert present(house, anna, code_now(house, anna)), "nobody is locked out for ever"


def test_wrong_codes_from_afar_leave_the_owner_alone(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    web_sign_in.finished(house.context, account=anna, step="", browser="b", origin=OWNER)
    for _ in range(10):
        present(house, anna, wrong_one(house, anna), FAR)
    with pytest.raises(TooManyTries):
        present(house, anna, code_now(house, anna), FAR)
    assert present(house, anna, code_now(house, anna), OWNER)


def test_right_codes_are_not_counted(installation: Installation) -> None:
    house = installation
    anna = on(house)
    for _ in range(12):
        assert present(house, anna, code_now(house, anna))
        house.clock.forward(seconds=30)
    assert not CodeTry.objects.exists()


def test_tries_at_once_get_no_more(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    taken: list[bool] = []

    def one() -> None:
        try:
            code_tries.take(house.context, account_id=anna.pk, origin=OWNER)
            taken.append(True)
        except TooManyTries:
            taken.append(False)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(14)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 10
