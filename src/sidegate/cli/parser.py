"""The commands and their arguments: one tree, from which come parsing and help."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from sidegate.cli.errors import USAGE
from sidegate.cli.output import say, say_aside

PARTS = ("portal", "doors", "mailserver")
APPS = ("mail", "other")
DEVICES = ("windows", "mac", "iphone", "ipad", "android", "printer", "backup", "other")
SCOPES = ("imap", "pop3", "submission")
SERVERS = ("dovecot", "postfix", "exim", "nginx", "lua", "front", "dns")

# What a command needs before it runs.
NOTHING, CONFIG, CONTEXT = "nothing", "config", "context"

_Group = Any
"""argparse has no public name for what `add_subparsers` returns."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - argparse's own
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """End with the usage status."""
        line = " ".join(message.split())
        say_aside(f"sidegate: {line} (see {self.prog} --help)")
        raise SystemExit(USAGE)


def build_parser() -> Parser:
    """Build the whole tree."""
    parser = Parser(
        prog="sidegate",
        description="Two-step verification and app passwords for the mail server you already run.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and end")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    _add_serve(commands)
    _add_accounts(commands)
    _add_app_passwords(commands)
    _add_codes(commands)
    _add_passwords(commands)
    _add_looking(commands)
    _add_connecting(commands)
    _add_keeping(commands)
    return parser


class _Version(argparse.Action):
    """Prints the version, which is looked for only then, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        say(f"{parser.prog} {version()}")
        parser.exit()


def version() -> str:
    """The installed version; a source tree that is not installed says so."""
    # Here, as it loads slowly and few ask.
    from importlib import metadata  # noqa: PLC0415 - see above

    try:
        return metadata.version("sidegate")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _command(group: _Group, name: str, run: str, text: str, *, needs: str = CONTEXT) -> Parser:
    """Add one command; `run` is "module:function" of this package."""
    parser: Parser = group.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run, needs=needs)
    parser.add_argument(
        "--data", type=Path, default=Path("var"), metavar="DIR", help="the data folder (./var)"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the configuration (DIR/sidegate.toml)"
    )
    return parser


def _json(parser: Parser) -> Parser:
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _group(commands: _Group, name: str, text: str) -> _Group:
    parser = commands.add_parser(name, help=text, description=text)
    return parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)


def _add_serve(commands: _Group) -> None:
    serve = _command(commands, "serve", "serving:serve", "Run Sidegate.", needs=NOTHING)
    serve.add_argument(
        "--only", action="append", choices=PARTS, default=[], help="run this part (repeatable)"
    )


def _add_accounts(commands: _Group) -> None:
    account = _group(commands, "account", "Add, show and change accounts.")
    add = _with_address(account, "add", "account_commands:add", "Add an account.")
    add.add_argument("--name", default="", help="the owner's name")
    _password_option(add)
    _json(_command(account, "list", "account_commands:list_all", "List the accounts."))
    _json(_with_address(account, "show", "account_commands:show", "Show one account."))
    _with_address(account, "disable", "account_commands:disable", "Refuse every sign-in.")
    _with_address(account, "enable", "account_commands:enable", "Allow sign-ins again.")
    _with_address(
        account, "sign-out", "account_commands:sign_out", "Sign its browsers out of the pages."
    )
    operator = _group(account, "operator", "Who may see the operator's page.")
    for switch, text in (("on", "Show it to this account, with 2-step on."), ("off", "No more.")):
        _with_address(operator, switch, f"account_commands:operator_{switch}", text)
    password = _with_address(
        account, "password", "account_commands:password", "Give a new account password."
    )
    _password_option(password)
    two_step = _group(account, "two-step", "2-Step Verification of an account.")
    _json(
        _with_address(
            two_step,
            "off",
            "account_commands:two_step_off",
            "Turn 2-Step Verification off: a rescue, recorded. Its app passwords are revoked.",
        )
    )
    address = _group(account, "recovery-address", "The recovery address of an account.")
    _json(
        _with_address(
            address,
            "remove",
            "account_commands:recovery_address_remove",
            "Remove it: a rescue, recorded and told to its owner. ADDRESS is the account's.",
        )
    )
    recovery = _group(account, "recovery", "A recovery that waits for 2-step to be turned off.")
    _json(
        _with_address(
            recovery,
            "stop",
            "account_commands:recovery_stop",
            "Stop it. The same password can start no other for 7 days.",
        )
    )


def _with_address(group: _Group, name: str, run: str, text: str) -> Parser:
    parser = _command(group, name, run, text)
    parser.add_argument("address", metavar="ADDRESS")
    return parser


def _password_option(parser: Parser) -> None:
    parser.add_argument(
        "--password-stdin",
        action="store_true",
        help="read the password from standard input, its first line",
    )


def _add_app_passwords(commands: _Group) -> None:
    group = _group(commands, "app-password", "Make, list and revoke app passwords.")
    add = _json(
        _with_address(group, "add", "app_password_commands:add", "Make one; it is printed once.")
    )
    add.add_argument("--app", required=True, choices=APPS)
    add.add_argument("--device", required=True, choices=DEVICES)
    add.add_argument(
        "--scope",
        type=_scopes,
        default=frozenset(),
        metavar="PROTOCOL,…",
        help=f"what it opens ({','.join(SCOPES)}); a printer only sends, a backup only reads",
    )
    _choices(add)
    _json(
        _with_address(group, "list", "app_password_commands:list_all", "List those of an account.")
    )
    revoke = _json(
        _with_address(group, "revoke", "app_password_commands:revoke", "Revoke one, or all.")
    )
    revoke.add_argument("id", metavar="ID", type=int, nargs="?", help="all where it is left out")
    for name, text in (
        ("pause", "Let one open nothing for now."),
        ("resume", "Let a paused one open mail again."),
        ("rename", "Give one a name."),
    ):
        changed = _with_address(group, name, f"app_password_commands:{name}", text)
        changed.add_argument("id", metavar="ID", type=int)
        if name == "rename":
            changed.add_argument("name", metavar="NAME", help='"" for the usual name')


def _choices(parser: Parser) -> None:
    parser.add_argument("--name", default="", help="a name of your own for it")
    parser.add_argument(
        "--expires", metavar="WHEN", help="the last day (2026-05-31), or 12h or 30d"
    )
    parser.add_argument(
        "--network",
        action="append",
        default=[],
        metavar="CIDR",
        help="where it opens anything: 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32 (repeatable)",
    )
    parser.add_argument(
        "--sender", default="", metavar="ADDRESS", help="with a printer: sends as this alone"
    )
    parser.add_argument(
        "--daily", type=int, metavar="COUNT", help="with a printer: messages it may send a day"
    )


def _scopes(text: str) -> frozenset[str]:
    found = frozenset(part.strip() for part in text.split(","))
    if not found <= frozenset(SCOPES):
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are {', '.join(SCOPES)}")
    return found


def _add_codes(commands: _Group) -> None:
    group = _group(commands, "codes", "Codes by text message and phone call.")
    test = _json(_command(group, "test", "code_commands:test", "Send one code and follow it."))
    test.add_argument("number", metavar="NUMBER", help="with the country code: +371…")
    test.add_argument("--call", action="store_true", help="by a phone call")


def _add_passwords(commands: _Group) -> None:
    group = _group(commands, "passwords", "Passwords that no account may have.")
    learn = _json(
        _command(
            group,
            "learn",
            "password_commands:learn",
            "Make the list of breached passwords of a file: one a line, or HASH:COUNT with SHA-1.",
            needs=CONFIG,
        )
    )
    learn.add_argument("file", type=Path, metavar="FILE")


def _add_looking(commands: _Group) -> None:
    _json(_command(commands, "check", "checking:run", "Say what is wrong.", needs=CONFIG))
    events = _json(
        _command(commands, "events", "event_commands:run", "Show what happened, oldest first.")
    )
    events.add_argument("--account", metavar="ADDRESS", help="of this account only")
    events.add_argument(
        "--since", metavar="TIME", help="2026-05-31, 2026-05-31T08:00:00Z, 30m, 12h or 7d (24h)"
    )
    events.add_argument("--follow", action="store_true", help="go on until interrupted")
    report = _group(commands, "report", "What was seen of all accounts.")
    observe = _command(
        report,
        "observe",
        "reporting:observe",
        "Say who would be refused if 2-Step Verification were enforced for mail now.",
    )
    form = observe.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--csv", action="store_true", help="print a table for spreadsheets")
    bench = _command(commands, "bench", "serving:bench", "Measure, beside others.", needs=NOTHING)
    bench.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    bench.add_argument("--output", type=Path, metavar="FILE", help="write the results as JSON")


def _add_connecting(commands: _Group) -> None:
    connect = _json(
        _command(
            commands,
            "connect",
            "connecting:run",
            "Print the lines for your own mail server, and how to undo them; or prove them.",
            needs=NOTHING,
        )
    )
    connect.add_argument("server", metavar="SERVER", choices=SERVERS, help=", ".join(SERVERS))
    connect.add_argument(
        "--version", metavar="VERSION", help="for an ordinary server of this version, not yours"
    )
    connect.add_argument(
        "--conf", type=Path, metavar="PATH", help="its configuration, where that is elsewhere"
    )
    connect.add_argument(
        "--socket", metavar="ENDPOINT", help="where it asks: /path, or host:port on loopback"
    )
    connect.add_argument("--user", metavar="NAME", help="whom Sidegate runs as")
    connect.add_argument("--check", action="store_true", help="sign in on the running server")
    connect.add_argument(
        "--account", metavar="ADDRESS", help="with this account (one of its own is made otherwise)"
    )
    _password_option(connect)
    connect.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="PROTOCOL=HOST:PORT",
        help="sign in there (imap, imaps, pop3, …; repeatable)",
    )
    connect.add_argument(
        "--domain", action="append", default=[], metavar="NAME", help="with dns: this domain"
    )


def _add_keeping(commands: _Group) -> None:
    _json(
        _command(
            commands,
            "migrate",
            "serving:migrate",
            "Make the database, or bring it up to date.",
            needs=NOTHING,
        )
    )
    backup = _json(_command(commands, "backup", "backing_up:backup", "Back up, running or not."))
    _archive_options(backup)
    backup.add_argument("--with-mail", action="store_true", help="the private Dovecot's mail too")
    restore = _json(
        _command(
            commands,
            "restore",
            "restoring:restore",
            "Restore a backup into an empty data folder.",
            needs=NOTHING,
        )
    )
    _archive_options(restore)


def _archive_options(parser: Parser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--passphrase-stdin",
        action="store_true",
        required=True,
        help="read the passphrase of the keys from standard input, its first line",
    )


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments; raises `SystemExit` for help and usage errors."""
    return build_parser().parse_args(argv)
