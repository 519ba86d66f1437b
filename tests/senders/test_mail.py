"""Messages to owners: what they hold, and how they are handed to a mail server.

The server here is aiosmtpd, a stand-in: it gives any answer and any kind of encryption on
demand. A real Postfix takes messages in tests/clients/test_notices.py.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from hypothesis import given
from hypothesis import strategies as st

from sidegate.config import MailRelay
from sidegate.decisions.ports import NotTaken, Unavailable
from sidegate.senders.mail import Letter, SmtpSender, compose

LETTER = Letter(
    sender_name="Sidegate",
    sender="no-reply@example.test",
    to="anna@example.test",
    subject="Divpakāpju verifikācija ir izslēgta",
    body="Sveiki!\n\nTas notika tagad.\n.\n",
    language="lv",
    at=1_790_000_000_000,
    message_id="1.abc@example.test",
)


def read(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_message_as_it_travels() -> None:
    content = compose(LETTER)
    message = read(content)
    assert message.items() == [
        ("From", "Sidegate <no-reply@example.test>"),
        ("To", "anna@example.test"),
        ("Subject", "Divpakāpju verifikācija ir izslēgta"),
        ("Date", "Mon, 21 Sep 2026 14:13:20 +0000"),
        ("Message-ID", "<1.abc@example.test>"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "quoted-printable"),
        ("MIME-Version", "1.0"),
        ("Content-Language", "lv"),
    ]
    assert message.get_content().replace("\r\n", "\n") == LETTER.body
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")


@given(st.text(max_size=300))
def test_no_body_becomes_a_header(body: str) -> None:
    letter = LETTER._replace(body=body.encode("utf-8", "replace").decode())
    message = read(compose(letter))
    assert [name for name, _ in message.items()] == [
        name for name, _ in read(compose(LETTER)).items()
    ]


@pytest.mark.parametrize("field_name", ["subject", "sender_name", "to", "sender", "language"])
def test_a_line_break_in_a_header_is_an_error(field_name: str) -> None:
    given: Any = {field_name: "x@example.test\r\nBcc: all@example.test"}
    broken = LETTER._replace(**given)
    with pytest.raises(ValueError, match=r"[Hh]eader|linefeed|[Ii]nvalid"):
        compose(broken)


@dataclass
class Kept:
    """Keeps what it takes, or answers as told."""

    answers: dict[str, str] = field(default_factory=dict)
    taken: list[tuple[str | None, list[str], bytes]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - named by the command
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 ok")

    async def handle_DATA(  # noqa: N802 - named by the command
        self, _server: object, _session: object, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return self.answers.get("DATA", "250 ok")


def _judge(*given: Any) -> AuthResult:  # noqa: ANN401 - the library's five arguments
    login = given[-1]
    assert isinstance(login, LoginPassword)
    return AuthResult(success=(login.login, login.password) == (b"gate", b"secret"), handled=False)


@contextmanager
def server(kept: Kept, **options: Any) -> Iterator[int]:  # noqa: ANN401 - the library's
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = int(held.getsockname()[1])
    controller = Controller(kept, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS for localhost, which this process trusts from now on."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def send(port: int, security: Any = "", *, password: str = "secret", user: str = "") -> None:  # noqa: ANN401 - a word of the table; made up
    relay = MailRelay("localhost" if security else "127.0.0.1", port, security)
    sender = SmtpSender(
        relay, sender="no-reply@example.test", user=user, password=password, patience=5
    )
    sender.send(to="anna@example.test", content=compose(LETTER))


def test_handed_over_on_loopback() -> None:
    kept = Kept()
    with server(kept) as port:
        send(port)
    ((sender, recipients, content),) = kept.taken
    assert (sender, recipients) == ("no-reply@example.test", ["anna@example.test"])
    assert read(content)["Message-ID"] == "<1.abc@example.test>"


@pytest.mark.parametrize("security", ["TLS", "STARTTLS"])
def test_handed_over_encrypted_and_signed_in(tls: ssl.SSLContext, security: str) -> None:
    kept = Kept()
    options: dict[str, Any] = {"authenticator": _judge, "auth_required": True}
    if security == "TLS":
        # The library counts only its own STARTTLS as encryption.
        options |= {"ssl_context": tls, "auth_require_tls": False, "auth_required": False}
    else:
        options |= {"tls_context": tls, "require_starttls": True}
    with server(kept, **options) as port:
        send(port, security, user="gate")
        with pytest.raises(Unavailable) as caught:
            send(port, security, user="gate", password="a wrong one")
        assert "a wrong one" not in str(caught.value)
    assert len(kept.taken) == 1


def test_a_strangers_certificate_gets_nothing(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    kept = Kept()
    with server(kept, tls_context=tls) as port, pytest.raises(Unavailable):
        send(port, "STARTTLS")
    assert kept.taken == []


@pytest.mark.parametrize(
    ("at", "answer", "problem"),
    [
        ("RCPT", "450 later", Unavailable),
        ("RCPT", "550 nobody", NotTaken),
        ("DATA", "451 later", Unavailable),
        ("DATA", "554 never", NotTaken),
    ],
)
def test_later_and_never_are_told_apart(at: str, answer: str, problem: type[Exception]) -> None:
    with server(Kept({at: answer})) as port, pytest.raises(problem):
        send(port)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = int(held.getsockname()[1])
    with pytest.raises(Unavailable):
        send(port)
