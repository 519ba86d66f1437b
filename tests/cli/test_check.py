from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
import trustme

from command_line import Commands, migrated
from sidegate.cli.check_certificate import check_certificate
from sidegate.cli.findings import Finding
from sidegate.config import load_config


def states(commands: Commands, status: int = 0) -> dict[str, str]:
    done = commands.run("check", "--json")
    assert done.returncode == status, done.stdout + done.stderr
    return {finding["what"]: finding["state"] for finding in json.loads(done.stdout)}


def test_nothing_there_yet(tmp_path: Path) -> None:
    commands = Commands(tmp_path / "none").apart
    assert states(commands, 1)["data folder"] == "problem"
    assert not commands.data.exists()


def test_made_but_not_running(tmp_path: Path) -> None:
    commands = migrated(
        tmp_path / "data", '[mailserver]\nprivate = false\n[listen]\nportal = "unix:p"'
    )
    found = states(commands)
    assert found["database"] == found["keys"] == "ok"
    assert found["codes"] == found["running"] == "warning"
    text = commands.apart.done("check")
    assert "warning  codes: " in text
    assert "-> start sidegate serve" in text


@pytest.mark.parametrize(
    ("more", "state", "said"),
    [
        ("", "ok", "through the private Dovecot"),
        ("[mailserver]\nprivate = false\n", "warning", "on their pages only"),
        (
            '[notices]\nsmtp = "127.0.0.1:25"\nfrom_address = "a@example.test"\n',
            "ok",
            "through 127.0.0.1:25",
        ),
    ],
    ids=["private", "neither", "smtp"],
)
def test_how_owners_are_told(tmp_path: Path, more: str, state: str, said: str) -> None:
    done = migrated(tmp_path / "data", more).run("check", "--json")
    (found,) = [one for one in json.loads(done.stdout) if one["what"] == "notices"]
    assert found["state"] == state
    assert said in found["text"]


@pytest.mark.parametrize(
    ("more", "state", "said"),
    [
        ("", "ok", "every mail program"),
        ('[policy]\nmode = "observe"\n', "warning", "no mail program is refused"),
        ('[policy]\nenforce_for = ["@example.test"]\n', "ok", "1 of enforce_for"),
    ],
    ids=["all", "none", "some"],
)
def test_for_whom_it_is_enforced(tmp_path: Path, more: str, state: str, said: str) -> None:
    done = migrated(tmp_path / "data", more).run("check", "--json")
    (found,) = [one for one in json.loads(done.stdout) if one["what"] == "policy"]
    assert found["state"] == state
    assert said in found["text"]


def test_keys_open_to_others(tmp_path: Path) -> None:
    commands = migrated(tmp_path / "data")
    (commands.data / "keys" / "digest-1.key").chmod(0o640)
    found = states(commands, 1)
    assert found["keys"] == "problem"


def certificate_found(
    folder: Path, *names: str, ends_in: int = 100, other_key: bool = False
) -> Finding:
    authority = trustme.CA()
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=ends_in)
    issued = authority.issue_cert(*names, not_after=end)
    shown_key = authority.issue_cert(*names) if other_key else issued
    issued.cert_chain_pems[0].write_to_path(str(folder / "c.pem"))
    shown_key.private_key_pem.write_to_path(str(folder / "k.pem"))
    (folder / "k.pem").chmod(0o600)
    (folder / "sidegate.toml").write_text('[tls]\ncertificate = "c.pem"\nkey = "k.pem"\n')
    return check_certificate(load_config(folder))


def test_certificates(tmp_path: Path) -> None:
    assert certificate_found(tmp_path, "localhost").state == "ok"
    (tmp_path / "k.pem").chmod(0o604)
    assert "open to everybody" in check_certificate(load_config(tmp_path)).text
    assert "ends on" in certificate_found(tmp_path, "localhost", ends_in=3).text
    assert "ended on" in certificate_found(tmp_path, "localhost", ends_in=-1).text
    assert "does not name localhost" in certificate_found(tmp_path, "mail.example.test").text
    assert "another one" in certificate_found(tmp_path, "localhost", other_key=True).text
    (tmp_path / "c.pem").write_text("nothing")
    assert "PEM" in check_certificate(load_config(tmp_path)).text
    (tmp_path / "c.pem").unlink()
    assert "No such file" in check_certificate(load_config(tmp_path)).text


@pytest.mark.parametrize("name", ["*.example.test", "mail.example.test"])
def test_names_with_a_star(tmp_path: Path, name: str) -> None:
    from cryptography import x509  # noqa: PLC0415 - one test needs it

    from sidegate.cli.check_certificate import names_host  # noqa: PLC0415 - the same

    issued = trustme.CA().issue_cert(name)
    certificate = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    assert names_host(certificate, "Mail.example.test")
    assert not names_host(certificate, "example.test")
    assert not names_host(certificate, "127.0.0.1")
    assert tmp_path.is_dir()


@pytest.mark.parametrize(
    ("countries", "state", "said"),
    [
        (["LV", "*"], "warning", "every country"),
        ([], "warning", "every country"),
        (["LV", "LT"], "ok", "numbers of LV, LT"),
    ],
    ids=["all", "unknown", "two"],
)
def test_where_codes_may_go(tmp_path: Path, countries: list[str], state: str, said: str) -> None:
    more = f'[codes]\nsms = "exec"\ncountries = {json.dumps(countries)}\n'
    more += '[gateway.exec]\ncommand = ["/bin/true"]\n'
    done = migrated(tmp_path / "data", more).run("check", "--json")
    findings = {one["what"]: one for one in json.loads(done.stdout)}
    assert findings["countries"]["state"] == state
    assert said in findings["countries"]["text"]
    assert findings["codes sent"]["text"] == "0 of at most 1000 within 24 hours"
