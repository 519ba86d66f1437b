from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.config import (
    ClientServer,
    Config,
    ConfigError,
    TcpEndpoint,
    UnixEndpoint,
    is_loopback_host,
    load_config,
    parse_endpoint,
    write_default_config,
)
from sidegate.config.errors import NotAllowed, shown
from sidegate.config.loading import default_text
from sidegate.config.options import options, sections

CONTRACT = {
    "server": {
        "url": "http://localhost:8025",
        "name": "Sidegate",
        "keys": "",
        "webmail": "",
        "trusted_proxies": [],
    },
    "tls": {"certificate": "", "key": ""},
    "listen": {
        "portal": "127.0.0.1:8025",
        "imap": "127.0.0.1:2143",
        "imaps": "127.0.0.1:2993",
        "pop3": "127.0.0.1:2110",
        "pop3s": "127.0.0.1:2995",
        "submission": "127.0.0.1:2587",
        "submissions": "127.0.0.1:2465",
        "dovecot_client": ["unix:run/auth-client.sock"],
        "dovecot_master": "unix:run/auth-master.sock",
        "socket_group": "",
        "socket_mode": "0660",
        "http": "127.0.0.1:2026",
    },
    "clients": {"imap": "", "pop3": "", "submission": "", "domains": []},
    "mailserver": {"private": True, "user": "", "front": False},
    "database": {"url": ""},
    "directory": {"source": "own", "auth": "", "userdb": "", "masters": []},
    "doveadm": {"url": "", "api_key": ""},
    "policy": {
        "mode": "enforce",
        "enforce_for": [],
        "account_password_for_mail": "until-2-step",
        "grace_days": 0,
        "refusal_delay": 2.0,
        "refusal_language": "en",
    },
    "upstream": {
        "imap": "",
        "pop3": "",
        "submission": "",
        "user": "{account}",
        "submission_xclient": False,
        "password": "",
    },
    "codes": {
        "sms": "screen",
        "voice": "screen",
        "countries": [],
        "daily_most": 1000,
        "daily_spend": 0,
        "prices": {},
    },
    "app_passwords": {"length": 16},
    "notices": {
        "smtp": "",
        "user": "",
        "password": "",
        "from_address": "",
        "ask_directory": False,
    },
}


def load(folder: Path, toml: str) -> Config:
    (folder / "sidegate.toml").write_text(toml, encoding="utf-8")
    return load_config(folder)


def refused(folder: Path, toml: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, toml)
    text = str(caught.value)
    assert text.splitlines() == [text]
    assert text.startswith(f"{folder / 'sidegate.toml'}: ")
    return text.removeprefix(f"{folder / 'sidegate.toml'}: ")


def test_the_first_file_holds_exactly_the_keys_and_defaults_of_the_contract() -> None:
    assert tomllib.loads(default_text()) == CONTRACT


def test_each_option_that_does_not_explain_itself_has_a_comment() -> None:
    explained = {(row.section, row.key) for s in sections() for row in options(s) if row.help}
    assert ("server", "url") in explained
    assert ("policy", "refusal_delay") in explained
    assert default_text().count(" # ") >= 25


def test_the_first_file_is_private_and_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "new" / "sidegate.toml"
    assert write_default_config(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("# mine")
    assert not write_default_config(file)
    assert file.read_text() == "# mine"


def test_the_first_file_means_the_same_as_no_file(tmp_path: Path) -> None:
    without = load_config(tmp_path)
    write_default_config(tmp_path / "sidegate.toml")
    assert load_config(tmp_path) == without


def test_what_follows_from_the_defaults(tmp_path: Path) -> None:
    config = load_config(tmp_path)
    assert config.keys_folder == tmp_path / "keys"
    assert config.portal_host == "localhost"
    assert config.is_loopback
    assert not config.is_https
    assert config.listen.socket_mode == 0o660
    assert config.codes.sms == ("screen",)
    assert config.certificate is None
    assert config.client_settings() == [
        ClientServer("imap", "localhost", 2993, "TLS"),
        ClientServer("pop3", "localhost", 2995, "TLS"),
        ClientServer("submission", "localhost", 2465, "TLS"),
    ]


def test_client_settings_are_those_said_or_those_that_listen(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        '[clients]\nimap = "mail.example.test:993 TLS"\n'
        '[listen]\npop3s = ""\npop3 = ""\nsubmissions = "unix:run/s"\n',
    )
    assert config.client_settings() == [
        ClientServer("imap", "mail.example.test", 993, "TLS"),
        ClientServer("submission", "localhost", 2587, "STARTTLS"),
    ]


@pytest.mark.parametrize(
    "toml",
    [
        '[codes]\nsms = ["screen"]',
        "[codes]\nvoice = []",
        '[codes]\ncountries = ["LV", "LT"]\ndaily_spend = 5\n[codes.prices]\nLV = 0.04\n"*" = 1',
        '[server]\nurl = "http://127.0.0.1:1/"',
        '[server]\nurl = "http://[::1]:8025"',
        '[server]\nurl = "https://localhost"',
        '[server]\ntrusted_proxies = ["192.0.2.1", "2001:db8::/32"]',
        "[policy]\nrefusal_delay = 0",
        '[directory]\nauth = "unix:/run/dovecot/auth-client"\nuserdb = "unix:/run/x"',
        (
            '[directory]\nsource = "dovecot"\nauth = "[::1]:1"\nuserdb = "unix:b"\n'
            "[mailserver]\nprivate = false"
        ),
        '[listen]\nhttp = "unix:run/http.sock"',
        '[listen]\nhttp = "localhost:2026"',
        '[nginx]\nimap = "[::1]:143"\nuser = "{account}*gate"\npassword = "a b"',
        '[listen]\ndovecot_client = ["unix:a.sock", "[::1]:12345"]',
        '[database]\nurl = "postgresql:///sidegate"',
        "[app_passwords]\nlength = 32",
        (
            '[codes]\nsms = "exec"\ncountries = ["LV", "*"]\n'
            '[gateway.exec]\ncommand = ["/usr/bin/send", "-v"]'
        ),
        (
            '[codes]\nvoice = ["a", "screen"]\ncountries = ["LV"]\n'
            '[gateway.a]\nkind = "exec"\ncommand = ["/b"]'
        ),
        '[notices]\nsmtp = "127.0.0.1:25"\nfrom_address = "no-reply@example.test"',
        (
            '[notices]\nsmtp = "mail.example.test:587 STARTTLS"\nuser = "a"\npassword = "b c"\n'
            'from_address = "no-reply@example.test"'
        ),
    ],
)
def test_allowed(tmp_path: Path, toml: str) -> None:
    load(tmp_path, toml)


def test_an_url_loses_its_last_slash(tmp_path: Path) -> None:
    assert load(tmp_path, '[server]\nurl = "http://localhost:1/"').server.url == (
        "http://localhost:1"
    )


@pytest.mark.parametrize(
    ("toml", "parts"),
    [
        ('[server]\nurll = ""', ['"urll" is no key of [server]', 'did you mean "url"?', "webmail"]),
        ("[servr]\n", ['"servr" is no section', 'did you mean "server"?']),
        ("server = 3", ["server is a section"]),
        ("[server]\nurl = 3", ["[server] url = 3 is not allowed", "http:// or https://"]),
        ('[server]\nurl = "ftp://localhost"', ["ftp://…", "http:// or https://"]),
        ('[server]\nurl = "http://localhost/x"', ["no path"]),
        ('[server]\nurl = "http://localhost?x"', ["no path"]),
        ('[server]\nurl = "http://localhost:0"', ["not allowed"]),
        ('[server]\nurl = "http://"', ["not allowed"]),
        ('[server]\nurl = "http://mail.example.test"', ["plain http and not on loopback"]),
        ('[server]\nurl = "https://mail.example.test"', ['sms = "screen"', "not on loopback"]),
        ('[codes]\ncountries = ["LATVIA"]', ["countries", "'LATVIA' is no country", '"LV"']),
        ("[codes]\ndaily_most = 0", ["a whole number from 1"]),
        ("[codes]\ndaily_spend = -1", ["an amount of money"]),
        ("[codes]\ndaily_spend = 5", ["daily_spend = 5", "names no price"]),
        ('[codes]\nprices = { LV = "x" }', ["prices", "a table such as"]),
        ("[codes.prices]\nlv = 0.1", ["'lv' is no country"]),
        ('[server]\nname = ""', ["1 to 64 characters"]),
        ('[server]\nname = "a\\nb"', ["control character"]),
        ('[server]\ntrusted_proxies = ["x"]', ["IP addresses"]),
        ('[tls]\ncertificate = "a.pem"', ["both or neither"]),
        ('[tls]\nkey = "a.pem"', ["both or neither"]),
        ('[listen]\nimap = "143"', ['"host:port"']),
        ('[listen]\nimap = "127.0.0.1:70000"', ["1 to 65535"]),
        ('[listen]\nimap = "256.1.1.1:1"', ["not allowed"]),
        ('[listen]\ndovecot_client = "unix:a"', ["a list of"]),
        ('[listen]\ndovecot_client = ["0.0.0.0:1"]', ["dovecot_client", "open to other machines"]),
        ('[listen]\ndovecot_master = "192.0.2.1:1"', ["dovecot_master", "open to other machines"]),
        ('[listen]\nhttp = "0.0.0.0:2026"', ["http", "open to other machines"]),
        ('[nginx]\nimap = "mail.example.test:143"', ["looked up", "127.0.0.1:143"]),
        ('[nginx]\nimap = "unix:/x"', ["an IP address with a port"]),
        ('[doveadm]\nurl = "http://192.0.2.1:8080"\napi_key = "k"', ["unencrypted"]),
        ('[doveadm]\nurl = "unix:run/http"\napi_key = "k"', ['"unix:/path"']),
        ('[doveadm]\nurl = "unix:/run/dovecot/http"', ["api_key", "both or neither"]),
        ('[doveadm]\napi_key = "k"', ["url", "both or neither"]),
        ("[mailserver]\nfront = true", ["[upstream] names none"]),
        (
            '[mailserver]\nfront = true\n[upstream]\nimap = "192.0.2.1:143"',
            ["[upstream] password", "master user"],
        ),
        (
            '[mailserver]\nfront = true\nprivate = false\n[upstream]\nimap = "192.0.2.1:143"',
            ["private = true"],
        ),
        ('[nginx]\nimap = ""\n[upstream]\nimap = ""', ['"nginx" is no section']),
        ('[nginx]\nuser = "gate"', ["{account}"]),
        (f'[listen]\nportal = "unix:/{"a" * 120}"', ["121 bytes", "107"]),
        ('[listen]\nimaps = "127.0.0.1:2143"', ["imaps", "where imap listens already"]),
        ('[listen]\nsocket_mode = "0990"', ["octal"]),
        ("[listen]\nsocket_mode = 660", ["octal"]),
        ('[listen]\nsocket_group = "no-such-group"', ["no group here"]),
        ('[mailserver]\nuser = "no-such-user"', ["no user here"]),
        ("[mailserver]\nprivate = 1", ["true or false"]),
        ('[clients]\nimap = "mail.example.test:993"', ["host:port TLS"]),
        ('[clients]\ndomains = ["a b"]', ["a list of domains"]),
        ("[policy]\nrefusal_delay = 10.5", ["from 0 to 10"]),
        ("[policy]\nrefusal_delay = nan", ["from 0 to 10"]),
        ("[policy]\nrefusal_delay = true", ["from 0 to 10"]),
        ('[policy]\nrefusal_language = "xx"', ['allowed: "en"']),
        ("[app_passwords]\nlength = 17", ["16, 20, 24 or 32"]),
        ("[app_passwords]\nlength = true", ["16, 20, 24 or 32"]),
        ("[policy]\ngrace_days = 15", ["a whole number from 0 to 14"]),
        ("[policy]\ngrace_days = -1", ["a whole number from 0 to 14"]),
        ("[policy]\ngrace_days = true", ["a whole number from 0 to 14"]),
        ("[codes]\nsms = []\nvoice = []", ["[codes] sms = []", "leave no way"]),
        ('[codes]\nsms = "acme"', ["has no section [gateway.acme]", "allowed: screen"]),
        ('[codes]\nvoice = ["screen", "acme"]', ["[codes] voice", "[gateway.acme]"]),
        ('[codes]\nsms = "A b"', ["is not allowed", "the name of a gateway"]),
        ("gateway = 3", ["gateway is a section"]),
        ("[gateway]\nexec = 3", ["gateway.exec is a section"]),
        ('[gateway.acme]\ncommand = ["/bin/true"]', ['kind = "acme"', "allowed:", "exec"]),
        ("[gateway.acme]\nkind = 3", ["kind = 3 is not allowed", "exec"]),
        ('[gateway.screen]\nkind = "exec"', ["no gateway can be called", "screen"]),
        ('[gateway."A b"]\nkind = "exec"', ["no gateway can be called", "small letters"]),
        ("[gateway.exec]", ["[gateway.exec] command is missing", "a list"]),
        (
            '[gateway.exec]\ncommand = ["/a"]\ncomand = 1',
            ["no key of [gateway.exec]", '"command"?'],
        ),
        ('[gateway.x]\nkind = "exec"\ncommand = ["a"]', ["[gateway.x] command", "not allowed"]),
        ('[directory]\nsource = "ldap"', ["is not allowed", '"own" or "dovecot"']),
        ('[directory]\nsource = "dovecot"', ['auth = ""', "needs it"]),
        ('[directory]\nsource = "dovecot"\nauth = "unix:a"', ['userdb = ""', "needs it"]),
        (
            '[directory]\nsource = "dovecot"\nauth = "192.0.2.1:1"\nuserdb = "unix:b"',
            ["[directory] auth", "unencrypted"],
        ),
        (
            '[directory]\nsource="dovecot"\nuserdb = "unix:run/auth-master.sock"\nauth = "unix:a"',
            ["[directory] userdb", "Sidegate itself listens"],
        ),
        (
            '[directory]\nsource = "dovecot"\nauth = "unix:a"\nuserdb = "unix:b"',
            ["[mailserver] private = true", "private = false"],
        ),
        ('[directory]\nsource = "ldap"', ["is not allowed", '"own"']),
        ('[notices]\nsmtp = "mail.example.test:25"', ["[notices] smtp", "on this machine"]),
        ('[notices]\nsmtp = "unix:/x"', ["host:port STARTTLS"]),
        ('[notices]\nsmtp = "127.0.0.1:25"', ['from_address = ""', "needs it"]),
        ('[notices]\nuser = "a"', ["both or neither"]),
        ('[notices]\nfrom_address = "a@b\\nBcc: c@d"', ["control character"]),
        ('[notices]\nfrom_address = "Anna <a@b>"', ["no-reply@example.test"]),
        (
            '[notices]\nsmtp = "127.0.0.1:25"\nuser = "a"\npassword = "b"',
            ["[notices] smtp", "unencrypted"],
        ),
        ('[policy]\nmode = "watch"', ["is not allowed", '"enforce" or "observe"']),
        ('[policy]\nenforce_for = ["a b@example.test"]', ["a list of addresses and domains"]),
        ('[policy]\nenforce_for = ["@"]', ["is not allowed"]),
        ('[policy]\nenforce_for = ["anna@exa mple"]', ["is not allowed"]),
        (
            '[policy]\nmode = "observe"\nenforce_for = ["@example.test"]',
            ["[policy] enforce_for", "enforces nothing", "enforce_for = []"],
        ),
        ("x = ", ["this is not TOML", "line 1, column 5"]),
        ("x = [\n", ["this is not TOML", "line 2, column 1"]),
        ("[a]\n[a]\n", ["this is not TOML", "line 2"]),
    ],
)
def test_one_line_names_what_was_found_and_what_is_allowed(
    tmp_path: Path, toml: str, parts: list[str]
) -> None:
    text = refused(tmp_path, toml)
    for part in parts:
        assert part in text


SECRET = "hunter2-never-shown"


@pytest.mark.parametrize(
    "toml",
    [
        f'[database]\nurl = "mysql://u:{SECRET}@h/d"',
        f'[database]\nurl = "postgresql://u:{SECRET}@h:port/d"',
        f'[database]\nulr = "postgresql://u:{SECRET}@h/d"',
        f'[server]\nurl = "postgresql://u:{SECRET}@h/d"',
        f'[server]\nurl = "https://u:{SECRET}@localhost"',
        f'[listen]\ndovecot_client = ["postgresql://u:{SECRET}@h/d"]',
        f"[database]\nurl = postgresql://u:{SECRET}@h/d",
        f'[database]\nurl = "postgresql://u:{SECRET}@h/d',
        f'[nginx]\npassword = " {SECRET}"',
        f'[notices]\npassword = " {SECRET}"',
        f'[doveadm]\napi_key = " {SECRET}"',
        f'[doveadm]\napi_key = "{SECRET}"',
    ],
)
def test_no_error_quotes_a_password(tmp_path: Path, toml: str) -> None:
    assert SECRET not in refused(tmp_path, toml)


def test_the_text_form_holds_no_database_password(tmp_path: Path) -> None:
    config = load(tmp_path, f'[database]\nurl = "postgresql://u:{SECRET}@h/d"')
    assert SECRET in config.database.url
    assert SECRET not in repr(config)
    assert SECRET not in str(config)


@pytest.mark.parametrize(
    ("toml", "where"),
    [
        ("", TcpEndpoint("127.0.0.1", 2143)),
        ('[listen]\nimap = "localhost:1"', TcpEndpoint("127.0.0.1", 1)),
        ('[listen]\nimap = "0.0.0.0:1"', TcpEndpoint("127.0.0.1", 1)),
        ('[listen]\nimap = "[::]:1"', TcpEndpoint("::1", 1)),
        ('[listen]\nimap = "mail.example.test:1"', None),
        ('[listen]\nimap = ""', None),
        ("[mailserver]\nprivate = false", None),
        ('[nginx]\nimap = "192.0.2.1:143"', TcpEndpoint("192.0.2.1", 143)),
        ('[nginx]\nimap = "[2001:db8::1]:143"', TcpEndpoint("2001:db8::1", 143)),
    ],
)
def test_where_nginx_goes_on_to(tmp_path: Path, toml: str, where: TcpEndpoint | None) -> None:
    assert load(tmp_path, toml).nginx_upstream("imap") == where


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load_config(tmp_path, tmp_path / "other.toml")


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "sidegate.toml").write_bytes(b"# a\n\xff")
    with pytest.raises(ConfigError, match="line 2: this is not UTF-8"):
        load_config(tmp_path)


def test_a_data_folder_too_deep_for_its_sockets(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="another data folder"):
        load_config(tmp_path / ("a" * 110))


def test_endpoints() -> None:
    data = Path("/data")
    assert parse_endpoint("", data) is None
    assert parse_endpoint("localhost:25", data) == TcpEndpoint("localhost", 25)
    assert parse_endpoint("[::1]:25", data) == TcpEndpoint("::1", 25)
    assert str(TcpEndpoint("::1", 25)) == "[::1]:25"
    assert parse_endpoint("unix:run/a", data) == UnixEndpoint(Path("/data/run/a"))
    assert parse_endpoint("unix:/a", data) == UnixEndpoint(Path("/a"))


@given(st.text())
def test_any_text_is_an_endpoint_or_refused(text: str) -> None:
    try:
        endpoint = parse_endpoint(text, Path("/data"))
    except NotAllowed:
        return
    assert (endpoint is None) == (text == "")


@given(st.recursive(st.text() | st.integers() | st.floats() | st.booleans(), st.lists))
def test_every_kind_takes_or_refuses_whatever_comes(value: object) -> None:
    for section in sections():
        for row in options(section):
            try:
                row.kind.read(value)
            except NotAllowed:
                assert "\n" not in shown(value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("a.localhost", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104 - told apart, not bound
        ("mail.example.test", False),
        ("localhost.example.test", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_loopback_host(host) is loopback
