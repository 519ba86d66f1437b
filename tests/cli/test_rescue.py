"""What `account show` tells of the ways into an account, and what takes some away."""

from __future__ import annotations

import json
import re
from argparse import Namespace

import pytest

from installation import OWNER, START, Installation
from portal.person import Person, text_of
from sidegate.accounts import backup_codes, second_steps, two_step
from sidegate.accounts.second_steps import NewAuthenticator, NewPasskey
from sidegate.cli import account_commands
from sidegate.cli.output import local_time
from sidegate.storage.models import Account, Event, Job

ANNA, ELSEWHERE = "anna@example.test", "anna@elsewhere.test"


@pytest.fixture
def anna(installation: Installation) -> Account:
    """With one of everything."""
    ctx, account = installation.context, installation.add(ANNA)
    two_step.turn_on(ctx, account=account, number="+37120000000", channel="sms", origin=OWNER)
    for new in (
        NewPasskey("Laptop", b"id", b"key", 0, "", user_verified=True, discoverable=True),
        NewAuthenticator("Old app", b"sealed-secret", 1),
    ):
        second_steps.add(ctx, account=account, new=new, origin=OWNER)
    backup_codes.turn_on(ctx, account=account, codes=["aaaa", "bbbb"], origin=OWNER)
    Account.objects.filter(pk=account.pk).update(recovery_address=ELSEWHERE)
    return account


@pytest.mark.usefixtures("anna")
def test_every_way_in_is_shown(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    account_commands.show(installation.context, Namespace(address=ANNA, json=False))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "Recovery address a•••@elsewhere.test" in lines
    told = f"added {local_time(START)}, never used"
    assert f"Passkey Laptop, {told}" in lines
    assert f"Authenticator app Old app, {told}" in lines
    assert f"Phone ••• •• 00, {told}" in lines
    assert f"Backup codes 2 left, {told}" in lines
    account_commands.show(installation.context, Namespace(address=ANNA, json=True))
    text = capsys.readouterr().out
    facts = json.loads(text)
    assert facts["recovery_address"] == "a•••@elsewhere.test"
    kinds = [(step["kind"], step["name"]) for step in facts["second_steps"]]
    assert kinds == [
        ("passkey", "Laptop"),
        ("authenticator", "Old app"),
        ("phone", ""),
        ("backup-codes", ""),
    ]
    assert facts["second_steps"][3]["left"] == 2
    assert facts["second_steps"][0]["last_used"] is None
    for secret in ("+37120000000", ELSEWHERE, "sealed-secret", "aaaa"):
        assert secret not in text


def test_the_recovery_address_is_removed_and_told(
    installation: Installation, anna: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = Namespace(address=ANNA, json=False)
    account_commands.recovery_address_remove(installation.context, asked)
    said = capsys.readouterr().out
    assert f"The recovery address of {ANNA} is removed: a•••@elsewhere.test." in said
    anna.refresh_from_db()
    assert anna.recovery_address == ""
    detail = json.loads(Event.objects.get(kind="recovery-address-removed").detail)
    assert detail == {"by": "operator", "name": "a•••@elsewhere.test"}
    # To her mailbox and to the address that it was, each twice.
    assert Job.objects.filter(subject__contains="recovery-address-removed").count() == 4
    account_commands.recovery_address_remove(installation.context, asked)
    assert f"{ANNA} had no recovery address." in capsys.readouterr().out
    asked = Namespace(address=ANNA, json=True)
    account_commands.recovery_address_remove(installation.context, asked)
    assert json.loads(capsys.readouterr().out) == {"address": ANNA, "removed": None}


def test_the_browsers_of_one_account_are_signed_out(
    installation_on_each: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    house = installation_on_each
    anna, bert = house.add(ANNA), house.add("bert@example.test")
    browsers = [Person(house) for _ in range(3)]
    for browser, account in zip(browsers, (anna, anna, bert), strict=True):
        browser.sign_in(address=account.address)
    for ended in (2, 0):
        account_commands.sign_out(house.context, Namespace(address=ANNA))
        assert f"Browsers of {ANNA} that were signed out: {ended}." in capsys.readouterr().out
    assert [browser.get("/security").status_code for browser in browsers] == [302, 302, 200]
    detail = json.loads(Event.objects.get(kind="web-all-ended").detail)
    assert detail == {"by": "operator", "browsers": 2}
    browsers[0].sign_in()
    told = text_of(browsers[0].get("/activity"))
    assert re.search(
        r"Every browser was signed out \S+ · 2 browsers · by whoever runs the mail server", told
    )
