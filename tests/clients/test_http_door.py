"""The HTTP door of a running Sidegate: started, asked, and stopped while it is asked."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from child import Child, running
from clients.desk import Desk
from peers import require

PAGE = Path(__file__).parents[2] / "docs" / "operators" / "http.md"


def verify(child: Child, **question: object) -> dict[str, Any]:
    token = (child.data / "keys" / "http-token").read_text().strip()
    connection = http.client.HTTPConnection("127.0.0.1", child.ports["http"], timeout=15)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    asked = {"protocol": "imap", "client_ip": "203.0.113.9", **question}
    connection.request("POST", "/v1/verify", json.dumps(asked), headers)
    answer = connection.getresponse()
    assert answer.status == 200
    found: dict[str, Any] = json.loads(answer.read())
    connection.close()
    return found


def test_the_same_decisions_as_by_mail(child: Child, desk: Desk) -> None:
    person = desk.person()
    login = {"login": person.address.upper()}
    assert verify(child, **login, secret=person.password) == {
        "verdict": "allow",
        "account": person.address,
        "credential": "account-password",
        "text": "",
    }
    person.turn_on()
    made = person.app_password(["imap"])
    assert verify(child, **login, secret=made.grouped)["credential"] == "app-password"
    refusals = [
        verify(child, **login, secret=person.password),
        verify(child, **login, secret=made.secret, protocol="pop3"),
        verify(child, **login, secret="wrong"),
        verify(child, login="nobody@example.test", secret="wrong"),
    ]
    text = (
        "Sign-in refused. If 2-Step Verification is on, use an app password: "
        f"{child.url}/security/app-passwords"
    )
    assert refusals == [{"verdict": "refuse", "text": text}] * 4
    person.revoke(made)
    assert verify(child, **login, secret=made.secret)["verdict"] == "refuse"


def test_the_lines_of_the_page(child: Child, desk: Desk, tmp_path: Path) -> None:
    person = desk.person()
    [block] = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for old, new in {
        "var/keys": str(child.data / "keys"),
        "127.0.0.1:2026": f"127.0.0.1:{child.ports['http']}",
        "anna@example.test": person.address,
        "abcd efgh ijkl mnop": person.password,
    }.items():
        assert block.count(old) == 1
        block = block.replace(old, new)
    require("curl")
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", block],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["verdict"] == "allow"


def test_what_it_takes_part_in_is_counted(child: Child, desk: Desk) -> None:
    person = desk.person()
    verify(child, login=person.address, secret=person.password)
    token = (child.data / "keys" / "http-token").read_text().strip()
    connection = http.client.HTTPConnection("127.0.0.1", child.ports["http"], timeout=15)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"})
    text = connection.getresponse().read().decode()
    connection.close()
    assert 'sidegate_sign_ins_total{door="json",protocol="imap"' in text
    assert "sidegate_database_answers 1.0" in text
    for name in ("events_waiting", "hashes", "mail_sessions", "codes_day"):
        assert f"\nsidegate_{name} " in text
    assert "example.test" not in text


def test_stopped_while_it_is_asked(data: Path) -> None:
    with running(data, more="[policy]\nrefusal_delay = 10\n") as child:
        child.add_account("anna@example.test", "a long password")
        with ThreadPoolExecutor(8) as pool:
            asked = [
                pool.submit(verify, child, login="anna@example.test", secret=f"wrong {number}")
                for number in range(8)
            ]
            time.sleep(1.0)
            started = time.monotonic()
            assert child.stop() == 0
            assert time.monotonic() - started < 5
            answers = [one.result() for one in asked]
    assert {answer["verdict"] for answer in answers} == {"unavailable"}
    assert {answer["why"] for answer in answers} == {"outage"}


def test_a_port_that_is_taken_is_one_clear_line(child: Child, tmp_path: Path) -> None:
    port = child.ports["http"]
    (tmp_path / "sidegate.toml").write_text(
        '[listen]\nportal = ""\ndovecot_client = []\ndovecot_master = ""\n'
        f'http = "127.0.0.1:{port}"\n[mailserver]\nprivate = false\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "sidegate", "serve", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == f"sidegate: 127.0.0.1:{port}: Address already in use\n"


def test_check_asks_it(data: Path) -> None:
    with running(data) as child:
        assert http_finding(child)["state"] == "ok"
        (data / "keys" / "http-token").write_text("x" * 40)
        finding = http_finding(child)
        assert finding["state"] == "problem"
        assert "another token" in finding["text"]


def http_finding(child: Child) -> dict[str, str]:
    findings = json.loads(child.command("check", "--json", check=False).stdout)
    [found] = [one for one in findings if one["what"] == "HTTP door"]
    return found  # type: ignore[no-any-return]
