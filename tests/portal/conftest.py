"""Anna, as far along as a test needs her."""

import pytest
from argon2 import PasswordHasher

from installation import Installation
from portal.person import ADDRESS, Person
from sidegate.factors import account_password
from sidegate.storage.models import Account


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    # Pages are tried here, not Argon2id: its cost would be most of the time.
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(account_password, "_HASHER", cheap)


@pytest.fixture
def anna(installation: Installation) -> Account:
    return installation.add(ADDRESS)


@pytest.fixture
def person(installation: Installation, anna: Account) -> Person:
    """Somebody who is not signed in yet."""
    assert anna.address == ADDRESS
    return Person(installation)


@pytest.fixture
def inside(person: Person) -> Person:
    """Anna, signed in; 2-step is off."""
    assert person.sign_in().status_code == 302
    return person


@pytest.fixture
def two_step(inside: Person, anna: Account) -> Person:
    """Anna, signed in, 2-step just turned on."""
    inside.turn_on()
    anna.refresh_from_db()
    assert anna.two_step
    return inside


@pytest.fixture
def later(two_step: Person) -> Person:
    """The same, when her second step is no longer fresh and another code may be sent."""
    two_step.here.clock.forward(seconds=3601)
    return two_step
