"""The page with the codes of the `screen` sender, and who may see it."""

import json
from pathlib import Path

import pytest

from installation import Installation
from portal.person import Person, text_of

CODE = {"at": "2026-05-03T12:00:00.000+00:00", "channel": "sms", "to": "+37120000000",
        "code": "123456", "text": "123456 is your code"}  # fmt: skip


@pytest.fixture
def outbox(installation: Installation) -> Path:
    file = installation.context.config.data / "outbox.jsonl"
    file.write_text(json.dumps(CODE) + "\n")
    return file


def test_codes_are_there_without_a_sign_in(person: Person, outbox: Path) -> None:
    assert outbox.exists()
    page = text_of(person.get("/phone"))
    assert "123456" in page
    assert "+37120000000" in page


def test_the_newest_is_first_and_lines_that_are_cut_do_no_harm(
    person: Person, outbox: Path
) -> None:
    lines = [json.dumps({**CODE, "code": f"{n:06}"}) for n in range(500)]
    outbox.write_text("\n".join(["{broken", "[]", '{"at": 3}', *lines]) + "\n")
    page = text_of(person.get("/phone"))
    assert page.index("000499") < page.index("000498")
    assert "000400" not in page


def test_no_outbox_yet(person: Person) -> None:
    assert "No code has been sent yet" in text_of(person.get("/phone"))


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:8025"},
        {"host": "localhost:9999"},
        {"host": "localhost"},
        {"x-forwarded-for": "192.0.2.1"},
        {"x-forwarded-host": "localhost:8025"},
        {"x-forwarded-proto": "http"},
        {"forwarded": "for=192.0.2.1"},
        {"x-real-ip": "127.0.0.1"},
        {"cf-connecting-ip": "127.0.0.1"},
        {"via": "1.1 proxy"},
    ],
)
def test_nobody_else_sees_them(person: Person, outbox: Path, headers: dict[str, str]) -> None:
    answer = person.client.get("/phone", headers=headers)
    assert answer.status_code == 404
    assert "123456" not in answer.content.decode()
    assert outbox.exists()


def test_a_foreign_host_is_refused_before(person: Person, outbox: Path) -> None:
    answer = person.client.get("/phone", headers={"host": "evil.test:8025"})
    assert answer.status_code == 400
    assert outbox.exists()


@pytest.mark.parametrize("name", ["shows_codes_on_screen", "is_loopback"])
def test_only_with_a_screen_sender_on_loopback(
    person: Person, outbox: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kind = type(person.here.context.config)
    monkeypatch.setattr(kind, name, property(lambda _self: False))
    assert person.get("/phone").status_code == 404
    assert outbox.exists()
    if name == "shows_codes_on_screen":
        assert "codes are shown" not in text_of(person.get("/signin"))
