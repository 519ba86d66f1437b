"""nginx with the lines of its page in front of Sidegate: what mail programs are told by it."""

from __future__ import annotations

import base64
import imaplib
import json
import re
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from child import PATIENCE, Child, running
from clients.conftest import open_folder
from clients.desk import Desk, desk_for
from clients.nginx import PAGE, lines_of_the_page, nginx
from clients.own_dovecot import own_dovecot
from clients.ways import LIBRARIES, NAMES, Outcome, all_of, everywhere, let_in
from connect import pages
from connect.load import under_load
from peers import require
from sidegate.decisions.throttle import Limits

FORMS = {
    "imap": (r"NO \[ALERT\] ", r"NO \[(UNAVAILABLE|LIMIT)\] "),
    "pop3": (r"-ERR \[AUTH\] ", r"-ERR \[SYS/TEMP\] "),
    "submission": (r"535 5\.7\.8 ", r"454 4\.7\.0 "),
}
OPENED = {"imap": "OK ", "pop3": "+OK ", "submission": "235 "}
REFUSAL = "Sign-in refused. If 2-Step Verification is on, use an app password: "
FAR = "127.0.0.77"


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    """A Sidegate of its own: wrong passwords here throttle nobody elsewhere."""
    require("dovecot")
    with open_folder() as folder, running(folder) as started:
        yield started


@pytest.fixture(scope="module")
def desk(child: Child) -> Iterator[Desk]:
    with desk_for(child.data) as opened:
        yield opened


@pytest.fixture(scope="module")
def front(child: Child) -> Iterator[Child]:
    with nginx(child) as started:
        yield started


def say(front: Child, protocol: str, login: str, secret: str, *, source: str = "") -> str:
    """The line that answers one sign-in, as it arrives; from another loopback address."""
    address = ("localhost", front.ports[f"{protocol}s"])
    plain = socket.create_connection(address, 30, source_address=(source or "127.0.0.1", 0))
    with front.tls.wrap_socket(plain, server_hostname="localhost") as connected:
        stream = connected.makefile("rwb")
        stream.readline()
        response = base64.b64encode(f"\0{login}\0{secret}".encode())
        if protocol == "submission":
            stream.write(b"EHLO localhost\r\n")
            stream.flush()
            while stream.readline()[3:4] == b"-":
                pass
            stream.write(b"AUTH PLAIN " + response + b"\r\n")
        elif protocol == "pop3":
            stream.write(b"AUTH PLAIN\r\n")
            stream.flush()
            stream.readline()
            stream.write(response + b"\r\n")
        else:
            stream.write(b"a1 AUTHENTICATE PLAIN\r\n")
            stream.flush()
            stream.readline()
            stream.write(response + b"\r\n")
        stream.flush()
        return stream.readline().decode().rstrip("\r\n").removeprefix("a1 ")


def refused(protocol: str, line: str) -> bool:
    return re.match(FORMS[protocol][0] + REFUSAL, line) is not None


def test_the_command_prints_the_lines_of_the_page(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "sidegate", "connect", "nginx", "--data", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert textwrap.dedent(lines_of_the_page()) in done.stdout


def test_account_password_before_two_step(front: Child, desk: Desk) -> None:
    person = desk.person()
    assert let_in(everywhere(front, person.address, person.password)) == NAMES


def test_after_two_step_only_app_passwords(front: Child, desk: Desk) -> None:
    person = desk.person()
    person.turn_on()
    made = person.app_password()
    gone = person.app_password()
    person.revoke(gone)
    outcomes = all_of(
        front,
        {
            "app password": (person.address, made.secret),
            "in groups": (person.address.upper(), made.grouped),
            "account password": (person.address, person.password),
            "wrong": (person.address, "wrong wrong wrong"),
            "unknown": ("nobody@example.test", "wrong wrong wrong"),
            "revoked": (person.address, gone.secret),
        },
        LIBRARIES,
    )
    names = {way.name for way in LIBRARIES}
    assert let_in(outcomes.pop("app password")) == names
    assert let_in(outcomes.pop("in groups")) == names
    said = {
        (way.protocol, outcomes[what][way.name].said.partition(REFUSAL)[0])
        for what in outcomes
        for way in LIBRARIES
    }
    assert said == {("imap", "[ALERT] "), ("pop3", "-ERR [AUTH] "), ("submission", "535 5.7.8 ")}
    texts = {
        one.said.partition(REFUSAL)[2] for found in outcomes.values() for one in found.values()
    }
    assert texts == {f"{front.url}/security/app-passwords"}
    assert all(one.seconds > 1.9 for found in outcomes.values() for one in found.values())


@pytest.mark.parametrize("protocol", FORMS)
def test_out_of_scope(front: Child, desk: Desk, protocol: str) -> None:
    person = desk.person()
    person.turn_on()
    secret = person.app_password(["imap" if protocol != "imap" else "pop3"]).secret
    assert refused(protocol, say(front, protocol, person.address, secret))


def test_disabled_is_told_behind_a_right_secret_alone(front: Child, desk: Desk) -> None:
    person = desk.person()
    person.enable(enabled=False)
    for protocol, (form, _) in FORMS.items():
        line = say(front, protocol, person.address, person.password)
        assert re.match(form + "This Sidegate account is disabled", line)
        assert refused(protocol, say(front, protocol, person.address, "wrong"))


def test_every_character_of_a_password_arrives(front: Child, desk: Desk) -> None:
    person, secret = desk.person(), 'pass % 25%41 +"\\ \tžā '
    person.change_password(secret, keep=True)
    for protocol, opened in OPENED.items():
        assert say(front, protocol, person.address, secret).startswith(opened)


def test_the_address_of_the_mail_program_is_seen(front: Child, desk: Desk) -> None:
    person = desk.person()
    for protocol in FORMS:
        say(front, protocol, person.address, person.password, source=FAR)
        say(front, protocol, person.address, "wrong", source=FAR)
    deadline = time.monotonic() + 10
    while len(found := seen_from(front, person.address, FAR)) < 2 * len(FORMS):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    assert found == {(kind, name) for kind in ("mail-allowed", "mail-refused") for name in FORMS}


def seen_from(front: Child, account: str, address: str) -> set[tuple[str, str]]:
    events = json.loads(front.command("events", "--account", account, "--json").stdout)
    return {(event["kind"], event["protocol"]) for event in events if event["address"] == address}


def test_too_many_wrong_passwords_are_no_refusal(front: Child, desk: Desk) -> None:
    person = desk.person()
    person.turn_on()
    source, made = "127.0.0.78", person.app_password()
    with ThreadPoolExecutor(16) as pool:
        list(
            pool.map(
                lambda number: say(front, "imap", person.address, f"no {number}", source=source),
                range(Limits().pair),
            )
        )
    for protocol, (_, form) in FORMS.items():
        line = say(front, protocol, person.address, "no more", source=source)
        assert re.match(form, line), line
        assert protocol != "imap" or line.startswith("NO [LIMIT] ")
    # A right app password is not kept out (rule 5).
    assert say(front, "imap", person.address, made.secret, source=source).startswith("OK ")


def test_through_a_unix_socket_without_a_token() -> None:
    require("dovecot")
    with open_folder() as folder:
        folder.parent.chmod(0o755)
        at = f"unix:{folder.parent}/http.sock"
        # In the page it is the socket's group that lets nginx's workers in.
        listen = {"http": at, "socket_mode": "0666"}
        _check_unix_socket(folder, listen, f"{at}:/nginx")


def _check_unix_socket(data: Path, listen: dict[str, str], url: str) -> None:
    with (
        running(data, listen=listen) as child,
        nginx(child, given={f"127.0.0.1:{child.ports['http']}/nginx": url}, token=False) as front,
    ):
        child.add_account("anna@example.test", "a long password")
        answer = say(front, "pop3", "anna@example.test", "a long password")
        assert answer.startswith("+OK")
        assert refused("pop3", say(front, "pop3", "anna@example.test", "wrong"))


@pytest.mark.parametrize("proxy", [False, True])
def test_in_front_of_a_dovecot_with_passwords_of_its_own(proxy: bool) -> None:  # noqa: FBT001
    anna, theirs = "anna@example.test", "the password that Dovecot has"
    given = {"xclient off;": "xclient off; proxy_protocol on;"} if proxy else {}
    with (
        own_dovecot({anna: theirs}, haproxy=proxy) as own,
        open_folder() as folder,
        running(folder, more=own.upstream) as child,
        nginx(child, given=given) as front,
    ):
        child.add_account(anna, "the account's password")
        for protocol, opened in OPENED.items():
            answer = say(front, protocol, anna, "the account's password", source=FAR)
            assert answer.startswith(opened), (answer, own.log)
            # Only Sidegate's word counts: what Dovecot itself would take does not.
            assert refused(protocol, say(front, protocol, anna, theirs))
        for protocol in FORMS:
            assert f"{protocol}-login: Info: Login: user=<{anna}>" in own.log
        assert (f"rip={FAR}" in own.log) == proxy


def test_the_undo_with_sidegate_dead() -> None:
    anna, theirs = "anna@example.test", "the password that Dovecot has"
    with (
        own_dovecot({anna: theirs}) as own,
        open_folder() as folder,
        running(folder, more=own.upstream) as child,
        nginx(child) as front,
    ):
        child.add_account(anna, "the account's password")
        assert say(front, "imap", anna, "the account's password").startswith("OK ")
        child.stop()
        (folder / "sidegate.sqlite3").unlink()
        assert not signs_in(front.ports["imap"], anna, theirs), "nginx has the port still"

        front.without_mail()
        for block in pages.blocks("nginx", "Undo"):
            pages.obey(block.placed(front.places()))
        assert not (front.folder / "token.conf").exists()
        public = {name: front.ports[name] for name in FORMS}
        until_closed(*public.values())
        with own_dovecot({anna: theirs}, ports=public):
            assert signs_in(public["imap"], anna, theirs)
            assert not signs_in(public["imap"], anna, "the account's password")


def signs_in(port: int, login: str, password: str) -> bool:
    """Whether IMAP without TLS lets in; nginx does not without STARTTLS."""
    client = imaplib.IMAP4("127.0.0.1", port, timeout=30)
    try:
        client.login(login, password)
    except imaplib.IMAP4.error:
        return False
    finally:
        client.shutdown()
    return True


def until_closed(*ports: int) -> None:
    """Wait until nobody listens there: nginx reloads behind its command's back."""
    deadline = time.monotonic() + PATIENCE
    for port in ports:
        while listens(port):
            assert time.monotonic() < deadline, "nginx listens still"
            time.sleep(0.05)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def check(front: Child, *names: str) -> tuple[int, str]:
    at = [word for name in names for word in ("--at", f"{name}=127.0.0.1:{front.ports[name]}")]
    done = front.command("connect", "nginx", "--check", *at, check=False)
    return done.returncode, done.stdout + done.stderr


def test_check_proves_it(front: Child) -> None:
    status, said = check(front, "imaps", "pop3", "submissions")
    assert status == 0, said
    assert said.count("app password: let in, by Sidegate") == 3
    assert said.count("client address: 127.0.0.2, as it is") == 3
    assert said.count('account password: refused; the program is told "') == 3


@pytest.mark.long
def test_check_says_what_is_wrong(child: Child) -> None:
    with nginx(child, given={"127.0.0.1:2026/nginx": "127.0.0.1:9/nginx"}) as front:
        status, said = check(front, "imaps")
        assert (status, said.count("Sidegate was not reached")) == (1, 2), said
    status, said = check(front, "imaps")  # it is not there any more
    assert status == 1
    assert f"nobody listens on port {front.ports['imaps']}" in said
    with nginx(child, token=False) as front:
        status, said = check(front, "submissions")
        assert (status, said.count("Sidegate was not reached")) == (1, 2), said


class _AnotherJudge(BaseHTTPRequestHandler):
    """A stand-in for any other `auth_http` service: it answers, and asks no Sidegate."""

    says: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        self.send_response(200)
        for name, value in self.says.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Nothing to standard error."""


@pytest.mark.parametrize(
    "words",
    [
        "let in WITHOUT asking Sidegate",
        pytest.param("refused (no such account) WITHOUT asking Sidegate", marks=pytest.mark.long),
        pytest.param("Sidegate was not reached", marks=pytest.mark.long),
    ],
)
def test_check_says_that_another_judge_answers(child: Child, desk: Desk, words: str) -> None:
    bert = desk.person("bert")
    behind = {"Auth-Server": "127.0.0.1", "Auth-Port": str(child.ports["imap"])}
    somebody = {"Auth-User": bert.address, "Auth-Pass": bert.password}
    told = {
        "let in WITHOUT asking Sidegate": {"Auth-Status": "OK", **behind, **somebody},
        "refused (no such account) WITHOUT asking Sidegate": {"Auth-Status": "no such account"},
        "Sidegate was not reached": {},  # a web page, say
    }
    _AnotherJudge.says = told[words]
    judge = ThreadingHTTPServer(("127.0.0.1", 0), _AnotherJudge)
    threading.Thread(target=judge.serve_forever, daemon=True).start()
    given = {f"127.0.0.1:{child.ports['http']}/nginx": f"127.0.0.1:{judge.server_port}/nginx"}
    try:
        with nginx(child, given=given) as front:
            status, said = check(front, "imaps")
            assert (status, said.count(words)) == (1, 2), said
    finally:
        judge.shutdown()
        judge.server_close()


@pytest.mark.long
def test_check_says_that_the_server_behind_does_not_let_in() -> None:
    require("dovecot")
    nowhere = '[nginx]\nimap = "127.0.0.1:9"\n'
    with (
        open_folder() as folder,
        running(folder, more=nowhere) as child,
        nginx(child) as front,
    ):
        status, said = check(front, "imaps")
        assert status == 1
        assert "Sidegate let it in, and the server did not: " in said


def test_sidegate_stopped_and_restarted_under_load(child: Child, front: Child, desk: Desk) -> None:
    """Last in this file: it ends what the others speak with."""
    person = desk.person()
    person.turn_on()
    key = person.app_password()
    page = PAGE.read_text()
    with under_load(
        *(partial(once, front, one, person.address, key.secret) for one in FORMS)
    ) as load:
        child.stop()
        for protocol in FORMS:
            line = say(front, protocol, "anna@example.test", "whatever")
            assert line in page
            assert "AUTH" not in line
            assert not line.startswith("5")
        with running(child.data):
            load.goes_on(seconds=5)
    assert sum(one.allowed for one in load.before) > 5
    temporary = [form for _, form in FORMS.values()]
    for one in load.before:
        later = one.said in page or any(re.match(form, one.said) for form in temporary)
        assert one.allowed or later, one
    assert len(load.after) > 5
    assert all(one.allowed for one in load.after), load.after


def once(front: Child, protocol: str, login: str, secret: str) -> Outcome:
    line = say(front, protocol, login, secret)
    return Outcome(line.startswith(OPENED[protocol]), said=line)
