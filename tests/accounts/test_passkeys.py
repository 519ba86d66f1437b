"""Passkeys in the database: counted once, by whichever browser comes first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from installation import OWNER, Installation
from sidegate.accounts import passkeys, second_steps, two_step
from sidegate.accounts.errors import LastStep
from sidegate.accounts.passkeys import PasskeyRight
from sidegate.accounts.second_steps import NewPasskey
from sidegate.events.catalogue import Kind
from sidegate.factors.passkey import Refusal
from sidegate.storage.models import Account, Event
from sidegate.storage.second_step_models import Passkey
from soft_key import SoftKey

CHALLENGE = bytes(32)


def made(here: Installation, account: Account, key: SoftKey) -> NewPasskey:
    asked = passkeys.creation_options(here.context, account=account, challenge=CHALLENGE)
    answer = key.create(asked)
    found = passkeys.made(here.context, challenge=CHALLENGE, answer=answer, name="Laptop")
    assert isinstance(found, NewPasskey)
    return found


def on_with(here: Installation, key: SoftKey) -> Account:
    account = here.add()
    new = made(here, account, key)
    assert two_step.turn_on_with(here.context, account=account, new=new, origin=OWNER)
    return account


def used(here: Installation, account: Account | None, answer: str) -> PasskeyRight | Refusal:
    return passkeys.use(
        here.context,
        account=account,
        challenge=CHALLENGE,
        answer=answer,
        verified=True,
        origin=OWNER,
    )


def answer_of(here: Installation, key: SoftKey) -> str:
    asked = passkeys.request_options(here.context, account=None, challenge=CHALLENGE, verified=True)
    return key.get(asked)


@pytest.mark.parametrize("whole", [False, True], ids=["second step", "whole sign-in"])
def test_it_is_stored_and_used(installation_on_each: Installation, *, whole: bool) -> None:
    here, key = installation_on_each, SoftKey(counter=1)
    account = on_with(here, key)
    key.counter = 2
    here.clock.forward(seconds=60)
    found = used(here, None if whole else account, answer_of(here, key))
    assert found == PasskeyRight(account, user_verified=True)
    row = Passkey.objects.get()
    assert (row.sign_count, row.last_used_at) == (2, here.clock())


def test_of_browsers_at_once_one_counts(installation_on_each: Installation) -> None:
    here, key = installation_on_each, SoftKey(counter=1)
    account = on_with(here, key)
    key.counter = 2
    answer = answer_of(here, key)

    def browser(_n: int) -> PasskeyRight | Refusal:
        try:
            return used(here, account, answer)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as browsers:
        found = list(browsers.map(browser, range(4)))
    assert sum(isinstance(one, PasskeyRight) for one in found) == 1
    assert found.count(Refusal.COUNTER_BACK) == 3


def test_a_counter_that_goes_back_changes_nothing(installation_on_each: Installation) -> None:
    here, key = installation_on_each, SoftKey(counter=7)
    account = on_with(here, key)
    key.counter = 3
    assert used(here, account, answer_of(here, key)) is Refusal.COUNTER_BACK
    assert Passkey.objects.get().sign_count == 7
    assert Event.objects.filter(kind=Kind.PASSKEY_COPIED, account=account).count() == 1


def test_the_handle_is_drawn_once(installation_on_each: Installation) -> None:
    here = installation_on_each
    one, other = here.add(), here.add("berta@example.test")
    keys = [SoftKey(), SoftKey(), SoftKey()]
    for account, key in zip((one, one, other), keys, strict=True):
        made(here, account, key)
    assert keys[0].handle == keys[1].handle
    assert keys[0].handle != keys[2].handle


def test_the_last_one_stays(installation_on_each: Installation) -> None:
    here = installation_on_each
    account = on_with(here, SoftKey())
    row = Passkey.objects.get()
    [step] = second_steps.of(account)
    with pytest.raises(LastStep):
        second_steps.remove(here.context, account=account, key=step.key, origin=OWNER)
    second = made(here, account, SoftKey(credential_id=b"another"))
    second_steps.add(here.context, account=account, new=second, origin=OWNER)
    assert second_steps.remove(here.context, account=account, key=step.key, origin=OWNER)
    assert Passkey.objects.get().credential_id != row.credential_id


def test_with_two_step_off_none_is_left(installation_on_each: Installation) -> None:
    here, key = installation_on_each, SoftKey()
    account = on_with(here, key)
    two_step.turn_off(here.context, account=account, origin=OWNER)
    assert used(here, None, answer_of(here, key)) is Refusal.INVALID
