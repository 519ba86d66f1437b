"""The first account, and the lines that tell where to go."""

from __future__ import annotations

from typing import TextIO

from sidegate.accounts import first_password, people
from sidegate.accounts.context import Context, Origin
from sidegate.config import Config, TcpEndpoint
from sidegate.factors import app_password
from sidegate.mailserver.places import Places
from sidegate.storage.models import Account

FIRST_ADDRESS = "you@localhost.test"
_PASSWORD_LETTERS = 20


def first_account(ctx: Context) -> str | None:
    """Add the first account where there is none; returns its password, `None` otherwise."""
    if ctx.directory is not None or Account.objects.exists():
        return None
    letters = app_password.generate(length=_PASSWORD_LETTERS, random=ctx.random)
    password = app_password.grouped(letters).replace(" ", "-")
    people.add(
        ctx,
        address=FIRST_ADDRESS,
        name="",
        password=password,
        origin=Origin(by="operator", program="sidegate serve"),
    )
    return password


def tell(config: Config, *, places: Places | None, password: str | None, out: TextIO) -> None:
    """Print where to go. Without a terminal the password goes to a file, not to a journal."""
    lines = [("Portal", config.server.url)]
    if places is not None:
        lines += _mail_lines(config)
    if password is not None:
        lines.append(("Sign in as", _signing_in(config, password, out)))
    if config.shows_codes_on_screen:
        lines.append(("Codes", _codes(config, out)))
    if places is not None and places.moved:
        lines.append(("Mail lies in", f"{places.mail} (its user cannot enter {config.data})"))
    for label, text in lines:
        print(f"{label:<13} {text}", file=out)
    out.flush()


def _mail_lines(config: Config) -> list[tuple[str, str]]:
    listen = config.listen
    wanted = (
        ("IMAP", listen.imaps, listen.imap),
        ("POP3", listen.pop3s, listen.pop3),
        ("Submission", listen.submissions, listen.submission),
    )
    lines = []
    for label, tls, starttls in wanted:
        offers = [
            f"{config.portal_host}:{endpoint.port} ({security})"
            for value, security in ((tls, "TLS"), (starttls, "STARTTLS"))
            if isinstance(endpoint := config.endpoint(value), TcpEndpoint)
        ]
        if offers:
            lines.append((label, ", ".join(offers)))
    return lines


def _signing_in(config: Config, password: str, out: TextIO) -> str:
    if out.isatty():
        return f"{FIRST_ADDRESS}   password  {password}"
    file = first_password.keep(config.data, address=FIRST_ADDRESS, password=password)
    return f"{FIRST_ADDRESS}   password  in {file}"


def _codes(config: Config, out: TextIO) -> str:
    page = f"{config.server.url.rstrip('/')}/phone"
    where = f"here and at {page}" if out.isatty() else f"at {page}"
    return f"appear {where} (no SMS gateway is set up)"
