"""Which second steps an account has, and what becomes of them."""

import json
import threading

import pytest
from django.db import connection

from installation import OPERATOR, OWNER, Installation
from sidegate.accounts import phones, second_steps, two_step
from sidegate.accounts.errors import LastStep, NotAvailable
from sidegate.accounts.second_steps import NewAuthenticator, NewPasskey, NewPhone, StepKind
from sidegate.storage.models import Account, Event, WebSession
from sidegate.storage.second_step_models import BackupCode, TrustedBrowser

PHONE = NewPhone(number="+37120000000", channel="sms")
APP = NewAuthenticator(name="My phone", secret=b"sealed", step=7)
PASSKEY = NewPasskey(
    name="Key",
    credential_id=b"id",
    public_key=b"key",
    sign_count=1,
    transports="usb",
    user_verified=True,
    discoverable=True,
)


def on(house: Installation, new: second_steps.NewStep = PHONE) -> Account:
    anna = house.add()
    assert two_step.turn_on_with(house.context, account=anna, new=new, origin=OWNER)
    anna.refresh_from_db()
    return anna


def kinds(account: Account) -> list[StepKind]:
    return [step.kind for step in second_steps.of(account)]


def give_backup_code(house: Installation, account: Account) -> None:
    BackupCode.objects.create(account=account, digest=b"d", made_at=house.clock.ms)


def remove(house: Installation, account: Account, kind: StepKind) -> bool:
    step = next(step for step in second_steps.of(account) if step.kind is kind)
    return second_steps.remove(house.context, account=account, key=step.key, origin=OWNER)


@pytest.mark.parametrize("new", [PHONE, APP, PASSKEY], ids=["phone", "app", "passkey"])
def test_any_of_them_turns_it_on(
    installation_on_each: Installation, new: second_steps.NewStep
) -> None:
    anna = on(installation_on_each, new)
    assert anna.two_step
    assert kinds(anna) == [new.kind]
    event = Event.objects.get(kind="two-step-on")
    assert f'"step": "{new.kind}"' in event.detail


def test_the_best_comes_first_and_backup_codes_last(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    give_backup_code(house, anna)
    for new in (APP, PASSKEY):
        second_steps.add(house.context, account=anna, new=new, origin=OWNER)
    assert kinds(anna) == ["passkey", "authenticator", "phone", "backup-codes"]
    assert Event.objects.filter(kind="second-step-added").count() == 2


def test_the_last_one_stays_and_backup_codes_are_none(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    give_backup_code(house, anna)
    second_steps.add(house.context, account=anna, new=APP, origin=OWNER)
    assert remove(house, anna, StepKind.PHONE)
    with pytest.raises(LastStep):
        remove(house, anna, StepKind.AUTHENTICATOR)
    assert kinds(anna) == ["authenticator", "backup-codes"]
    assert remove(house, anna, StepKind.BACKUP_CODES)
    assert Event.objects.filter(kind="second-step-removed").count() == 2


def test_two_browsers_cannot_remove_the_last_two(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    second_steps.add(house.context, account=anna, new=APP, origin=OWNER)
    keys = [step.key for step in second_steps.of(anna)]
    done: list[bool | str] = []

    def one(key: str) -> None:
        try:
            done.append(second_steps.remove(house.context, account=anna, key=key, origin=OWNER))
        except LastStep:
            done.append("last")
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, done)) == ["True", "last"]
    assert len(second_steps.full(anna)) == 1


def test_nobody_removes_anothers(installation: Installation) -> None:
    house = installation
    anna = on(house)
    bert = house.add("bert@example.test")
    key = second_steps.of(anna)[0].key
    assert not second_steps.remove(house.context, account=bert, key=key, origin=OWNER)
    assert second_steps.find(bert, key=key) is None


def test_removing_one_ends_trust_and_turning_off_ends_all(installation: Installation) -> None:
    house = installation
    anna = on(house)
    second_steps.add(house.context, account=anna, new=APP, origin=OWNER)

    def trust() -> None:
        TrustedBrowser.objects.create(
            account=anna, digest=b"t", password_version=1, made_at=1, expires_at=2
        )

    trust()
    remove(house, anna, StepKind.PHONE)
    assert not TrustedBrowser.objects.exists()
    trust()
    give_backup_code(house, anna)
    two_step.turn_off(house.context, account=anna, origin=OWNER)
    assert not second_steps.of(anna)
    assert not TrustedBrowser.objects.exists()


def test_none_is_added_while_it_is_off(installation: Installation) -> None:
    anna = installation.add()
    with pytest.raises(NotAvailable):
        second_steps.add(installation.context, account=anna, new=APP, origin=OWNER)
    assert not second_steps.of(anna)


def test_another_name(installation: Installation) -> None:
    anna = on(installation, APP)
    [step] = second_steps.of(anna)
    second_steps.rename(installation.context, account=anna, step=step, name="x" * 100, origin=OWNER)
    assert second_steps.of(anna)[0].name == "x" * 60


def sessions(house: Installation, account: Account) -> None:
    """Two browsers of hers, and one of somebody else's."""
    bert = Account.objects.filter(address="bert@example.test").first()
    bert = bert or house.add("bert@example.test")
    WebSession.objects.all().delete()
    for key, owner in (("this", account), ("other", account), ("bert", bert)):
        WebSession.objects.create(
            key_digest=key, account=owner, data="", created_at=1, seen_at=1, expires_at=2**60
        )


def still_in() -> set[str]:
    return {*WebSession.objects.values_list("key_digest", flat=True)}


def test_whoever_got_in_by_what_is_removed_is_out(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    sessions(house, anna)
    second_steps.add(house.context, account=anna, new=APP, origin=OWNER)
    assert still_in() == {"this", "other", "bert"}, "another step takes nothing from anybody"
    step = next(one for one in second_steps.of(anna) if one.kind is StepKind.PHONE)
    number = NewPhone(number="+37120000009", channel="sms")
    phones.add(
        house.context, account=anna, new=number, replaces=step, origin=OWNER, keep_session="this"
    )
    assert still_in() == {"this", "bert"}
    sessions(house, anna)
    key = second_steps.full(anna)[0].key
    assert second_steps.remove(
        house.context, account=anna, key=key, origin=OWNER, keep_session="this"
    )
    assert still_in() == {"this", "bert"}
    sessions(house, anna)
    two_step.turn_off(house.context, account=anna, origin=OWNER, keep_session="this")
    assert still_in() == {"this", "bert"}
    assert Event.objects.filter(kind="web-session-ended", account=anna).count() == 3
    sessions(house, anna)
    assert two_step.turn_on_with(
        house.context, account=anna, new=PHONE, origin=OWNER, keep_session="this"
    )
    assert still_in() == {"this", "bert"}
    sessions(house, anna)
    two_step.turn_off(house.context, account=anna, origin=OPERATOR)
    assert still_in() == {"bert"}


def test_a_changed_number_keeps_name_and_place(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    second = NewPhone(number="+37120000008", channel="voice")
    second_steps.add(house.context, account=anna, new=second, origin=OWNER)
    anna.phones.filter(number=second.number).update(name="Work", preferred_at=5)
    step = second_steps.full(anna)[0]
    number = NewPhone(number="+37120000009", channel="sms")
    house.clock.forward(seconds=60)
    phones.add(house.context, account=anna, new=number, replaces=step, origin=OWNER)
    first = second_steps.full(anna)[0]
    assert (first.number, first.name, first.added_at) == (number.number, "Work", house.clock())
    assert "09" in Event.objects.get(kind="phone-changed").detail
    with pytest.raises(NotAvailable):
        phones.add(house.context, account=anna, new=second, replaces=step, origin=OWNER)
    assert len(second_steps.full(anna)) == 2


def test_what_is_changed_about_one_is_an_event(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = on(house)
    [phone] = second_steps.full(anna)

    def events() -> list[str]:
        found = Event.objects.filter(kind="second-step-changed").order_by("id")
        return [str(json.loads(event.detail).get("name", "")) for event in found]

    for _ in range(2):  # the second time nothing changes
        second_steps.rename(house.context, account=anna, step=phone, name="At work", origin=OWNER)
    assert events() == ["At work"]
    for _ in range(2):
        phones.set_channel(house.context, account=anna, step=phone, channel="voice", origin=OWNER)
    phones.prefer(house.context, account=anna, step=phone, origin=OWNER)
    assert len(events()) == 3
    bert = house.add("bert@example.test")
    second_steps.rename(house.context, account=bert, step=phone, name="Mine", origin=OWNER)
    phones.prefer(house.context, account=bert, step=phone, origin=OWNER)
    assert len(events()) == 3
    assert second_steps.full(anna)[0].name == "At work"
