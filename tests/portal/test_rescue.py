"""An account that a thief was in, from his first change to its owner's coming back.

He knows the password, and sat down at her open browser. The operator does what
docs/operators/notices.md says.
"""

from __future__ import annotations

import io
import sys
from argparse import Namespace
from types import SimpleNamespace

import pytest

from installation import OWNER, PASSWORD
from portal import test_passkeys
from portal.person import ADDRESS, Person, text_of
from portal.test_password_reset import NEW, answer_askers
from sidegate.accounts import backup_codes, notices, recovery_address
from sidegate.accounts.notices import Notice, unpacked
from sidegate.accounts.queue import payload_of
from sidegate.cli import account_commands
from sidegate.events.catalogue import Kind
from sidegate.storage import jobs
from sidegate.storage.models import Account, Job
from soft_key import SoftKey

HERS, HIS = "anna@home.test", "thief@evil.test"
HIS_CODE = "23456789ab"


def told(person: Person, kind: Kind) -> list[Notice]:
    """What waits to be sent of that kind, in its order."""
    later = person.here.clock() + notices.AGAIN_AFTER
    taken = jobs.take(kinds=[notices.JOB], most=100, now=later)
    Job.objects.update(taken_until=0)
    found = sorted(taken, key=lambda job: job.id)
    all_told = [unpacked(payload_of(person.here.context, job)) for job in found]
    return [one for one in all_told if one.kind == kind]


@pytest.fixture
def thief(two_step: Person, anna: Account) -> SoftKey:
    """His passkey; a recovery address and backup codes of his are there too."""
    ctx = two_step.here.context
    Account.objects.filter(pk=anna.pk).update(recovery_address=HERS)
    two_step.here.clock.forward(seconds=60)
    recovery_address.begin(ctx, account=anna, address=HIS, binding="b", origin=OWNER)
    [asked] = told(two_step, Kind.RECOVERY_ADDRESS_ASKED)
    recovery_address.confirm(ctx, account=anna, binding="b", code=asked.code, origin=OWNER)
    two_step.here.clock.forward(seconds=30)
    key = SoftKey()
    test_passkeys.add(two_step, key, name="His key")
    backup_codes.turn_on(ctx, account=anna, codes=[HIS_CODE], origin=OWNER)
    return key


def lock(person: Person) -> None:
    """Anna, by the first message that she gets."""
    [first, *_] = [one for one in told(person, Kind.RECOVERY_ADDRESS_SET) if one.to == ADDRESS]
    path = first.link.removeprefix(person.here.context.config.server.url)
    before = text_of(person.get(path))
    added = "Passkey · His key Backup codes Recovery address · t•••@evil.test"
    assert f"Added from then on: removed by locking {added}" in before
    words = "Changed from then on: put back by locking Recovery address · a•••@home.test"
    assert words in before
    assert "not put back" not in before
    assert person.post(path)["Location"] == "/locked"
    after = text_of(person.get("/locked"))
    assert "Passkey · His key" in after
    assert "put back by locking Recovery address · a•••@home.test" in after


def rescue(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator, once Anna has called."""
    ctx = person.here.context
    asked = Namespace(address=ADDRESS, json=False, password_stdin=True)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(NEW.encode() + b"\n")))
    assert account_commands.password(ctx, asked) == 0
    assert account_commands.enable(ctx, asked) == 0


def test_the_thief_is_out_and_she_is_in(
    two_step: Person,
    anna: Account,
    thief: SoftKey,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lock(two_step)
    rescue(two_step, monkeypatch)
    assert f"{ADDRESS} is enabled." in capsys.readouterr().out
    two_step.here.clock.forward(seconds=3601)

    him = Person(two_step.here)
    him.post("/signin/forgot", email=ADDRESS)
    answer_askers(two_step.here)
    assert [one.to for one in told(him, Kind.PASSWORD_RESET_ASKED)] == [HERS]
    asked = test_passkeys.options(him, test_passkeys.WHOLE)
    answer = thief.get(asked)
    assert him.post(test_passkeys.WHOLE, passkey=answer).status_code != 302
    assert him.sign_in(password=PASSWORD).status_code == 200
    # Even with the new password: what he set up is gone.
    assert him.sign_in(password=NEW)["Location"] == "/signin/code"
    assert him.post("/signin/backup-code", code=HIS_CODE).status_code == 200
    assert him.get("/security").status_code == 302

    two_step.here.clock.forward(seconds=3601)
    her = Person(two_step.here)
    assert her.sign_in(password=NEW)["Location"] == "/signin/code"
    assert her.post("/signin/code", code=her.here.sender.last_code)["Location"] == "/"
    page = text_of(her.get("/activity"))
    assert "A change was undone, as the account was locked" in page
    anna.refresh_from_db()
    assert anna.two_step


def test_what_is_gone_is_told(two_step: Person, capsys: pytest.CaptureFixture[str]) -> None:
    """He turns 2-step off: she reads so before and after the click, and the operator does."""
    two_step.here.clock.forward(seconds=60)
    two_step.post("/security/two-step/turn-off", password=PASSWORD)
    two_step.post("/security/two-step/turn-off", confirm="yes")
    [first, *_] = told(two_step, Kind.TWO_STEP_OFF)
    path = first.link.removeprefix(two_step.here.context.config.server.url)
    words = "Removed or turned off from then on: not put back 2-Step Verification"
    assert words in text_of(two_step.get(path))
    two_step.post(path)
    assert words in text_of(two_step.get("/locked"))
    ctx, asked = two_step.here.context, Namespace(address=ADDRESS, json=False)
    account_commands.enable(ctx, asked)
    assert "2-Step Verification is off" in capsys.readouterr().out
    account_commands.show(ctx, asked)
    assert "lost before it was locked  2-Step Verification" in capsys.readouterr().out
