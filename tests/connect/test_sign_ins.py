"""What a server that gives no verdict is taken for: never for a refusal."""

from __future__ import annotations

import socketserver
import threading

import pytest

from sidegate.connect.sign_ins import Target, sign_in


@pytest.mark.parametrize("greeting", [b"", b"* BYE busy\r\n", b"-ERR busy\r\n", b"421 busy\r\n"])
@pytest.mark.parametrize("protocol", ["imap", "pop3", "submission"])
def test_who_hangs_up_at_the_greeting_cannot_tell(protocol: str, greeting: bytes) -> None:
    class HangsUp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(greeting)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), HangsUp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        target = Target("test", protocol, "127.0.0.1", server.server_address[1], tls=False)
        outcome = sign_in(target, "anna@example.test", "whatever")
        server.shutdown()
    assert outcome.temporary, outcome
    assert not outcome.allowed
