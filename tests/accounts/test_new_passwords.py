"""What may become an account password."""

import pytest

from installation import OWNER, PASSWORD, Installation
from sidegate.accounts import new_passwords, people
from sidegate.accounts.errors import WeakPassword
from sidegate.decisions.ports import Unavailable
from sidegate.factors.known_passwords import digest_of
from sidegate.storage import breached
from sidegate.storage.models import Account

LEAKED = "tulips in the snow"


def check(house: Installation, password: str, *, name: str = "Anna Kalniņa") -> None:
    new_passwords.check(
        house.context, password=password, address="anna@brewery.example.test", name=name
    )


def learnt(house: Installation, *passwords: str) -> None:
    digests = [digest_of(password) for password in passwords]
    breached.write(house.context.config.data / breached.FILE, digests, at_most=len(digests))


def test_a_breached_password_is_refused_from_when_the_list_is_there(
    installation: Installation,
) -> None:
    check(installation, LEAKED)
    learnt(installation, LEAKED)
    with pytest.raises(WeakPassword, match="stolen somewhere"):
        check(installation, LEAKED)
    check(installation, LEAKED + "!")
    with pytest.raises(WeakPassword):
        installation.add("berta@example.test", LEAKED)


def test_a_list_that_cannot_be_asked_is_an_outage(installation: Installation) -> None:
    account = installation.add()
    (installation.context.config.data / breached.FILE).write_bytes(b"damaged")
    with pytest.raises(Unavailable, match="damaged") as problem:
        people.change_password(
            installation.context,
            account=account,
            password=LEAKED,
            keep_app_passwords=False,
            origin=OWNER,
        )
    assert Account.objects.get().password_hash == account.password_hash
    assert LEAKED not in str(problem.value)


@pytest.mark.parametrize("password", ["Kalniņa2026", "brewery1", "sidegate-2026", "localhost"])
def test_words_of_the_account_and_the_service_are_refused(
    installation: Installation, password: str
) -> None:
    with pytest.raises(WeakPassword, match="little more than your name"):
        check(installation, password)


@pytest.mark.parametrize(
    "password",
    ["        ", "lowercase only", "12837465928", "ņ" * 8, PASSWORD, "x" * 255 + "n\u0327"],
)
def test_nothing_is_asked_of_its_characters(installation: Installation, password: str) -> None:
    check(installation, password)


def test_its_length_is_that_of_what_is_judged(installation: Installation) -> None:
    with pytest.raises(WeakPassword, match="at least 8"):
        check(installation, "n\u0327" * 4)
    with pytest.raises(WeakPassword, match="at most 256"):
        check(installation, "x" * 5000)
