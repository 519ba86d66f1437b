"""The text of a code: one SMS where it can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from installation import OWNER, install
from sidegate.accounts.code_orders import KIND, CodeOrder, order
from sidegate.accounts.queue import payload_of
from sidegate.storage import jobs

END = ": 123456\n\n@localhost #123456"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Šķūņa pasts", f"Šķūņa pasts kods{END}"),
        (
            "Šķūņa un kalna pasta un lielo vēstuļu nams",
            f"Skuna un kalna pasta un lielo vestulu nams kods{END}",
        ),
    ],
    ids=["fits", "fits-without-marks"],
)
def test_a_text_is_made_to_fit_into_one_sms(tmp_path: Path, name: str, text: str) -> None:
    house = install(tmp_path / "data", toml=f'[server]\nname = "{name}"\n')
    house.context.bell.answered_by(None)
    account = house.add()
    now = house.clock()
    order(
        house.context,
        subject="",
        account_id=account.pk,
        number="+37120000007",
        channel="sms",
        code="123456",
        language="lv",
        expires_at=now + 600_000,
        origin=OWNER,
    )
    (job,) = jobs.take(kinds=[KIND], most=2, now=now)
    assert CodeOrder.from_bytes(payload_of(house.context, job)).text == text
