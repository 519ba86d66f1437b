"""The name by which submission tells which app password sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.decisions.relay import RELAY_USER, app_password_of, relay_user


@given(st.integers(1, 10**17))
def test_it_comes_back(app_password_id: int) -> None:
    assert app_password_of(relay_user(app_password_id)) == app_password_id


@pytest.mark.parametrize(
    "user", ["", RELAY_USER, "sidegate-", "sidegate-0", "sidegate-x", "sidegate-1\n", "other-1"]
)
def test_no_other_name_tells_of_one(user: str) -> None:
    assert app_password_of(user) is None
