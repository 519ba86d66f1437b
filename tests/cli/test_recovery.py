"""`account recovery stop`, and what `account show` tells of one."""

from __future__ import annotations

import json
from argparse import Namespace

import pytest

from installation import OWNER, Installation
from sidegate.accounts import recovery, two_step
from sidegate.cli import account_commands
from sidegate.storage.models import Event

ANNA = "anna@example.test"


def asked(*, as_json: bool) -> Namespace:
    return Namespace(address=ANNA, json=as_json)


def test_it_is_shown_and_stopped(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    ctx = installation.context
    anna = installation.add(ANNA)
    two_step.turn_on(ctx, account=anna, number="+37120000000", channel="sms", origin=OWNER)
    account_commands.show(ctx, asked(as_json=True))
    assert json.loads(capsys.readouterr().out)["recovery"] is None
    account_commands.recovery_stop(ctx, asked(as_json=False))
    assert f"No recovery of {ANNA} is under way." in capsys.readouterr().out
    recovery.begin(ctx, account=anna, origin=OWNER)
    account_commands.show(ctx, asked(as_json=False))
    shown = capsys.readouterr().out
    assert "Recovery" in shown
    assert OWNER.address in shown
    account_commands.show(ctx, asked(as_json=True))
    facts = json.loads(capsys.readouterr().out)["recovery"]
    assert (facts["program"], facts["address"]) == (OWNER.program, OWNER.address)
    assert facts["can_be_finished_from"] > facts["began"]
    account_commands.recovery_stop(ctx, asked(as_json=True))
    assert json.loads(capsys.readouterr().out) == {"address": ANNA, "was_under_way": True}
    assert json.loads(Event.objects.filter(kind="recovery-stopped").get().detail) == {
        "by": "operator"
    }
    assert not recovery.may_finish(
        ctx, account=anna, password_version=anna.password_version, token="", by_mail=True
    )
