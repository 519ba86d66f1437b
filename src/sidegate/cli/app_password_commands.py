"""`sidegate app-password …`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from sidegate.accounts import app_passwords
from sidegate.accounts.context import Context
from sidegate.cli.errors import DONE, Failure
from sidegate.cli.output import local_time, print_json, print_table, rfc3339, say, say_aside
from sidegate.cli.people import OPERATOR, account_of
from sidegate.storage.models import AppPassword


def add(ctx: Context, arguments: Namespace) -> int:
    """`app-password add`: the one command that prints a secret, once."""
    made = app_passwords.make(
        ctx,
        account=account_of(arguments.address),
        app=arguments.app,
        device=arguments.device,
        scopes=arguments.scope,
        origin=OPERATOR,
    )
    if arguments.json:
        print_json({"id": made.id, "password": made.secret})
        return DONE
    say(app_passwords.grouped(made.secret))
    say_aside(f"App password {made.id}. It is shown this once.")
    return DONE


def list_all(_ctx: Context, arguments: Namespace) -> int:
    """`app-password list`."""
    rows = account_of(arguments.address).app_passwords.order_by("id")
    if arguments.json:
        print_json([described(row) for row in rows])
    else:
        shown_rows(rows)
    return DONE


def revoke(ctx: Context, arguments: Namespace) -> int:
    """`app-password revoke`: one, or all of the account."""
    account = account_of(arguments.address)
    if arguments.id is None:
        count = app_passwords.revoke_all(ctx, account=account, origin=OPERATOR)
    elif app_passwords.revoke(ctx, account=account, app_password_id=arguments.id, origin=OPERATOR):
        count = 1
    else:
        raise Failure(
            f"{account.address} has no active app password {arguments.id}; "
            "sidegate app-password list shows them"
        )
    if arguments.json:
        print_json({"address": account.address, "revoked": count})
    else:
        say(f"App passwords of {account.address} revoked: {count}.")
    return DONE


def described(row: AppPassword) -> dict[str, object]:
    """What JSON says of an app password; there is no secret to tell."""
    return {
        "id": row.pk,
        "name": app_passwords.name(row),
        "app": row.app,
        "device": row.device,
        "scopes": row.scopes.split(","),
        "created": rfc3339(row.created_at),
        "last_used": rfc3339(row.last_used_at),
        "state": _state(row),
    }


def shown_rows(rows: Iterable[AppPassword]) -> None:
    """Print app passwords as a table."""
    print_table(
        ("ID", "NAME", "OPENS", "STATE", "CREATED", "LAST USED", "BY"),
        (
            (
                str(row.pk),
                app_passwords.name(row),
                row.scopes,
                _state(row),
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


def _state(row: AppPassword) -> str:
    return "active" if row.revoked_at is None else "revoked"
