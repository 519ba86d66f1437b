"""For whom 2-Step Verification holds, and what enforcing would change."""

from __future__ import annotations

import itertools

import pytest

from sidegate.decisions.mail import (
    AccountPasswordMode,
    AccountRecord,
    Facts,
    Missing,
    PasswordCheck,
    Policy,
    Presence,
    decide,
)
from sidegate.decisions.observing import Enforced, Outcome, outcome
from sidegate.decisions.throttle import Counters, Limits
from sidegate.decisions.words import Allow, Attempt, Protocol, Reason, Refuse

ANNA = "anna@example.test"
NOBODY = Enforced(everybody=False)
NO_FAILURES = Counters(pair=0, login=0, network=0, familiar=False)


@pytest.mark.parametrize(
    ("enforced", "address", "holds"),
    [
        (Enforced(), ANNA, True),
        (Enforced(), "", True),
        (NOBODY, ANNA, False),
        (Enforced(everybody=False, some=frozenset({ANNA})), ANNA, True),
        (Enforced(everybody=False, some=frozenset({ANNA})), "bert@example.test", False),
        (Enforced(everybody=False, some=frozenset({"@example.test"})), ANNA, True),
        (Enforced(everybody=False, some=frozenset({"@example.test"})), "a@x.example.test", False),
        (Enforced(everybody=False, some=frozenset({"@example.test"})), "anna", False),
        (Enforced(everybody=False, some=frozenset({"anna"})), "anna", True),
    ],
)
def test_for_whom(enforced: Enforced, address: str, holds: bool) -> None:  # noqa: FBT001 - a table
    assert enforced.holds_for(address) is holds


@pytest.mark.parametrize("directory", [False, True])
@pytest.mark.parametrize("mode", list(AccountPasswordMode))
@pytest.mark.parametrize("enforced", [True, False])
@pytest.mark.parametrize("two_step", [True, False])
def test_the_account_password_is_refused_where_it_is_enforced_alone(
    directory: bool,  # noqa: FBT001 - a table
    mode: AccountPasswordMode,
    enforced: bool,  # noqa: FBT001 - the same
    two_step: bool,  # noqa: FBT001 - the same
) -> None:
    some = frozenset({"@example.test"} if enforced else {"@example.org"})
    policy = Policy(mode, Limits(), directory, Enforced(everybody=False, some=some))
    account = AccountRecord(1, ANNA, True, two_step, "", 1)  # noqa: FBT003 - a record
    facts = Facts(
        account, None, NO_FAILURES, PasswordCheck.RIGHT, Presence.HERE, ANNA, ANNA
    )  # fmt: skip
    attempt = Attempt(ANNA, "secret", Protocol.IMAP, "192.0.2.1", "", True, "", "", 0)  # noqa: FBT003
    verdict = decide(attempt, facts, policy)
    refused = enforced and (two_step or mode is AccountPasswordMode.ALWAYS_APP_PASSWORD)
    if refused:
        assert verdict == Refuse(Reason.NOT_AN_APP_PASSWORD, 1)
    else:
        assert isinstance(verdict, Allow)
    # Of an address that is not there as much work is asked for as of one that is (rule 3).
    nobody = decide(attempt, facts._replace(account=None, password=None), policy)
    always = mode is AccountPasswordMode.ALWAYS_APP_PASSWORD
    hidden = Refuse(Reason.UNKNOWN_ACCOUNT) if enforced and always else Missing.PASSWORD
    assert nobody == hidden


def test_what_enforcing_does() -> None:
    credentials = ("account-password", "other", "app-password")
    mechanisms = ("PLAIN", "LOGIN", "", "CRAM-MD5", "SCRAM-SHA-256", "GSSAPI")
    for count, grace in itertools.product((True, False), repeat=2):
        for credential, mechanism in itertools.product(credentials, mechanisms):
            became = outcome(
                app_passwords_count=count, credential=credential, mechanism=mechanism, grace=grace
            )
            own = credential != "app-password"
            assert (became is Outcome.REFUSED) == (own and count and not grace)
            if became in (Outcome.GRACE, Outcome.TWO_STEP_OFF, Outcome.APP_PASSWORD):
                assert mechanism in ("PLAIN", "LOGIN", "")
                assert own or became is Outcome.APP_PASSWORD
                assert (became is Outcome.GRACE) == (own and grace)
