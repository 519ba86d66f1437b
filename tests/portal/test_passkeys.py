"""Passkeys on the pages: added, as a second step, as the whole sign-in; every refusal."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from installation import OPERATOR, OWNER, PASSWORD, Installation, close_database, install
from portal.person import ADDRESS, NUMBER, Person, page_of, text_of
from sidegate.accounts import passkeys, people, second_steps
from sidegate.decisions.directory import Question, Seen
from sidegate.decisions.mail import Presence
from sidegate.storage.models import Account, Event, Job, WebSession
from sidegate.storage.second_step_models import Passkey, UsedChallenge
from soft_key import PRESENT, SoftKey

CONFIRM = "/security/passkey"
STEP, WHOLE, ADD = "/signin/step/passkey", "/signin/passkey", "/security/two-step/passkey"


def options(person: Person, path: str) -> dict[str, object]:
    answer = person.post(f"{path}/options")
    assert answer.status_code == 200, answer
    found: dict[str, object] = json.loads(answer.content)
    return found


def add(person: Person, key: SoftKey, *, name: str = "My laptop") -> str:
    """Add it where 2-step is on already; returns where the form leads."""
    person.post(ADD, password=PASSWORD)
    answer = key.create(options(person, ADD))
    return person.post(ADD, **{"new-passkey": answer, "name": name})["Location"]


@pytest.fixture
def key() -> SoftKey:
    return SoftKey()


@pytest.fixture
def with_key(two_step: Person, key: SoftKey) -> Person:
    """Anna with a phone and a passkey, signed out."""
    assert add(two_step, key) == "/security/two-step"
    two_step.post("/signout")
    two_step.here.clock.forward(seconds=3601)
    return two_step


def test_two_step_is_turned_on_with_one(inside: Person, anna: Account, key: SoftKey) -> None:
    inside.post(ADD, password=PASSWORD)
    page = inside.get(ADD)
    assert "Add a passkey" in text_of(page)
    assert "Passkeys need JavaScript" in text_of(page)
    asked = options(inside, ADD)
    fields = {"new-passkey": key.create(asked), "name": "My laptop"}
    assert inside.post(ADD, **fields)["Location"] == "/security/two-step/turn-on"
    anna.refresh_from_db()
    assert not anna.two_step
    assert "Your second step will be: Passkey." in text_of(inside.get("/security/two-step/turn-on"))
    inside.post("/security/two-step/turn-on")
    anna.refresh_from_db()
    assert anna.two_step
    [row] = Passkey.objects.all()
    assert (row.name, row.transports, row.discoverable) == ("My laptop", "internal,hybrid", True)
    assert "My laptop" in text_of(inside.get("/security/two-step"))


def test_the_handle_is_random_and_stays(two_step: Person, anna: Account, key: SoftKey) -> None:
    add(two_step, key)
    second = SoftKey(credential_id=b"another one")
    add(two_step, second)
    anna.refresh_from_db()
    assert len(key.handle or b"") == 32
    assert key.handle == second.handle == bytes(anna.passkey_handle or b"")
    assert ADDRESS.encode() not in (key.handle or b"")


def test_no_options_without_the_password(inside: Person) -> None:
    assert inside.post(f"{ADD}/options").status_code == 403
    assert inside.post(ADD, **{"new-passkey": "{}", "name": "x"}).status_code == 200
    assert not Passkey.objects.exists()


def test_a_registration_counts_once(two_step: Person, key: SoftKey) -> None:
    two_step.post(ADD, password=PASSWORD)
    fields = {"new-passkey": key.create(options(two_step, ADD)), "name": "x"}
    assert two_step.post(ADD, **fields).status_code == 302
    two_step.post(ADD, password=PASSWORD)
    assert "That took too long" in text_of(two_step.post(ADD, **fields))
    assert Passkey.objects.count() == 1


def test_the_same_passkey_is_no_second_one(two_step: Person, key: SoftKey) -> None:
    add(two_step, key)
    two_step.post(ADD, password=PASSWORD)
    asked = options(two_step, ADD)
    assert len(asked["excludeCredentials"]) == 1  # type: ignore[arg-type]  # JSON
    page = two_step.post(ADD, **{"new-passkey": key.create(asked), "name": "x"})
    assert "does not work here" in text_of(page)


def test_no_more_than_twenty(two_step: Person, anna: Account) -> None:
    for n in range(20):
        new = second_steps.NewPasskey(f"{n}", bytes([n]), b"", 0, "", True, True)  # noqa: FBT003
        second_steps.add(two_step.here.context, account=anna, new=new, origin=OWNER)
    two_step.post(ADD, password=PASSWORD)
    assert "You have 20 passkeys" in text_of(two_step.get(ADD))
    assert two_step.post(f"{ADD}/options").status_code == 404


def test_as_the_second_step(with_key: Person, key: SoftKey) -> None:
    assert with_key.sign_in(next="/security")["Location"] == STEP
    page = text_of(with_key.get(STEP))
    assert "Use a passkey" in page
    assert "Try another way" in page
    asked = options(with_key, STEP)
    assert asked["userVerification"] == "discouraged"
    assert len(asked["allowCredentials"]) == 1  # type: ignore[arg-type]  # JSON
    key.flags = PRESENT
    assert with_key.post(STEP, passkey=key.get(asked))["Location"] == "/security"
    assert with_key.get("/security").status_code == 200
    assert Passkey.objects.get().last_used_at == with_key.here.clock()
    assert not [one for one in with_key.here.sender.sent[1:] if one["channel"] == "sms"]


BOX = "Don't ask again on this browser"


def test_as_the_second_step_it_may_be_the_last_for_30_days(with_key: Person, key: SoftKey) -> None:
    """Not where 2-step is proved again, and not on the sign-in without a password."""
    assert BOX not in text_of(with_key.get("/signin"))
    with_key.sign_in()
    assert BOX in text_of(with_key.get(STEP))
    assert 'id="trust" checked' in page_of(with_key.post(STEP, passkey="{}", trust="yes"))
    with_key.post(STEP, passkey=key.get(options(with_key, STEP)), trust="yes")
    with_key.here.clock.forward(seconds=301)
    assert with_key.post("/security/app-passwords", password=PASSWORD)["Location"] == CONFIRM
    assert BOX not in text_of(with_key.get(CONFIRM))
    with_key.post("/signout")
    assert with_key.sign_in()["Location"] == "/"


def test_without_the_box_it_is_asked_for_again(with_key: Person, key: SoftKey) -> None:
    with_key.sign_in()
    with_key.post(STEP, passkey=key.get(options(with_key, STEP)))
    with_key.post("/signout")
    assert with_key.sign_in()["Location"] == STEP


def test_another_way_is_still_the_phone(with_key: Person) -> None:
    with_key.sign_in()
    page = text_of(with_key.get("/signin/another-way"))
    assert "Passkey My laptop" in page
    assert "Text message" in page


def test_the_whole_sign_in(with_key: Person, key: SoftKey) -> None:
    page = with_key.get("/signin")
    assert 'autocomplete="username webauthn"' in page.content.decode()
    asked = options(with_key, WHOLE)
    assert asked["allowCredentials"] == []
    assert asked["userVerification"] == "required"
    answer = with_key.post(WHOLE, passkey=key.get(asked), next="/security")
    assert answer["Location"] == "/security"
    assert with_key.get("/security").status_code == 200
    assert Event.objects.filter(kind="web-signed-in").count() == 2
    # It counts as a second step that was just given: the password alone is asked for.
    answer = with_key.post("/security/app-passwords", password=PASSWORD)
    assert answer["Location"] == "/security/app-passwords"


def test_it_leads_nowhere_else(with_key: Person, key: SoftKey) -> None:
    answer = key.get(options(with_key, WHOLE))
    assert with_key.post(WHOLE, passkey=answer, next="https://evil.test/")["Location"] == "/"


def test_everybody_is_asked_the_same(with_key: Person) -> None:
    asked = options(with_key, WHOLE)
    del asked["challenge"]
    stranger = Person(with_key.here)
    other = stranger.post(f"{WHOLE}/options", email="nobody@example.test")
    assert {**json.loads(other.content), "challenge": None} == {**asked, "challenge": None}


def refused_whole(person: Person, answer: str) -> str:
    page = person.post(WHOLE, passkey=answer)
    assert page.status_code == 200
    assert person.get("/security").status_code == 302
    return text_of(page)


WRONG: list[tuple[str, dict[str, object], str, bool]] = [
    ("another origin", {"origin": "http://localhost:9"}, "does not work", True),
    ("another site", {"party": "evil.test"}, "does not work", True),
    ("a page of another site", {"cross_origin": True}, "does not work", True),
    ("another key", {"private": SoftKey().private}, "does not work", True),
    ("nobody verified", {"flags": PRESENT}, "did not ask for a PIN", True),
    ("no account named", {"handle": None}, "does not work", False),
    ("another account named", {"handle": b"x" * 32}, "does not work", False),
    ("an unknown passkey", {"credential_id": b"unknown"}, "does not work", False),
]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case[0])
def test_refusals(
    with_key: Person,
    key: SoftKey,
    anna: Account,
    case: tuple[str, dict[str, object], str, bool],
) -> None:
    _name, facts, said, hers = case
    for name, value in facts.items():
        setattr(key, name, value)
    assert said in refused_whole(with_key, key.get(options(with_key, WHOLE)))
    event = Event.objects.filter(kind="web-refused").latest("id")
    assert event.account == (anna if hers else None)
    assert event.reason == "wrong-passkey"
    assert Passkey.objects.get().last_used_at is None


@pytest.mark.parametrize("answer", ["", "{}", "[]", "x" * 20_000, '{"id": 5}'], ids=range(5))
def test_what_is_no_answer(with_key: Person, answer: str) -> None:
    options(with_key, WHOLE)
    assert "That took too long" in refused_whole(with_key, answer)


def test_an_answer_counts_once(with_key: Person, key: SoftKey) -> None:
    answer = key.get(options(with_key, WHOLE))
    assert with_key.post(WHOLE, passkey=answer).status_code == 302
    with_key.post("/signout")
    assert "That took too long" in refused_whole(with_key, answer)


def test_a_wrong_answer_uses_its_challenge_up(with_key: Person, key: SoftKey) -> None:
    asked = options(with_key, WHOLE)
    key.flags = PRESENT
    refused_whole(with_key, key.get(asked))
    key.flags = SoftKey.flags
    assert "That took too long" in refused_whole(with_key, key.get(asked))


def test_an_answer_counts_in_the_browser_that_was_asked(with_key: Person, key: SoftKey) -> None:
    answer = key.get(options(with_key, WHOLE))
    other = Person(with_key.here)
    options(other, WHOLE)
    assert "That took too long" in refused_whole(other, answer)
    assert with_key.post(WHOLE, passkey=answer).status_code == 302


def test_a_challenge_is_good_for_five_minutes(with_key: Person, key: SoftKey) -> None:
    answer = key.get(options(with_key, WHOLE))
    with_key.here.clock.forward(seconds=301)
    assert "That took too long" in refused_whole(with_key, answer)


def test_several_tabs_at_a_time(with_key: Person, key: SoftKey) -> None:
    first, *_middle, last = [options(with_key, WHOLE) for _ in range(5)]
    assert "That took too long" in refused_whole(with_key, key.get(first))
    assert with_key.post(WHOLE, passkey=key.get(last)).status_code == 302


def test_what_was_asked_for_one_thing_is_good_for_no_other(with_key: Person, key: SoftKey) -> None:
    whole = key.get(options(with_key, WHOLE))
    with_key.sign_in()
    step = key.get(options(with_key, STEP))
    assert "That took too long" in refused_whole(with_key, step)
    assert "That took too long" in text_of(with_key.post(STEP, passkey=whole))


def test_a_counter_that_goes_back_is_refused_and_told(
    with_key: Person, key: SoftKey, anna: Account
) -> None:
    key.counter = 5
    assert with_key.post(WHOLE, passkey=key.get(options(with_key, WHOLE))).status_code == 302
    with_key.post("/signout")
    for counter in (5, 4, 0):
        key.counter = counter
        page = refused_whole(with_key, key.get(options(with_key, WHOLE)))
        assert "there may be a copy of it" in page
    assert Event.objects.filter(kind="passkey-copied", account=anna).count() == 3
    assert Job.objects.filter(subject=f"notice:{anna.pk}:passkey-copied").count() == 6
    assert Passkey.objects.get().sign_count == 5
    key.counter = 6
    assert with_key.post(WHOLE, passkey=key.get(options(with_key, WHOLE))).status_code == 302
    assert "A passkey was refused: there may be a copy of it" in text_of(with_key.get("/activity"))


def test_another_accounts_passkey_is_no_second_step(with_key: Person) -> None:
    with_key.here.add("berta@example.test")
    berta, hers = Person(with_key.here), SoftKey(credential_id=b"of Berta")
    berta.sign_in(address="berta@example.test")
    berta.post(ADD, password=PASSWORD)
    berta.post(ADD, **{"new-passkey": hers.create(options(berta, ADD)), "name": "x"})
    berta.post("/security/two-step/turn-on")
    with_key.sign_in()
    page = with_key.post(STEP, passkey=hers.get(options(with_key, STEP)))
    assert "does not work here" in text_of(page)
    assert with_key.get("/security").status_code == 302


def test_a_disabled_account_is_refused(
    with_key: Person, key: SoftKey, anna: Account, installation: Installation
) -> None:
    people.set_enabled(installation.context, account=anna, enabled=False, origin=OPERATOR)
    assert "does not work here" in refused_whole(with_key, key.get(options(with_key, WHOLE)))


def test_a_passkey_confirms_in_place_of_the_password(with_key: Person, key: SoftKey) -> None:
    with_key.post(WHOLE, passkey=key.get(options(with_key, WHOLE)))
    with_key.here.clock.forward(seconds=3601)
    page = text_of(with_key.get("/security/app-passwords"))
    assert "Or without the password" in page
    asked = json.loads(with_key.post("/security/passkey/again").content)
    assert asked["userVerification"] == "required"
    key.flags = PRESENT
    page = text_of(with_key.post("/security/app-passwords", passkey=key.get(asked)))
    assert "did not ask for a PIN" in page
    key.flags = SoftKey.flags
    asked = json.loads(with_key.post("/security/passkey/again").content)
    answer = with_key.post("/security/app-passwords", passkey=key.get(asked))
    assert answer["Location"] == "/security/app-passwords"
    assert "Select device" in text_of(with_key.get("/security/app-passwords"))


def test_a_passkey_confirms_after_the_password(with_key: Person, key: SoftKey) -> None:
    with_key.post(WHOLE, passkey=key.get(options(with_key, WHOLE)))
    with_key.here.clock.forward(seconds=3601)
    answer = with_key.post("/security/two-step/turn-off", password=PASSWORD)
    assert answer["Location"] == "/security/passkey"
    assert "Confirm that it is you" in text_of(with_key.get("/security/passkey"))
    asked = options(with_key, "/security/passkey")
    answer = with_key.post("/security/passkey", passkey=key.get(asked))
    assert answer["Location"] == "/security/two-step/turn-off"
    assert "Turn off" in text_of(with_key.get("/security/two-step/turn-off"))


def test_whoever_has_none_is_asked_for_none(later: Person) -> None:
    assert "Or without the password" not in text_of(later.get("/security/app-passwords"))
    assert later.get("/security/passkey")["Location"] == "/security"
    assert Person(later.here).post(f"{STEP}/options").status_code == 403


def test_the_session_key_changes(with_key: Person, key: SoftKey) -> None:
    answer = key.get(options(with_key, WHOLE))
    before = with_key.client.cookies["sidegate"].value
    with_key.post(WHOLE, passkey=answer)
    assert with_key.client.cookies["sidegate"].value != before
    assert WebSession.objects.count() == 1


def test_whoever_only_asks_leaves_no_row(installation: Installation) -> None:
    stranger = Person(installation)
    for _ in range(20):
        options(stranger, WHOLE)
    assert not WebSession.objects.exists()
    assert not UsedChallenge.objects.exists()
    cookie = stranger.client.cookies["sidegate-passkey"]
    assert (cookie["max-age"], bool(cookie["httponly"])) == (300, True)
    assert len(cookie.value) < 1000


def test_a_cookie_that_is_sent_again_opens_nothing(with_key: Person, key: SoftKey) -> None:
    """As somebody would who read both the cookie and the answer."""
    answer = key.get(options(with_key, WHOLE))
    cookie = with_key.client.cookies["sidegate-passkey"].value
    assert with_key.post(WHOLE, passkey=answer).status_code == 302
    other = Person(with_key.here)
    other.client.cookies["sidegate-passkey"] = cookie
    assert "That took too long" in refused_whole(other, answer)
    with_key.here.clock.forward(seconds=301)
    assert "That took too long" in refused_whole(other, answer)
    assert UsedChallenge.objects.count() == 1
    with_key.here.clock.forward(seconds=601)
    passkeys.forget_used(now=with_key.here.clock())
    assert not UsedChallenge.objects.exists()


def test_a_challenge_that_we_did_not_draw(with_key: Person, key: SoftKey) -> None:
    asked = options(with_key, WHOLE)
    with_key.client.cookies["sidegate-passkey"] = "WyJ4Il0:made:up"
    assert "That took too long" in refused_whole(with_key, key.get(asked))


class AwayDirectory:
    """A directory that says what it is told to (the real one is tried in tests/directory)."""

    presence = Presence.HERE

    def look_up_blocking(self, question: Question) -> Seen:
        assert not question.secret
        return Seen(self.presence, question.name)


@pytest.mark.parametrize(
    ("presence", "status", "said"),
    [
        (Presence.HERE, 302, ""),
        (Presence.GONE, 200, "The mail server no longer knows this account"),
        (Presence.OUTAGE, 503, "Try again in a few minutes"),
    ],
)
def test_somebody_gone_from_the_directory_stays_out(
    with_key: Person, key: SoftKey, presence: Presence, status: int, said: str
) -> None:
    directory = AwayDirectory()
    directory.presence = presence
    object.__setattr__(with_key.here.context, "directory", directory)
    answer = with_key.post(WHOLE, passkey=key.get(options(with_key, WHOLE)))
    assert answer.status_code == status
    assert said in text_of(answer)


@pytest.fixture
def by_address(tmp_path: object) -> Iterator[Person]:
    """Whose portal is reached by an IP address."""
    from pathlib import Path  # noqa: PLC0415

    here = install(Path(str(tmp_path)) / "data", toml='[server]\nurl = "http://127.0.0.1:8025"\n')
    here.add()
    yield Person(here)
    close_database()


def test_an_ip_address_has_no_passkeys(by_address: Person) -> None:
    page = text_of(by_address.get("/signin"))
    assert "passkey" not in page
    assert by_address.post(f"{WHOLE}/options").status_code == 404
    by_address.sign_in()
    by_address.post(ADD, password=PASSWORD)
    assert "not by a bare IP address" in text_of(by_address.get(ADD))
    assert NUMBER not in page
