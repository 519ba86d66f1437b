"""Actions on a data folder as other processes take them: JSON lines in, JSON lines out.

It stands for the pages of the portal, which have tests of their own. It sends no notices
into the mailboxes, unless told to: those who count messages count their own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sidegate.config import load_config
from sidegate.serve import setup

context = setup(load_config(Path(sys.argv[1])))
held_to_senders = context
if "tell" not in sys.argv[2:]:
    config = context.config
    config = replace(config, mailserver=replace(config.mailserver, private=False))
    context = replace(context, config=config)

from django.db import connection  # noqa: E402 - models need configured settings

from sidegate.accounts import (  # noqa: E402
    app_password_changes,
    app_passwords,
    grace,
    mail_programs,
    people,
    two_step,
)
from sidegate.accounts.app_password_choices import Choices, networks_in  # noqa: E402
from sidegate.accounts.context import Origin  # noqa: E402
from sidegate.storage.models import Account  # noqa: E402

OWNER = Origin(by="owner", address="192.0.2.7", program="test browser")


def add(*, address: str, password: str) -> dict[str, Any]:
    account = people.add(context, address=address, name="", password=password, origin=OWNER)
    return {"id": account.pk}


def two_step_on(*, address: str, go_on: bool = False) -> dict[str, Any]:
    account = Account.objects.get(address=address)
    programs = mail_programs.lately(account.pk, now=context.now())
    two_step.turn_on(
        context,
        account=account,
        number="+37120000001",
        channel="sms",
        origin=OWNER,
        exceptions=programs if go_on else (),
    )
    return {}


def programs_seen(*, address: str) -> dict[str, Any]:
    account = Account.objects.get(address=address)
    seen = mail_programs.lately(account.pk, now=context.now())
    return {"programs": [[program.name, *program.protocols] for program in seen]}


def end_exceptions(*, address: str) -> dict[str, Any]:
    account = Account.objects.get(address=address)
    for one in grace.open_for(context, account):
        grace.end(context, account=account, key=one.key, origin=OWNER)
    return {}


def two_step_off(*, address: str) -> dict[str, Any]:
    account = Account.objects.get(address=address)
    return {"revoked": two_step.turn_off(context, account=account, origin=OWNER)}


def app_password(
    *,
    address: str,
    scopes: list[str],
    device: str = "windows",
    networks: str = "",
    sender: str = "",
    daily_most: int | None = None,
    lasts: int | None = None,
) -> dict[str, Any]:
    ctx = replace(context, config=held_to_senders.config) if device == "printer" else context
    made = app_passwords.make(
        ctx,
        account=Account.objects.get(address=address),
        app="mail",
        device=device,
        choices=Choices(
            scopes=frozenset(scopes),
            networks=networks_in(networks),
            sender=sender,
            daily_most=daily_most,
            expires_at=None if lasts is None else context.now() + lasts,
        ),
        origin=OWNER,
    )
    return {"id": made.id, "secret": made.secret}


def revoke(*, address: str, app_password_id: int) -> dict[str, Any]:
    account = Account.objects.get(address=address)
    done = app_passwords.revoke(
        context, account=account, app_password_id=app_password_id, origin=OWNER
    )
    return {"revoked": done}


def pause(*, address: str, app_password_id: int, on: bool) -> dict[str, Any]:
    account = Account.objects.get(address=address)
    act = app_password_changes.pause if on else app_password_changes.resume
    return {"done": act(context, account=account, app_password_id=app_password_id, origin=OWNER)}


def may_do(*, address: str, app_password_id: int, protocols: list[str]) -> dict[str, Any]:
    account = Account.objects.get(address=address)
    row = account.app_passwords.get(pk=app_password_id)
    choices = Choices(scopes=frozenset(protocols))
    done = app_password_changes.change(
        context, account=account, row=row, label=row.label, choices=choices, origin=OWNER
    )
    return {"done": done}


def enable(*, address: str, enabled: bool) -> dict[str, Any]:
    account = Account.objects.get(address=address)
    people.set_enabled(context, account=account, enabled=enabled, origin=OWNER)
    return {}


def password(*, address: str, password: str, keep: bool) -> dict[str, Any]:
    account = Account.objects.get(address=address)
    people.change_password(
        context, account=account, password=password, keep_app_passwords=keep, origin=OWNER
    )
    return {}


TAKEN = (
    add, two_step_on, two_step_off, app_password, revoke, pause, may_do, enable, password,
    programs_seen, end_exceptions,
)  # fmt: skip
ACTIONS: dict[str, Callable[..., dict[str, Any]]] = {action.__name__: action for action in TAKEN}

for line in sys.stdin:
    asked = json.loads(line)
    answer = ACTIONS[asked.pop("action")](**asked)
    connection.close()  # nothing is held between two actions
    print(json.dumps(answer), flush=True)  # noqa: T201 - the answer
