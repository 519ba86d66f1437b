"""Browsers that an account was signed in with: known by a digest, and for long."""

from dataclasses import replace

from installation import Installation
from sidegate.accounts import known_browsers
from sidegate.accounts.known_browsers import KEPT_FOR, MOST
from sidegate.storage.keys import KeyRing
from sidegate.storage.second_step_models import KnownBrowser

TOKEN = "t" * 32


def test_new_once_and_to_each_account(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna, bert = house.add(), house.add("bert@example.test")
    seen = [
        known_browsers.sign_in(house.context, account=account, token=token)
        for account, token in ((anna, TOKEN), (anna, TOKEN), (bert, TOKEN), (anna, "u" * 32))
    ]
    assert seen == [True, False, True, True]
    digests = {bytes(row.digest) for row in KnownBrowser.objects.all()}
    assert len(digests) == 3, "nothing ties the two accounts of one browser together"
    assert not any(TOKEN.encode() in digest for digest in digests)


def test_it_is_known_from_its_last_sign_in_on(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna = house.add()

    def is_new() -> bool:
        return known_browsers.sign_in(house.context, account=anna, token=TOKEN)

    assert is_new()
    house.clock.forward(seconds=KEPT_FOR / 1000 - 1)
    assert not is_new()
    house.clock.forward(seconds=KEPT_FOR / 1000 - 1)
    assert not is_new()
    house.clock.forward(seconds=KEPT_FOR / 1000)
    assert is_new()
    assert KnownBrowser.objects.count() == 1
    house.clock.forward(seconds=KEPT_FOR / 1000)
    known_browsers.forget_old(now=house.clock())
    assert not KnownBrowser.objects.exists()


def test_the_newest_are_kept_and_no_others(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna, bert = house.add(), house.add("bert@example.test")
    assert known_browsers.sign_in(house.context, account=bert, token=TOKEN)
    for number in range(MOST + 1):
        house.clock.forward(seconds=1)
        assert known_browsers.sign_in(house.context, account=anna, token=f"{number}")
    assert KnownBrowser.objects.filter(account=anna).count() == MOST
    assert not known_browsers.sign_in(house.context, account=anna, token="1")
    assert known_browsers.sign_in(house.context, account=anna, token="0")
    assert not known_browsers.sign_in(house.context, account=bert, token=TOKEN)


def test_a_new_key_makes_no_browser_new(installation: Installation) -> None:
    house = installation
    anna = house.add()
    assert known_browsers.sign_in(house.context, account=anna, token=TOKEN)
    old = house.context.keys
    newer = KeyRing({**old.keys, "99": b"k" * 32}, "99")
    later = replace(house.context, keys=newer)
    assert not known_browsers.sign_in(later, account=anna, token=TOKEN)
