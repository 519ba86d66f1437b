"""The delivery behind submission, spoken to by something else than our Dovecot."""

from __future__ import annotations

import smtplib
import socket

import pytest

from mailserver.conftest import ALICE, BOB, LoopThread, MailSetup

HOST = "127.0.0.1"


def test_nothing_but_our_dovecot_submits(running: MailSetup) -> None:
    delivery = running.server._delivery
    server = delivery._server
    assert server is not None
    port = server.sockets[0].getsockname()[1]
    with smtplib.SMTP(HOST, port, local_hostname="x") as client:
        client.ehlo()
        assert client.docmd("XCLIENT", f"LOGIN={ALICE}") == (220, b"localhost ESMTP")
        client.ehlo()
        for command in (f"MAIL FROM:<{ALICE}>", f"RCPT TO:<{BOB}>", "DATA", "VRFY bob"):
            code, text = client.docmd(command)
            assert (code, text[:5]) in {(530, b"5.7.0"), (252, b"2.5.0")}
        client.user, client.password = "sidegate", "guess"
        for _ in range(2):
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.auth("PLAIN", client.auth_plain)
    # The right secret alone is nobody.
    with smtplib.SMTP(HOST, port, local_hostname="x") as client:
        client.ehlo()
        client.user, client.password = "sidegate", delivery._secret
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.auth("PLAIN", client.auth_plain)


@pytest.mark.parametrize(
    "nonsense",
    [b"\0\r\n", b"A" * 300_000 + b"\r\n", b"\xff\xfe\r\n", b"AUTH PLAIN !!\r\n", b"\r\n"],
)
def test_nonsense_is_answered_and_harms_nobody(
    running: MailSetup, loop: LoopThread, nonsense: bytes
) -> None:
    server = running.server._delivery._server
    assert server is not None
    address = server.sockets[0].getsockname()
    with socket.create_connection(address, 5) as raw, raw.makefile("rb") as lines:
        raw.sendall(b"EHLO x\r\n")
        while lines.readline() != b"250 HELP\r\n":
            pass
        raw.sendall(nonsense)
        assert lines.readline()[:1] == b"5"
    assert loop.run(running.server.ready())
