"""Backup codes: kept sealed until they count, used once, by one browser."""

import threading

import pytest
from django.db import connection

from installation import OWNER, Installation
from sidegate.accounts import backup_codes, second_steps, two_step
from sidegate.accounts.errors import NotAvailable, TooManyTries
from sidegate.storage.models import Account, Event
from sidegate.storage.sealed import CannotUnseal
from sidegate.storage.second_step_models import BackupCode


def on(house: Installation) -> Account:
    anna = house.add()
    two_step.turn_on(
        house.context, account=anna, number="+37120000000", channel="sms", origin=OWNER
    )
    return anna


def codes_for(house: Installation, anna: Account) -> list[str]:
    sealed = backup_codes.draft(house.context, account=anna)
    codes = backup_codes.drafted(house.context, account=anna, sealed=sealed)
    backup_codes.turn_on(house.context, account=anna, codes=codes, origin=OWNER)
    return codes


def present(house: Installation, anna: Account, code: str) -> bool:
    return backup_codes.present(house.context, account=anna, code=code, origin=OWNER)


def left(anna: Account) -> int:
    return sum(step.left for step in second_steps.of(anna))


def test_each_counts_once(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    codes = codes_for(house, anna)
    assert len(set(codes)) == 10
    assert present(house, anna, codes[3].upper())
    assert not present(house, anna, codes[3])
    assert left(anna) == 9
    kinds = Event.objects.order_by("pk").values_list("kind", flat=True)
    assert [*kinds][-3:] == ["backup-codes-made", "backup-code-used", "code-wrong"]


def test_one_of_ten_browsers_at_once_gets_in(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    code = codes_for(house, anna)[0]
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


def test_new_ones_end_the_old_ones(installation: Installation) -> None:
    house = installation
    anna = on(house)
    old = codes_for(house, anna)
    sealed = backup_codes.draft(house.context, account=anna)
    assert present(house, anna, old[0]), "until the new ones are kept"
    new = backup_codes.drafted(house.context, account=anna, sealed=sealed)
    assert not present(house, anna, new[0])
    backup_codes.turn_on(house.context, account=anna, codes=new, origin=OWNER)
    assert not present(house, anna, old[1])
    assert present(house, anna, new[0])


def test_nothing_of_them_can_be_read(installation: Installation) -> None:
    house = installation
    anna = on(house)
    sealed = backup_codes.draft(house.context, account=anna)
    codes = codes_for(house, anna)
    stored = b"".join(bytes(row.digest) for row in BackupCode.objects.all()) + sealed
    assert not any(code.encode() in stored for code in codes)
    with pytest.raises(CannotUnseal):
        backup_codes.drafted(house.context, account=house.add("b@example.test"), sealed=sealed)


def test_they_share_the_limit_and_are_nobody_elses(installation: Installation) -> None:
    house = installation
    anna = on(house)
    code = codes_for(house, anna)[0]
    bert = house.add("bert@example.test")
    assert not present(house, bert, code)
    for _ in range(10):
        assert not present(house, anna, "aaaaaaaaaa")
    with pytest.raises(TooManyTries):
        present(house, anna, code)


def test_they_go_with_two_step_and_come_only_with_it(installation: Installation) -> None:
    house = installation
    anna = on(house)
    codes = codes_for(house, anna)
    two_step.turn_off(house.context, account=anna, origin=OWNER)
    assert not BackupCode.objects.exists()
    with pytest.raises(NotAvailable):
        backup_codes.turn_on(house.context, account=anna, codes=codes, origin=OWNER)
