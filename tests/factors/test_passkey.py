"""Passkeys: what is asked, and which answers count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.factors import passkey
from sidegate.factors.passkey import Known, Refusal, Registered, RelyingParty, Used
from soft_key import PRESENT, KeyThatTells, SoftKey, b64

PARTY = RelyingParty("localhost", "http://localhost:8025", "Sidegate")
CHALLENGE, OTHER = bytes(32), b"\x01" * 32
HANDLE = b"\x02" * 32


def asked_to_create(challenge: bytes = CHALLENGE) -> dict[str, object]:
    return passkey.creation_options(
        party=PARTY,
        challenge=challenge,
        user_handle=HANDLE,
        address="anna@example.test",
        name="",
        known=[],
    )


def asked_to_sign(challenge: bytes = CHALLENGE) -> dict[str, object]:
    return passkey.request_options(party=PARTY, challenge=challenge, known=[], verified=True)


def judged_new(key: SoftKey, answer: str) -> Registered | Refusal:
    del key
    return passkey.registered(party=PARTY, challenge=CHALLENGE, answer=answer)


def new_key(**facts: object) -> tuple[SoftKey, Registered]:
    key = SoftKey()
    made = judged_new(key, key.create(asked_to_create()))
    assert isinstance(made, Registered)
    for name, value in facts.items():
        setattr(key, name, value)
    return key, made


def judged(
    key: SoftKey, made: Registered, *, challenge: bytes = CHALLENGE, verified: bool = True
) -> Used | Refusal:
    return passkey.used(
        party=PARTY,
        challenge=CHALLENGE,
        answer=key.get(asked_to_sign(challenge)),
        public_key=made.public_key,
        sign_count=made.sign_count,
        verified=verified,
    )


@pytest.mark.parametrize(
    ("url", "party", "origin"),
    [
        ("https://mail.example.test", "mail.example.test", "https://mail.example.test"),
        ("https://mail.example.test:443", "mail.example.test", "https://mail.example.test"),
        ("https://mail.example.test:8443", "mail.example.test", "https://mail.example.test:8443"),
        ("http://localhost:8025", "localhost", "http://localhost:8025"),
        ("http://localhost:80", "localhost", "http://localhost"),
    ],
)
def test_the_relying_party_is_the_portals_host(url: str, party: str, origin: str) -> None:
    found = passkey.relying_party(url=url, name="Mail")
    assert found == (party, origin, "Mail")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8025", "https://[2001:db8::1]", "https://"])
def test_an_address_without_a_name_has_no_passkeys(url: str) -> None:
    assert passkey.relying_party(url=url, name="Mail") is None


def test_what_a_browser_is_asked_to_create() -> None:
    known = [Known(b"one", "usb,nfc"), Known(b"two", "")]
    asked = passkey.creation_options(
        party=PARTY,
        challenge=CHALLENGE,
        user_handle=HANDLE,
        address="anna@example.test",
        name="Anna",
        known=known,
    )
    assert asked["rp"] == {"id": "localhost", "name": "Sidegate"}
    assert asked["user"] == {
        "id": b64(HANDLE),
        "name": "anna@example.test",
        "displayName": "Anna",
    }
    assert asked["attestation"] == "none"
    assert asked["authenticatorSelection"]["residentKey"] == "preferred"
    assert asked["excludeCredentials"] == [
        {"id": b64(b"one"), "type": "public-key", "transports": ["usb", "nfc"]},
        {"id": b64(b"two"), "type": "public-key"},
    ]


def test_what_it_is_asked_for_at_a_sign_in_names_nobody() -> None:
    asked = asked_to_sign()
    assert asked["allowCredentials"] == []
    assert asked["userVerification"] == "required"
    assert asked["rpId"] == "localhost"


def test_a_passkey_is_made_and_used() -> None:
    key, made = new_key()
    assert made.credential_id == key.credential_id
    assert made.transports == "internal,hybrid"
    assert (made.user_verified, made.discoverable, made.sign_count) == (True, True, 0)
    assert judged(key, made) == Used(0, user_verified=True)


WRONG: list[dict[str, object]] = [
    {"origin": "https://localhost:8025"},
    {"origin": "http://localhost:8026"},
    {"origin": "http://evil.test"},
    {"party": "evil.test"},
    {"flags": 0},
    {"cross_origin": True},
]


@pytest.mark.parametrize("facts", WRONG, ids=str)
def test_neither_is_one_for_another_page(facts: dict[str, object]) -> None:
    key, made = new_key(**facts)
    assert judged(key, made) is Refusal.INVALID
    assert judged_new(key, key.create(asked_to_create())) is Refusal.INVALID


def test_another_challenge_counts_for_nothing() -> None:
    key, made = new_key()
    assert judged(key, made, challenge=OTHER) is Refusal.INVALID
    assert judged_new(key, key.create(asked_to_create(OTHER))) is Refusal.INVALID


def test_another_key_counts_for_nothing() -> None:
    _key, made = new_key()
    assert judged(SoftKey(), made) is Refusal.INVALID


def test_attestation_that_nobody_asked_for() -> None:
    key = KeyThatTells(format="fido-u2f")
    assert judged_new(key, key.create(asked_to_create())) is Refusal.INVALID


def test_verification_where_it_must_be() -> None:
    key, made = new_key(flags=PRESENT)
    assert judged(key, made) is Refusal.NOT_VERIFIED
    assert judged(key, made, verified=False) == Used(0, user_verified=False)


@pytest.mark.parametrize(
    ("stored", "said", "goes_on"),
    [(0, 0, True), (0, 1, True), (5, 6, True), (5, 5, False), (5, 4, False), (5, 0, False)],
)
def test_a_counter_never_goes_back(
    stored: int,
    said: int,
    goes_on: bool,  # noqa: FBT001 - a table
) -> None:
    key, made = new_key(counter=said)
    found = judged(key, replace(made, sign_count=stored))
    assert found == (Used(said, user_verified=True) if goes_on else Refusal.COUNTER_BACK)


def test_a_wrong_signature_says_nothing_about_the_counter() -> None:
    _key, made = new_key()
    assert judged(SoftKey(), replace(made, sign_count=9)) is Refusal.INVALID


def test_what_an_answer_says_of_itself() -> None:
    key, _made = new_key()
    assert passkey.read(key.get(asked_to_sign(OTHER))) == (OTHER, key.credential_id, HANDLE)
    assert passkey.read_new(key.create(asked_to_create(OTHER))) == OTHER


READERS: list[Callable[[str], object]] = [passkey.read, passkey.read_new]


@pytest.mark.parametrize("reader", READERS)
@given(answer=st.text(max_size=200))
def test_nonsense_is_no_answer(reader: Callable[[str], object], answer: str) -> None:
    assert reader(answer) is None
    assert judged_new(SoftKey(), answer) is Refusal.INVALID


@given(place=st.integers(min_value=0), byte=st.integers(min_value=1, max_value=255))
def test_no_byte_of_an_answer_can_be_another(place: int, byte: int) -> None:
    key, made = new_key()
    data = bytearray(key._data(key.flags))
    data[place % len(data)] ^= byte
    signed_as = key._data
    right = key.get(asked_to_sign())
    changed = right.replace(b64(signed_as(key.flags)), b64(bytes(data)))
    assert changed != right
    found = passkey.used(
        party=PARTY,
        challenge=CHALLENGE,
        answer=changed,
        public_key=made.public_key,
        sign_count=0,
        verified=False,
    )
    assert found is Refusal.INVALID


def test_an_answer_without_end_is_not_even_read() -> None:
    key, made = new_key()
    padded = key.get(asked_to_sign(), padding="x" * passkey.LONGEST_ANSWER)
    assert passkey.read(padded) is None
    assert isinstance(judged(key, made), Used)


def test_an_id_longer_than_any_may_be() -> None:
    key = SoftKey(credential_id=bytes(1024))
    assert judged_new(key, key.create(asked_to_create())) is Refusal.INVALID
