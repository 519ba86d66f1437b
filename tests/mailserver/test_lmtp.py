from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sidegate.mailserver.lmtp import AWAY, Outcome, hand_over, reply

DONE = Outcome(250, "saved")
LATER = Outcome(451, "later")
NEVER = Outcome(552, "full")


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ({"a": DONE, "b": DONE}, "250 2.0.0 delivered"),
        ({"a": LATER}, AWAY),
        ({"a": NEVER}, "550 5.2.0 refused by the mailbox of a"),
        ({"a": NEVER, "b": LATER}, AWAY),
        ({"a": DONE, "b": NEVER}, "554 5.2.0 delivered to a, but NOT to b"),
        ({"a": DONE, "b": LATER}, "451 4.3.0 delivered to a, but NOT to b"),
        (
            dict.fromkeys("abcde", DONE) | {"f": NEVER},
            "554 5.2.0 delivered to a, b, c and 2 more, but NOT to f",
        ),
    ],
)
def test_one_reply_tells_the_truth_about_all(outcomes: dict[str, Outcome], told: str) -> None:
    assert reply(outcomes) == told


class ScriptedLmtp:
    """Answers each command as told, and keeps what came."""

    def __init__(self, path: Path, answers: dict[bytes, bytes], after_data: list[bytes]) -> None:
        self.path = path
        self.content = b""
        self._answers = answers
        self._after_data = after_data
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 here\r\n")
            for line in lines:
                for start, answer in self._answers.items():
                    if line.lower().startswith(start.lower()):
                        connection.sendall(answer)
                if line == b"DATA\r\n":
                    connection.sendall(b"354 go\r\n")
                    while (text := lines.readline()) != b".\r\n":
                        self.content += text
                    for answer in self._after_data:
                        connection.sendall(answer)
                    if not self._after_data:
                        return

    def close(self) -> None:
        self._thread.join(5)
        self._socket.close()


GOOD = {b"lhlo": b"250 here\r\n", b"mail": b"250 ok\r\n", b"quit": b"221 bye\r\n"}


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Callable[..., ScriptedLmtp]]:
    made = []

    def make(answers: dict[bytes, bytes], *after_data: bytes) -> ScriptedLmtp:
        made.append(ScriptedLmtp(tmp_path / "lmtp", GOOD | answers, list(after_data)))
        return made[0]

    yield make
    for server in made:
        server.close()


def send(server: ScriptedLmtp, content: bytes = b"x\r\n") -> str:
    return hand_over(server.path, sender="s@x", recipients=["a@x", "b@x"], content=content)


def test_each_recipient_is_answered_after_the_message(
    scripted: Callable[..., ScriptedLmtp],
) -> None:
    server = scripted({b"rcpt": b"250 ok\r\n"}, b"250 saved\r\n", b"552 full\r\n")
    assert send(server) == "554 5.2.0 delivered to a@x, but NOT to b@x"


def test_dots_and_line_ends_arrive_as_they_should(scripted: Callable[..., ScriptedLmtp]) -> None:
    server = scripted({b"rcpt": b"250 ok\r\n"}, b"250 saved\r\n", b"250 saved\r\n")
    assert send(server, b".a\n.\nb\r.\r\nlast") == "250 2.0.0 delivered"
    assert server.content == b"..a\r\n..\r\nb\r\n..\r\nlast\r\n"


def test_nobody_gets_it_when_one_is_refused_before(scripted: Callable[..., ScriptedLmtp]) -> None:
    server = scripted({b"rcpt TO:<a@x>": b"250 ok\r\n", b"rcpt TO:<b@x>": b"550 gone\r\n"})
    assert send(server) == "550 5.2.0 refused by the mailbox of b@x"
    assert server.content == b""


def test_a_lookup_that_fails_now_is_temporary_for_all(
    scripted: Callable[..., ScriptedLmtp],
) -> None:
    server = scripted({b"rcpt TO:<a@x>": b"250 ok\r\n", b"rcpt TO:<b@x>": b"451 later\r\n"})
    assert send(server) == AWAY


def test_a_lost_connection_is_never_a_yes(scripted: Callable[..., ScriptedLmtp]) -> None:
    server = scripted({b"rcpt": b"250 ok\r\n"})
    assert send(server) == AWAY
    assert server.content == b"x\r\n"


def test_no_lmtp_there_is_temporary(tmp_path: Path) -> None:
    answer = hand_over(tmp_path / "none", sender="", recipients=["a@x"], content=b"x")
    assert answer == AWAY
