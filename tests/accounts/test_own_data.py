"""What an owner takes with her: all that is told, nothing secret, nothing of anybody else."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.db import models

from installation import OWNER, PASSWORD, START, Installation
from sidegate.accounts import own_data
from sidegate.accounts.own_data import ACCOUNT, NOT_TOLD, PARTS, Part
from sidegate.events.catalogue import Kind
from sidegate.storage.models import Account, AppPassword, Event, Job

MARK = "zqSECRETqz"
PAGE = Path(__file__).parents[2] / "docs" / "owners" / "your-data.md"
MOMENT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def taken(here: Installation, account: Account) -> dict[str, Any]:
    pieces = own_data.take(here.context, account=account, origin=OWNER)
    told: dict[str, Any] = json.loads("".join(pieces))
    return told


def row_of(model: type[models.Model], account: Account, secret: tuple[str, ...] = ()) -> None:
    """A row with something in each of its columns; in the secret ones what must not be told."""
    values: dict[str, Any] = {}
    for column in model._meta.concrete_fields:
        if column.name == "account":
            values[column.name] = account
        elif isinstance(column, models.BinaryField):
            values[column.name] = f"{MARK}{account.pk}{column.name}".encode()
        elif column.name in secret:
            values[column.name] = f"{MARK}{account.pk}"
        elif isinstance(column, models.CharField | models.TextField):
            words = '{"by": "owner"}' if column.name == "detail" else f"{column.name}, {account.pk}"
            values[column.name] = words[: column.max_length]
        elif isinstance(column, models.BooleanField):
            values[column.name] = True
        elif not column.primary_key and not column.is_relation:
            values[column.name] = START if isinstance(column, models.BigIntegerField) else 7
    if model is AppPassword:
        values |= {"scopes": "imap,submission", "networks": "192.0.2.0/24, 2001:db8::/32"}
    model._default_manager.create(**values)


def test_all_of_it_and_no_secret(installation_on_each: Installation) -> None:
    here = installation_on_each
    anna = here.add()
    other = here.add("berta@example.test")
    Account.objects.filter(pk=anna.pk).update(
        recovery_address="anna@elsewhere.test", passkey_handle=MARK.encode(), two_step_since=START
    )
    for account in (anna, other):
        for part in PARTS:
            row_of(part.model, account, part.secret)
        for model in NOT_TOLD:
            row_of(model, account)
    told = taken(here, anna)
    assert (told["format"], told["version"]) == ("sidegate-own-data", 1)
    assert told["made_at"] == "2026-09-21T14:13:20.000Z"
    assert told["account"]["address"] == "anna@example.test"
    assert told["account"]["recovery_address"] == "anna@elsewhere.test"
    assert told["account"]["two_step_since"] == told["made_at"]
    assert told["account"]["locked_at"] is None
    for part in PARTS:
        rows = told[part.name]
        assert len(rows) == (3 if part.name == "events" else 1), part.name
        assert [*rows[0]] == [*part.told]
    text = json.dumps(told, ensure_ascii=False)
    for hidden in (MARK, MARK.encode().hex(), base64.b64encode(MARK.encode()).decode()[:-4]):
        assert hidden not in text
    assert PASSWORD not in text
    assert "argon2" not in text
    assert "berta" not in text
    assert f', {other.pk}"' not in text


def test_values_are_what_other_programs_read(installation: Installation) -> None:
    anna = installation.add()
    row_of(AppPassword, anna)
    row_of(own_data.PARTS[1].model, anna)
    told = taken(installation, anna)
    [password] = told["app_passwords"]
    assert password["scopes"] == ["imap", "submission"]
    assert password["networks"] == ["192.0.2.0/24", "2001:db8::/32"]
    assert password["revoked_at"] == "2026-09-21T14:13:20.000Z"
    added, downloaded = told["events"]
    assert (added["kind"], added["detail"]) == ("account-added", {"by": "operator"})
    assert (downloaded["kind"], downloaded["address"]) == ("data-downloaded", "192.0.2.7")
    for part in PARTS:
        for row in told[part.name]:
            for name, value in row.items():
                if name.endswith("_at") or name in {"at", "until"}:
                    assert value is None or MOMENT.fullmatch(value), (part.name, name, value)


def test_a_phone_that_was_never_preferred_says_so(installation: Installation) -> None:
    anna = installation.add()
    anna.phones.create(number="+37120000000", channel="sms", added_at=START)
    [phone] = taken(installation, anna)["phones"]
    assert (phone["number"], phone["preferred_at"]) == ("+37120000000", None)


def test_many_events_are_read_as_they_are_asked_for(installation_on_each: Installation) -> None:
    here = installation_on_each
    anna = here.add()
    Event.objects.bulk_create(
        Event(at=START + number, kind="mail-allowed", account=anna) for number in range(1203)
    )
    pieces = own_data.take(here.context, account=anna, origin=OWNER)
    first = next(pieces)
    # What happens meanwhile is in it too: nothing was read before its turn.
    Event.objects.create(at=START, kind="mail-master", account=anna)
    parts = [first, *pieces]
    assert max(part.count('"kind"') for part in parts) == 500
    kinds = [event["kind"] for event in json.loads("".join(parts))["events"]]
    assert kinds.count("mail-allowed") == 1203
    assert kinds[-2:] == ["data-downloaded", "mail-master"]


def test_it_is_told_twice_and_is_an_event(installation: Installation) -> None:
    anna = installation.add()
    taken(installation, anna)
    assert Event.objects.filter(kind=Kind.DATA_DOWNLOADED, account=anna).count() == 1
    assert Job.objects.filter(subject=f"notice:{anna.pk}:data-downloaded").count() == 2


@pytest.mark.parametrize("part", [ACCOUNT, *PARTS], ids=lambda part: part.name)
def test_the_page_says_what_it_holds(part: Part) -> None:
    [row] = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{part.name}`")]
    assert re.findall(r"`(\w+)`", row)[1:] == [*part.told]
