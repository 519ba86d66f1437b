"""`sidegate app-password …`."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable, Iterable
from datetime import date

from sidegate.accounts import app_password_changes, app_passwords
from sidegate.accounts.app_password_choices import Choices, end_of, networks_in
from sidegate.accounts.context import Context
from sidegate.cli.errors import DONE, USAGE, Failure
from sidegate.cli.output import local_time, print_json, print_table, say, say_aside
from sidegate.cli.people import OPERATOR, account_of
from sidegate.decisions.networks import stored
from sidegate.storage.models import Account, AppPassword
from sidegate.wire.times import rfc3339

_UNITS = {"h": 3_600_000, "d": 86_400_000}
_Switch = Callable[..., bool]


def add(ctx: Context, arguments: Namespace) -> int:
    """`app-password add`: the one command that prints a secret, once."""
    made = app_passwords.make(
        ctx,
        account=account_of(arguments.address),
        app=arguments.app,
        device=arguments.device,
        choices=Choices(
            scopes=arguments.scope,
            expires_at=_end(arguments.expires, now=ctx.now()) if arguments.expires else None,
            networks=networks_in(" ".join(arguments.network)),
            sender=arguments.sender,
            daily_most=arguments.daily,
        ),
        label=arguments.name,
        origin=OPERATOR,
    )
    if arguments.json:
        print_json({"id": made.id, "password": made.secret})
        return DONE
    say(app_passwords.grouped(made.secret))
    say_aside(f"App password {made.id}. It is shown this once.")
    return DONE


def _end(text: str, *, now: int) -> int:
    """When it expires, in milliseconds: after a day, or so long from now."""
    later = re.fullmatch(r"([0-9]{1,6})([hd])", text)
    if later:
        return now + int(later[1]) * _UNITS[later[2]]
    try:
        return end_of(date.fromisoformat(text))
    except (ValueError, OverflowError):
        raise Failure(
            f"--expires {text!r}: write the last day, 2026-05-31, or 12h or 30d", status=USAGE
        ) from None


def list_all(ctx: Context, arguments: Namespace) -> int:
    """`app-password list`."""
    rows = account_of(arguments.address).app_passwords.order_by("id")
    if arguments.json:
        print_json([described(row, now=ctx.now()) for row in rows])
    else:
        shown_rows(rows, now=ctx.now())
    return DONE


def pause(ctx: Context, arguments: Namespace) -> int:
    """`app-password pause`."""
    return _switch(ctx, arguments, app_password_changes.pause)


def resume(ctx: Context, arguments: Namespace) -> int:
    """`app-password resume`."""
    return _switch(ctx, arguments, app_password_changes.resume)


def _switch(ctx: Context, arguments: Namespace, act: _Switch) -> int:
    account = account_of(arguments.address)
    changed = act(ctx, account=account, app_password_id=arguments.id, origin=OPERATOR)
    row = _row(account, arguments.id)
    say(
        f"{app_passwords.name(row)} is {app_passwords.state(row, now=ctx.now())}"
        + ("." if changed else " already.")
    )
    return DONE


def rename(ctx: Context, arguments: Namespace) -> int:
    """`app-password rename`."""
    account = account_of(arguments.address)
    _row(account, arguments.id)
    app_password_changes.rename(
        ctx,
        account=account,
        app_password_id=arguments.id,
        name=arguments.name,
        origin=OPERATOR,
    )
    say(f"App password {arguments.id} is called {app_passwords.name(_row(account, arguments.id))}.")
    return DONE


def _row(account: Account, app_password_id: int) -> AppPassword:
    row = account.app_passwords.filter(pk=app_password_id, revoked_at=None).first()
    if row is None:
        raise _none_such(account, app_password_id)
    return row


def _none_such(account: Account, app_password_id: int) -> Failure:
    return Failure(
        f"{account.address} has no active app password {app_password_id}; "
        "sidegate app-password list shows them"
    )


def revoke(ctx: Context, arguments: Namespace) -> int:
    """`app-password revoke`: one, or all of the account."""
    account = account_of(arguments.address)
    if arguments.id is None:
        count = app_passwords.revoke_all(ctx, account=account, origin=OPERATOR)
    elif app_passwords.revoke(ctx, account=account, app_password_id=arguments.id, origin=OPERATOR):
        count = 1
    else:
        raise _none_such(account, arguments.id)
    if arguments.json:
        print_json({"address": account.address, "revoked": count})
    else:
        say(f"App passwords of {account.address} revoked: {count}.")
    return DONE


def described(row: AppPassword, *, now: int) -> dict[str, object]:
    """What JSON says of an app password; there is no secret to tell."""
    return {
        "id": row.pk,
        "name": app_passwords.name(row),
        "app": row.app,
        "device": row.device,
        "scopes": row.scopes.split(","),
        "created": rfc3339(row.created_at),
        "last_used": rfc3339(row.last_used_at),
        "state": app_passwords.state(row, now=now),
        "expires": rfc3339(row.expires_at),
        "networks": [str(network) for network in stored(row.networks)],
        "sender": row.sender or None,
        "daily": row.daily_most,
    }


def shown_rows(rows: Iterable[AppPassword], *, now: int) -> None:
    """Print app passwords as a table."""
    print_table(
        ("ID", "NAME", "OPENS", "STATE", "CREATED", "LAST USED", "BY"),
        (
            (
                str(row.pk),
                app_passwords.name(row),
                row.scopes,
                app_passwords.state(row, now=now),
                local_time(row.created_at),
                local_time(row.last_used_at),
                " ".join(
                    filter(
                        None,
                        (row.last_used_protocol, row.last_used_address, row.last_used_program),
                    )
                ),
            )
            for row in rows
        ),
    )
