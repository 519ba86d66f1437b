"""Who may ask the HTTP door at all."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from doors.web import TOKEN, running_http
from sidegate.config import TcpEndpoint
from sidegate.doors.listeners import CannotListen
from sidegate.serve.http_server import HttpServer

PATHS = ("/nginx", "/v1/verify", "/metrics", "/openapi.json", "/nothing")


@pytest.mark.parametrize(
    "sent",
    ["", "Bearer", "Bearer ", "Bearer x", f"Bearer {TOKEN}x", f"bearer {TOKEN}", f"Basic {TOKEN}"],
)
def test_without_the_token(sent: str, caplog: pytest.LogCaptureFixture) -> None:
    with running_http() as door:
        door.token = ""
        for path in PATHS:
            answer = door.ask("GET", path, headers={"Authorization": sent} if sent else {})
            assert answer.status == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert "http-token" in answer.json["error"]
            assert "auth_http_header" in answer.json["error"]
        assert door.sign_in.seen == []
    assert caplog.text.count("without the right token") == 1
    assert TOKEN not in caplog.text


def test_with_the_token() -> None:
    with running_http() as door:
        assert door.ask("GET", "/openapi.json").status == 200


def test_a_unix_socket_needs_none(folder: Path) -> None:
    path = folder / "http.sock"
    with running_http(path=path) as door:
        assert path.stat().st_mode & 0o777 == 0o660
        assert door.ask("GET", "/openapi.json").status == 200
        assert "security" not in door.ask("GET", "/openapi.json").json
        asked = {"login": "a", "secret": "b", "protocol": "imap", "client_ip": "192.0.2.1"}
        assert door.verify(asked).json["verdict"] == "refuse"
    assert not path.exists()


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = TcpEndpoint(*taken.getsockname())
        with pytest.raises(CannotListen, match=f"^{endpoint}: Address already in use$"):
            HttpServer(None, endpoint=endpoint, trusted_proxies=())


def test_a_socket_that_answers_is_not_taken_away(folder: Path) -> None:
    path = folder / "http.sock"
    with running_http(path=path):
        inode = os.stat(path).st_ino  # noqa: PTH116
        with (
            pytest.raises(CannotListen, match="another process listens there"),
            running_http(path=path),
        ):
            pass
        assert path.stat().st_ino == inode
