"""`account_password_for_mail = "always-app-password"`: app passwords without 2-step."""

from __future__ import annotations

from pathlib import Path

import pytest

from installation import OWNER, PASSWORD, Installation, install
from mail_desk import GivenJudge, open_desk, run
from sidegate.accounts import app_passwords
from sidegate.decisions.mail import PasswordCheck
from sidegate.decisions.words import Allow, Reason, Refuse, Verdict

TOML = '[policy]\naccount_password_for_mail = "always-app-password"\nrefusal_delay = 0.05\n'


@pytest.fixture
def house(tmp_path: Path) -> Installation:
    return install(tmp_path / "data", toml=TOML)


def test_app_passwords_work_and_account_passwords_do_not(house: Installation) -> None:
    account = house.add()
    assert app_passwords.why_not(house.context, account) is None
    made = app_passwords.make(
        house.context, account=account, app="other", device="mac", origin=OWNER
    )
    judge = GivenJudge(PasswordCheck.RIGHT)

    async def ask() -> list[Verdict]:
        async with open_desk(house, judge) as desk:
            logins = [account.address, account.address, "no@example.test"]
            secrets = [made.secret, PASSWORD, PASSWORD]
            return [
                await desk.verdict(login, secret)
                for login, secret in zip(logins, secrets, strict=True)
            ]

    right, known, unknown = run(ask())
    assert isinstance(right, Allow)
    assert right.app_password_id == made.id
    assert known == Refuse(Reason.NOT_AN_APP_PASSWORD, account.pk)
    assert unknown == Refuse(Reason.UNKNOWN_ACCOUNT)
    assert judge.asked == [], "nobody's password is hashed: no load tells known from unknown"
