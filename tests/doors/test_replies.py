"""The table from verdict to reply."""

import pytest

from sidegate.decisions.words import (
    Allow,
    CannotTell,
    CredentialKind,
    Protocol,
    Reason,
    Refuse,
    Why,
)
from sidegate.doors.replies import MAX_TEXT, Replies, wants_wrong_password_code
from sidegate.wire.dovecot_auth import AuthRequest

REPLIES = Replies(refusal_text="No: https://example.test/x", disabled_text="Disabled.")


def request(*, program: str = "", no_login: bool = False) -> AuthRequest:
    return AuthRequest(
        id=b"1",
        mechanism=b"PLAIN",
        service="imap",
        address="",
        program=program,
        secured=True,
        session="",
        no_login=no_login,
        response=b"",
    )


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.ACCOUNT_DISABLED}))
@pytest.mark.parametrize("protocol", [*Protocol, None])
def test_every_refusal_is_the_same(reason: Reason, protocol: Protocol | None) -> None:
    reply = REPLIES.reply(Refuse(reason, 1, 2), request(), protocol, "a@example.test")
    assert reply == b"FAIL\t1\tuser=a@example.test\treason=No: https://example.test/x\n"


def test_disabled() -> None:
    reply = REPLIES.reply(Refuse(Reason.ACCOUNT_DISABLED, 1), request(), Protocol.IMAP, "a")
    assert reply == b"FAIL\t1\tuser=a\tcode=user_disabled\treason=Disabled.\n"


@pytest.mark.parametrize("why", Why)
def test_cannot_tell_is_never_a_refusal(why: Why) -> None:
    verdict = CannotTell(why)
    dovecot = REPLIES.reply(verdict, request(), Protocol.IMAP, "a")
    assert dovecot == b"FAIL\t1\tcode=temp_fail\n"
    assert REPLIES.reply(verdict, request(no_login=True), Protocol.SUBMISSION, "a") is None


def test_allow_goes_on_under_the_canonical_name() -> None:
    verdict = Allow(1, "ada@example.test", CredentialKind.APP_PASSWORD, 2)
    reply = REPLIES.reply(verdict, request(), Protocol.IMAP, "ADA+x@example.test")
    assert reply == b"OK\t1\tuser=ada@example.test\n"


def test_texts_are_made_one_bounded_line() -> None:
    replies = Replies(refusal_text="a\r\nOK\t1" + "x" * 9999, disabled_text="b")
    reply = replies.reply(Refuse(Reason.WRONG_PASSWORD), request(), Protocol.IMAP, "")
    assert reply is not None
    assert reply.startswith(b"FAIL\t1\treason=a OK 1x")
    assert reply.count(b"\n") == 1
    assert len(reply) < MAX_TEXT + 50


@pytest.mark.parametrize(
    ("program", "wants"),
    [
        ("K-9 Mail 8.0", True),
        ("Thunderbird for Android 8.0", True),
        ("Thunderbird 128.0", False),
        ("iPhone Mail 21F90", False),
        ("", False),
    ],
)
def test_programs_that_want_another_code(program: str, *, wants: bool) -> None:
    assert wants_wrong_password_code(program) is wants
