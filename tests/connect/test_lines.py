"""The lines that are printed: those of the pages, and what they say of a server they looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connect import pages
from connect.connected import page
from sidegate.clients import pacc
from sidegate.clients.offer import offer_of
from sidegate.config import load_config
from sidegate.connect import dns, doveconf, dovecot, lua, postfix
from sidegate.connect.places import Sidegate

SERVICES = """\
service auth {
  unix_listener auth-client {
    mode = 0600
  }
  unix_listener auth-userdb {
    mode = 0666
  }
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
  }
}
service imap-login {
  chroot = login
  executable = imap-login
  inet_listener imap {
    address =
    port = 143
  }
  inet_listener imaps {
    port = 993
    ssl = yes
  }
  protocol = imap
  user = $default_login_user
}
service imap-login-old {
  chroot = login
  executable = imap-login
  inet_listener other {
    address = 192.0.2.1, 192.0.2.2
    port = 1143
  }
  protocol = imap
}
service pop3-login {
  chroot = login
  executable = pop3-login
  inet_listener pop3 {
    port = 0
  }
  protocol = pop3
}
service managesieve-login {
  chroot = login
  executable = managesieve-login
  inet_listener sieve {
    port = 4190
  }
  protocol = sieve
}
service imap {
  executable = imap imap-postlogin
  protocol = imap
}
service managesieve {
  executable = managesieve
  protocol = sieve
}
"""
SETTINGS = {
    "base_dir": "/run/dovecot",
    "default_login_user": "dovenull",
    "imap_id_retain": "no",
    "login_socket_path": "",
    "protocols": " imap pop3 sieve",
}


def printed(data: Path, *words: str) -> str:
    command = [sys.executable, "-m", "sidegate", "connect", *words, "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(
    ("server", "section"),
    [(name, part) for name in ("dovecot", "postfix", "exim") for part in ("The lines", "Undo")],
)
def test_the_pages_hold_what_is_printed_and_need_nothing(
    tmp_path: Path, server: str, section: str
) -> None:
    told = printed(tmp_path / "nothing", server, "--version", "2.3", "--user", "root", "--json")
    plan: dict[str, Any] = json.loads(told)
    of = plan["undo"]
    if section == "The lines":
        of = [block for block in plan["blocks"] if not block["part"]]
    wanted = ["".join(f"{line}\n" for line in block["lines"]) for block in of]
    assert [block.text for block in pages.blocks(server, section)] == wanted
    files = [block.file for block in pages.blocks(server, section)]
    assert files == [block["file"] if block["how"] == "write" else "" for block in of]
    assert not (tmp_path / "nothing").exists()


def test_the_page_about_observing_holds_what_is_printed(tmp_path: Path) -> None:
    told = printed(tmp_path, "dovecot", "--version", "2.3", "--user", "root", "--json")
    plan: dict[str, Any] = json.loads(told.replace(str(tmp_path), "/srv/sidegate"))
    wanted = [block for block in plan["blocks"] if block["part"] == "observe"]
    page = [*pages.blocks("observe", "The lines"), *pages.blocks("observe", "Enforce")]
    texts = ["".join(f"{line}\n" for line in block["lines"]) for block in wanted]
    assert [block.text for block in page] == texts
    files = [block["file"] if block["how"] == "write" else "" for block in wanted]
    assert [block.file for block in page] == files
    assert plan["undo"][0]["lines"] == [pages.blocks("observe", "Go back")[0].text.strip()]


@pytest.mark.parametrize(("server", "page"), [("dovecot", "observe"), ("lua", "lua")])
def test_the_page_holds_what_is_printed_for_2_4(server: str, page: str, tmp_path: Path) -> None:
    plan = json.loads(printed(tmp_path, server, "--version", "2.4", "--user", "root", "--json"))
    told = {one["file"]: "".join(f"{line}\n" for line in one["lines"]) for one in plan["blocks"]}
    for own in pages.blocks(page, "The lines for 2.4"):
        assert own.text == told[own.file], own.file


def test_reports_go_to_a_port_even_where_the_door_is_a_socket(tmp_path: Path) -> None:
    (tmp_path / "sidegate.toml").write_text('[listen]\nhttp = "127.0.0.1:2999"\n')
    assert "= http://127.0.0.1:2999/v1/observe\n" in printed(tmp_path, "dovecot")
    (tmp_path / "sidegate.toml").write_text('[listen]\nhttp = "unix:http"\n')
    assert "= http://127.0.0.1:2026/v1/observe\n" in printed(tmp_path, "dovecot")


def test_another_policy_server_is_not_replaced_unsaid(tmp_path: Path) -> None:
    settings = {**SETTINGS, "auth_policy_server_url": "http://192.0.2.9/"}
    found = doveconf.installation((2, 3, 19), settings, doveconf.parse(SERVICES).sections)
    plan = dovecot.plan(dovecot.Dovecot(found), Sidegate(load_config(tmp_path), "root"))
    assert any("auth_policy server already (http://192.0.2.9/)" in note for note in plan.notes)


def test_nginx_is_told_the_lines_of_its_page(tmp_path: Path) -> None:
    told = printed(tmp_path, "nginx")
    text = (pages.FOLDER / "nginx.md").read_text()
    block = text.split("```nginx\n", 1)[1].split("```", 1)[0]
    for line in block.splitlines():
        assert line.removeprefix("   ") in told.splitlines(), line
    (undo,) = pages.blocks("nginx", "Undo")
    assert undo.text in told


@pytest.mark.parametrize("section", ["The lines", "Undo"])
def test_the_lua_page_holds_what_is_printed(tmp_path: Path, section: str) -> None:
    data = tmp_path / "nothing"
    plan: dict[str, Any] = json.loads(printed(data, "lua", "--version", "2.3", "--json"))
    of = plan["blocks"][1:] if section == "The lines" else plan["undo"]  # the script is not there
    page = pages.blocks("lua", section)
    texts = [block.text.replace("var/keys", f"{data}/keys") for block in page]
    assert texts == ["".join(f"{line}\n" for line in block["lines"]) for block in of]
    files = [block["file"] if block["how"] == "write" else "" for block in of]
    assert [block.file for block in page] == files
    assert not data.exists()


def test_the_front_page_holds_what_is_printed(tmp_path: Path) -> None:
    plan = json.loads(printed(tmp_path, "front", "--json"))
    page = (pages.FOLDER / "front.md").read_text()
    for block in (*plan["blocks"], plan["undo"][1]):
        assert "\n" + "".join(f"{line}\n" for line in block["lines"]) in page


def her_services(version: tuple[int, int, int] = (2, 3, 19)) -> dovecot.Dovecot:
    found = doveconf.installation(version, SETTINGS, doveconf.parse(SERVICES).sections)
    return dovecot.Dovecot(found)


def test_every_sign_in_service_gets_its_lines(tmp_path: Path) -> None:
    plan = dovecot.plan(her_services(), Sidegate(load_config(tmp_path), "root"))
    enforced = next(block for block in plan.blocks if block.file.endswith("99-sidegate.conf"))
    text = "\n".join(enforced.lines)
    for name in ("imap-login", "imap-login-old", "managesieve-login"):
        program = name.removesuffix("-old")
        assert f"service {name} {{\n  executable = {program} sidegate/auth-client\n}}" in text
    assert "pop3-login" not in text  # it listens nowhere
    assert "executable = imap -a /run/sidegate/auth-master imap-postlogin" in text
    assert "executable = /etc/dovecot/sidegate-managesieve" in text
    script = 'cd /run/sidegate && exec /usr/lib/dovecot/managesieve "$@"'
    assert script in "\n".join(line for block in plan.blocks for line in block.lines)


def test_it_is_not_enforced_while_one_goes_around(tmp_path: Path) -> None:
    sidegate = Sidegate(load_config(tmp_path), "root")
    client = Path("/run/dovecot/login/sidegate/auth-client")
    ways = list(dovecot.around(her_services(), sidegate, client))
    assert any("imap-login-old does not ask Sidegate: port 1143" in way for way in ways)
    assert any("managesieve-login does not ask Sidegate: port 4190" in way for way in ways)
    assert any("/var/spool/postfix/private/auth" in way for way in ways)
    planned = dovecot.plan(her_services(), sidegate).around
    assert len(planned) == 1
    assert "/var/spool/postfix/private/auth" in planned[0]


@pytest.mark.parametrize(("version", "section"), [("2.4.1", "2.4"), ("2.4.2", "2.4.2 and newer")])
def test_dovecot_2_4_is_told_in_its_own_words(tmp_path: Path, version: str, section: str) -> None:
    command = ("dovecot", "--version", version, "--user", "root", "--json")
    plan: dict[str, Any] = json.loads(printed(tmp_path, *command))
    of = [block for block in plan["blocks"] if not block["part"]]
    wanted = ["".join(f"{line}\n" for line in block["lines"]) for block in of]
    assert [block.text for block in page(section)] == wanted


def test_postfix_gets_back_what_it_had_master_cf_included(tmp_path: Path) -> None:
    here = {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/auth"}
    overrides = {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_path": "inet:127.0.0.1:12345"}
    service = postfix.SmtpdService("submission", "inet", chroot=True, overrides=overrides)
    her = postfix.Postfix(here=here, effective=here, services=(service,))
    plan = postfix.plan(her, Sidegate(load_config(tmp_path), "root"))
    asks = plan.blocks[-1].lines
    assert "postconf -P 'submission/inet/smtpd_sasl_path = sidegate/auth-client'" in asks
    undo = plan.undo[0].lines
    assert "postconf -e 'smtpd_sasl_path = private/auth'" in undo
    assert "postconf -P 'submission/inet/smtpd_sasl_path = inet:127.0.0.1:12345'" in undo
    endpoint = postfix.client_endpoint(her, Sidegate(load_config(tmp_path), "root"), None)
    assert list(postfix.around(her, endpoint)) == [
        "submission/inet in master.cf asks dovecot at inet:127.0.0.1:12345, not Sidegate"
    ]


def test_dns_is_told_what_is_offered_and_what_is_not(tmp_path: Path) -> None:
    (tmp_path / "sidegate.toml").write_text(
        '[clients]\nimap = "mail.example.test:993 TLS"\npop3 = "mail.example.test:110 STARTTLS"\n'
        'submission = "mail.example.test:465 TLS"\ndomains = ["example.test", "example.org"]\n'
    )
    told = printed(tmp_path, "dns")
    for line in (
        "_imaps._tcp.example.test. 3600 IN SRV 0 1 993 mail.example.test.",
        "_imap._tcp.example.test. 3600 IN SRV 0 0 0 .",
        "_pop3s._tcp.example.test. 3600 IN SRV 0 0 0 .",
        "_pop3._tcp.example.org. 3600 IN SRV 10 1 110 mail.example.test.",
        "_submissions._tcp.example.org. 3600 IN SRV 0 1 465 mail.example.test.",
        "_submission._tcp.example.org. 3600 IN SRV 0 0 0 .",
    ):
        assert line in told.splitlines(), line
    assert "autoconfig" not in told.replace("no autoconfig", "")  # the portal is on plain http
    assert "_imaps._tcp.example.net. " in printed(tmp_path, "dns", "--domain", "Example.net.")


def test_dns_needs_nothing_at_all(tmp_path: Path) -> None:
    told = printed(tmp_path / "nothing", "dns", "--domain", "example.org")
    assert "_submissions._tcp.example.org. 3600 IN SRV 0 1 465 mail.example.org." in told
    assert not (tmp_path / "nothing").exists()


def test_dns_leads_to_a_portal_on_https(tmp_path: Path) -> None:
    config = replace(
        load_config(tmp_path),
        server=replace(load_config(tmp_path).server, url="https://accounts.example.test:8443"),
    )
    (block,) = dns.plan(config, ["example.org"]).blocks
    assert block.lines[-3:] == (
        "autoconfig.example.org. 3600 IN CNAME accounts.example.test.",
        "autodiscover.example.org. 3600 IN CNAME accounts.example.test.",
        "_autodiscover._tcp.example.org. 3600 IN SRV 0 1 8443 accounts.example.test.",
    )


def test_dns_vouches_for_what_user_agents_are_told(tmp_path: Path) -> None:
    config = replace(
        load_config(tmp_path),
        server=replace(load_config(tmp_path).server, url="https://accounts.example.test"),
        clients=replace(load_config(tmp_path).clients, imap="mail.example.test:993 TLS"),
    )
    document = pacc.answer(offer_of(config))
    assert document is not None
    (block,) = dns.plan(config, ["example.org"]).blocks
    assert block.lines[-2:] == (
        "ua-auto-config.example.org. 3600 IN CNAME accounts.example.test.",
        f'_ua-auto-config.example.org. 3600 IN TXT "{pacc.record(document)}"',
    )


PASSDBS = """\
passdb {
  driver = passwd-file
  args = /etc/dovecot/masters
  master = yes
}
passdb {
  driver = lua
  args = file=/etc/dovecot/sidegate.lua blocking=yes
  result_failure = return-fail
  result_internalfail = return-fail
}
passdb {
  driver = passwd-file
  args = username_format=%{passdb:sidegate} /etc/dovecot/sidegate-go-on
  result_failure = return-fail
  result_internalfail = return-fail
}
passdb {
  driver = pam
}
"""
LUA_SETTINGS = {**SETTINGS, "auth_mechanisms": "plain login", "auth_cache_size": "0"}


@pytest.mark.parametrize(
    ("passdbs", "settings", "wrong"),
    [
        (PASSDBS, {}, []),
        ("passdb {\n  driver = pam\n}\n" + PASSDBS, {}, ["passdb pam is asked before Sidegate"]),
        ("", {}, ["no passdb runs /etc/dovecot/sidegate.lua"]),
        (PASSDBS.replace("sidegate-go-on", "x"), {}, ["behind the script is no passdb with"]),
        (
            PASSDBS.replace("result_internalfail = return-fail", ""),
            {},
            ["without result_internalfail"] * 2,
        ),
        (PASSDBS, {"auth_mechanisms": "plain cram-md5"}, ["auth_mechanisms = plain cram-md5"]),
        (PASSDBS, {"auth_cache_size": "10M"}, ["auth_cache_size is not 0"]),
    ],
)
def test_what_goes_around_the_lua_script(
    tmp_path: Path, passdbs: str, settings: dict[str, str], wrong: list[str]
) -> None:
    found = doveconf.installation(
        (2, 3, 19), {**LUA_SETTINGS, **settings}, [], doveconf.parse(passdbs).sections
    )
    asking = lua.Lua(dovecot.Dovecot(found), Sidegate(load_config(tmp_path), "root"))
    told = list(lua.around(asking))
    assert len(told) == len(wrong)
    assert all(part in line for part, line in zip(wrong, told, strict=True))


def test_lua_for_too_old_a_server(tmp_path: Path) -> None:
    assert "too old" in printed(tmp_path, "lua", "--version", "2.3.13")


def test_the_front_never_prints_the_password(tmp_path: Path) -> None:
    secret = "the master's own password"
    (tmp_path / "sidegate.toml").write_text(
        '[mailserver]\nfront = true\n[upstream]\nimap = "192.0.2.7:143"\n'
        f'user = "{{account}}*boss"\npassword = "{secret}"\n'
    )
    told = printed(tmp_path, "front")
    assert secret not in told
    for line in ("front = true", 'imap = "192.0.2.7:143"', 'user = "{account}*boss"'):
        assert line in told.splitlines()
