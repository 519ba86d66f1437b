"""`sidegate account …`."""

from __future__ import annotations

from argparse import Namespace

from django.db.models import Count, Max, Q

from sidegate.accounts import (
    grace,
    people,
    phone_numbers,
    recovery,
    recovery_address,
    recovery_rows,
    second_steps,
    two_step,
    undoing,
    web_sessions,
)
from sidegate.accounts.context import Context
from sidegate.accounts.grace import Grace
from sidegate.accounts.phone_numbers import masked
from sidegate.accounts.recovery_address import masked as masked_address
from sidegate.accounts.second_steps import SecondStep, StepKind
from sidegate.accounts.undoing import Thing
from sidegate.cli.app_password_commands import described, shown_rows
from sidegate.cli.errors import DONE
from sidegate.cli.output import local_time, print_facts, print_json, print_table, say
from sidegate.cli.people import OPERATOR, account_of
from sidegate.cli.secrets_in import new_password
from sidegate.storage.models import Account
from sidegate.wire.times import rfc3339


def add(ctx: Context, arguments: Namespace) -> int:
    """`account add`."""
    password = new_password(from_stdin=arguments.password_stdin)
    account = people.add(
        ctx,
        address=arguments.address,
        name=arguments.name,
        password=password,
        origin=OPERATOR,
    )
    say(f"Added {account.address}.")
    return DONE


def list_all(_ctx: Context, arguments: Namespace) -> int:
    """`account list`."""
    rows = Account.objects.order_by("address").annotate(
        active=Count("app_passwords", filter=Q(app_passwords__revoked_at=None)),
        last_used=Max("app_passwords__last_used_at"),
    )
    if arguments.json:
        print_json(
            [
                {**_facts(row), "app_passwords": row.active, "last_used": rfc3339(row.last_used)}
                for row in rows
            ]
        )
        return DONE
    print_table(
        ("ADDRESS", "NAME", "STATE", "2-STEP", "APP PASSWORDS", "LAST USED"),
        (
            (
                row.address,
                row.name,
                _state(row),
                "on" if row.two_step else "off",
                str(row.active),
                local_time(row.last_used),
            )
            for row in rows
        ),
    )
    return DONE


def show(ctx: Context, arguments: Namespace) -> int:
    """`account show`."""
    account = account_of(arguments.address)
    exceptions = grace.open_for(ctx, account)
    under_way = recovery_rows.under_way(ctx, account=account)
    phones = phone_numbers.phones(account)
    steps = second_steps.of(account)
    rows = account.app_passwords.order_by("id")
    if arguments.json:
        print_json(
            {
                **_facts(account),
                "two_step_since": rfc3339(account.two_step_since),
                "two_step_exceptions": [
                    {
                        "program": one.name,
                        "address": one.address,
                        "protocols": one.protocols,
                        "until": rfc3339(one.until),
                    }
                    for one in exceptions
                ],
                "lost_before_locking": undoing.lost_before_locking(account),
                "recovery": _recovery(under_way),
                "password_changed": rfc3339(account.password_changed_at),
                "password_given": account.password_given,
                "recovery_address": masked_address(account.recovery_address) or None,
                "phones": [
                    {
                        "number": masked(phone.number),
                        "channel": phone.channel,
                        "added": rfc3339(phone.added_at),
                    }
                    for phone in phones
                ],
                "second_steps": [_step(step) for step in steps],
                "app_passwords": [described(row, now=ctx.now()) for row in rows],
            }
        )
        return DONE
    given = ", not chosen by its owner" if account.password_given else ""
    since = f"on since {local_time(account.two_step_since)}" if account.two_step else "off"
    print_facts(
        [
            ("Address", account.address),
            ("Name", account.name or "-"),
            ("State", _state(account)),
            ("Added", local_time(account.created_at)),
            ("Password changed", local_time(account.password_changed_at) + given),
            ("2-Step Verification", since),
            *(("  except for", _exception(one)) for one in exceptions),
            *_lost_lines(account),
            *_recovery_lines(under_way),
            ("Operator", "yes" if account.is_operator else "no"),
            ("Recovery address", masked_address(account.recovery_address) or "none"),
            ("Second steps", "" if steps else "none"),
            *(("  " + str(second_steps.WORDS[step.kind]), _step_words(step)) for step in steps),
            ("App passwords", "" if rows else "none"),
        ]
    )
    if rows:
        shown_rows(rows, now=ctx.now())
    return DONE


def disable(ctx: Context, arguments: Namespace) -> int:
    """`account disable`."""
    return _set_enabled(ctx, arguments.address, enabled=False)


def enable(ctx: Context, arguments: Namespace) -> int:
    """`account enable`."""
    return _set_enabled(ctx, arguments.address, enabled=True)


def _set_enabled(ctx: Context, address: str, *, enabled: bool) -> int:
    account = account_of(address)
    changed = people.set_enabled(ctx, account=account, enabled=enabled, origin=OPERATOR)
    now = "enabled" if enabled else "disabled"
    say(f"{account.address} is {now}." if changed else f"{account.address} was {now} already.")
    if enabled and not account.two_step and Thing.TWO_STEP in undoing.lost_before_locking(account):
        say(
            "2-Step Verification is off: it was turned off before the account was locked. Have its "
            "owner turn it on again."
        )
    return DONE


def sign_out(ctx: Context, arguments: Namespace) -> int:
    """`account sign-out`."""
    account = account_of(arguments.address)
    ended = web_sessions.end_all(ctx, account=account, origin=OPERATOR)
    say(f"Browsers of {account.address} that were signed out: {ended}.")
    return DONE


def operator_on(ctx: Context, arguments: Namespace) -> int:
    """`account operator on`."""
    account = account_of(arguments.address)
    changed = people.set_operator(ctx, account=account, operator=True, origin=OPERATOR)
    say(f"{account.address} {'is' if changed else 'was'} operator{'' if changed else ' already'}.")
    if not account.two_step:
        say(f"The page {_operator_page(ctx)} opens once 2-Step Verification is on for it.")
    return DONE


def operator_off(ctx: Context, arguments: Namespace) -> int:
    """`account operator off`."""
    account = account_of(arguments.address)
    changed = people.set_operator(ctx, account=account, operator=False, origin=OPERATOR)
    say(f"{account.address} {'is no longer' if changed else 'was no'} operator.")
    return DONE


def _operator_page(ctx: Context) -> str:
    return ctx.config.server.url.rstrip("/") + "/operator"


def password(ctx: Context, arguments: Namespace) -> int:
    """`account password`."""
    account = account_of(arguments.address)
    people.change_password(
        ctx,
        account=account,
        password=new_password(from_stdin=arguments.password_stdin),
        keep_app_passwords=False,
        origin=OPERATOR,
    )
    say(f"{account.address} has a new password; its app passwords are revoked.")
    return DONE


def two_step_off(ctx: Context, arguments: Namespace) -> int:
    """`account two-step off`."""
    account = account_of(arguments.address)
    was_on = account.two_step
    revoked = two_step.turn_off(ctx, account=account, origin=OPERATOR)
    if arguments.json:
        print_json({"address": account.address, "was_on": was_on, "revoked": revoked})
    elif was_on:
        say(f"2-Step Verification of {account.address} is off; app passwords revoked: {revoked}.")
    else:
        say(f"2-Step Verification of {account.address} was off already.")
    return DONE


def recovery_address_remove(ctx: Context, arguments: Namespace) -> int:
    """`account recovery-address remove`."""
    account = account_of(arguments.address)
    was = account.recovery_address
    recovery_address.remove(ctx, account=account, origin=OPERATOR)
    if arguments.json:
        print_json({"address": account.address, "removed": masked_address(was) or None})
    elif was:
        say(f"The recovery address of {account.address} is removed: {masked_address(was)}.")
    else:
        say(f"{account.address} had no recovery address.")
    return DONE


def recovery_stop(ctx: Context, arguments: Namespace) -> int:
    """`account recovery stop`."""
    account = account_of(arguments.address)
    stopped = recovery.stop(ctx, account=account, origin=OPERATOR)
    if arguments.json:
        print_json({"address": account.address, "was_under_way": stopped})
    elif stopped:
        say(f"The recovery of {account.address} is stopped.")
    else:
        say(f"No recovery of {account.address} is under way.")
    return DONE


def _lost_lines(account: Account) -> list[tuple[str, str]]:
    lost = [str(undoing.WORDS[word]) for word in undoing.lost_before_locking(account)]
    return [("  lost before it was locked", ", ".join(lost))] if lost else []


def _step(step: SecondStep) -> dict[str, object]:
    facts: dict[str, object] = {"kind": step.kind.value, "name": step.name}
    if step.kind is StepKind.PHONE:
        facts |= {"number": masked(step.number), "channel": step.channel}
    if step.kind is StepKind.BACKUP_CODES:
        facts["left"] = step.left
    return {**facts, "added": rfc3339(step.added_at), "last_used": rfc3339(step.last_used_at)}


def _step_words(step: SecondStep) -> str:
    number = masked(step.number) if step.number else ""
    left = f"{step.left} left" if step.kind is StepKind.BACKUP_CODES else ""
    used = f"last used {local_time(step.last_used_at)}" if step.last_used_at else "never used"
    facts = (step.name, number, left, f"added {local_time(step.added_at)}", used)
    return ", ".join(fact for fact in facts if fact)


def _recovery_lines(found: recovery_rows.Open | None) -> list[tuple[str, str]]:
    if found is None:
        return []
    began = f"began {local_time(found.rule.began_at)} at {found.address or 'an unknown address'}"
    return [("Recovery", f"{began}, can be finished from {local_time(found.rule.ripe_at)} on")]


def _recovery(found: recovery_rows.Open | None) -> dict[str, str | None] | None:
    if found is None:
        return None
    return {
        "began": rfc3339(found.rule.began_at),
        "can_be_finished_from": rfc3339(found.rule.ripe_at),
        "until": rfc3339(found.rule.until),
        "program": found.program,
        "address": found.address,
    }


def _state(account: Account) -> str:
    if account.locked_at is not None:
        return "locked by its owner"
    return "enabled" if account.enabled else "disabled"


def _exception(one: Grace) -> str:
    protocols = ", ".join(one.protocols)
    return f"{one.name or 'a mail program'} ({protocols}) at {one.address}, until " + local_time(
        one.until
    )


def _facts(account: Account) -> dict[str, object]:
    return {
        "address": account.address,
        "name": account.name,
        "enabled": account.enabled,
        "locked": None if account.locked_at is None else rfc3339(account.locked_at),
        "two_step": account.two_step,
        "operator": account.is_operator,
        "created": rfc3339(account.created_at),
    }
