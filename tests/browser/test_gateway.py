"""A person turns 2-step on with a code that went through a real Kannel to a real SMS centre."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.walking import press, sign_in, state_of_two_step
from child import Child, running
from peers import require
from senders.kannel import PASSWORD as KANNEL_PASSWORD
from senders.kannel import USERNAME, Kannel, running_kannel
from senders.smsc import Smsc, running_smsc

NUMBER = "+371 20 000 007"
ADDRESS = "kannel@example.test"


@pytest.fixture(scope="module")
def centre() -> Iterator[Smsc]:
    with running_smsc() as smsc:
        yield smsc


@pytest.fixture(scope="module")
def kannel(tmp_path_factory: pytest.TempPathFactory, centre: Smsc) -> Iterator[Kannel]:
    with running_kannel(tmp_path_factory.mktemp("kannel"), smpp=centre.port) as made:
        yield made


@pytest.fixture(scope="module")
def sidegate(tmp_path_factory: pytest.TempPathFactory, kannel: Kannel) -> Iterator[Child]:
    require("dovecot")
    gateway = f"""
[codes]
sms = "kannel"
voice = []
countries = ["LV"]

[gateway.kannel]
url = "{kannel.url}"
username = "{USERNAME}"
password = "{KANNEL_PASSWORD}"
sender = "Example"
"""
    with running(tmp_path_factory.mktemp("gateway") / "data", more=gateway) as child:
        yield child


def test_two_step_is_turned_on_through_kannel(
    page: Page, sidegate: Child, centre: Smsc, kannel: Kannel
) -> None:
    sidegate.add_account(ADDRESS, PASSWORD)
    sign_in(page, address=ADDRESS, password=PASSWORD)
    page.goto("/security/two-step")
    press(page, "Continue")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Next")
    page.get_by_label("Phone number").fill(NUMBER)
    press(page, "Next")

    arrived = centre.wait("submit")
    assert "+" + arrived["to"] == NUMBER.replace(" ", "")
    found = re.fullmatch(r"(\d{6}) is your Sidegate code\.\n\n@localhost #\1", arrived["text"])
    assert found, arrived
    look_at(page, "code-through-kannel")
    page.get_by_label("Code").fill(found[1])
    press(page, "Next")
    press(page, "Turn on")
    page.goto("/security")
    state_of_two_step(page, "On")

    written = "\n".join(sidegate.output) + kannel.logs()
    assert found[1] not in written
    assert not sidegate.codes()
    expect(page.get_by_text(found[1])).to_have_count(0)
    assert len(centre.submitted()) == 1


def test_check_proves_the_gateway_and_a_test_code_goes_through_it(
    sidegate: Child, centre: Smsc
) -> None:
    before = len(centre.submitted())
    assert "smsbox answered and knows the user" in sidegate.command("check", check=False).stdout
    assert len(centre.submitted()) == before
    sidegate.command("codes", "test", NUMBER)
    assert "+" + centre.wait("submit")["to"] == NUMBER.replace(" ", "")
