import pytest

from sidegate.factors.context_words import is_one_of, words_of

WORDS = words_of(
    address="anna.kalnina@brewery.example.test",
    name="Anna Kalniņa",
    service="Old Brewery Mail",
    host="portal.example.test",
)

REFUSED = [
    "anna.kalnina@brewery.example.test",
    "ANNA.KALNINA",
    "annakalnina",
    "Anna Kalniņa",
    "Kalniņa1990",
    "kalnina!!",
    "2026-Kalnina",
    "Anna19900131",
    "brewery.example.test",
    "Brewery2026",
    "Example1!",
    "oldbrewerymail1",
    "Old Brewery Mail",
    "portal.example.test",
    "sidegate1",
    "\uff33idegate1",
]
ALLOWED = [
    "anna kalnina brews at night",
    "brewery brewery",
    "anna199001310",
    "12345678!",
    "old mail",
    "test1234",
    "correct horse battery staple",
    "\ud800 anna and more",
]


@pytest.mark.parametrize("password", REFUSED)
def test_what_everybody_knows_of_an_account_is_no_password(password: str) -> None:
    assert is_one_of(password, WORDS)


@pytest.mark.parametrize("password", ALLOWED)
def test_anything_more_is(password: str) -> None:
    assert not is_one_of(password, WORDS)


def test_words_that_are_no_words_are_looked_for_nowhere() -> None:
    words = words_of(address="x@a.test", name="2026", service="!", host="127.0.0.1")
    assert not is_one_of("20262026", words)
    assert not is_one_of("x!!!!!!!", words)
    assert is_one_of("x@a.test", words)
