"""Mail sign-ins with the operator's own Dovecot as the directory, from end to end."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from her_dovecot import HerDovecot, HerUser, Kind, her_dovecot
from installation import OPERATOR, OWNER, Installation, install
from mail_desk import Answered, open_desk, real_now, run
from sidegate.accounts import (
    app_passwords,
    grace,
    mail_programs,
    people,
    two_step,
    web_sign_in,
)
from sidegate.accounts.app_password_choices import Choices
from sidegate.accounts.app_passwords import Made
from sidegate.accounts.errors import KeptElsewhere
from sidegate.accounts.web_sign_in import PasswordCannotTell, RightPassword, WrongPassword
from sidegate.config import UnixEndpoint
from sidegate.decisions.words import (
    Allow,
    CannotTell,
    CredentialKind,
    Reason,
    Refuse,
    Verdict,
    Why,
)
from sidegate.directory.dovecot import DovecotDirectory
from sidegate.storage import counters
from sidegate.storage.mail_models import WrongSecret
from sidegate.storage.models import Account, Event

DELAY = 0.3
ADA, BOSS = "ada@example.test", "boss@example.test"
PASSWORD, LETTERS = "ada's own password", "qrstuvwxyzabcdef"
HER_ADA = HerUser(ADA, PASSWORD, aliases=(BOSS,))
HER_OFF = HerUser("off@example.test", "off's own password", disabled=True)
HER_LETTERS = HerUser("letters@example.test", LETTERS)
HER_CARL = HerUser("carl", "carl's own password")
EVERYBODY = (HER_ADA, HER_OFF, HER_LETTERS, HER_CARL)


@pytest.fixture(scope="module", params=["passwd-file", "sql"])
def started(request: pytest.FixtureRequest) -> Iterator[HerDovecot]:
    kind: Kind = request.param
    with her_dovecot(kind, *EVERYBODY) as dovecot:
        yield dovecot


@pytest.fixture
def her(started: HerDovecot) -> HerDovecot:
    started.set_users(*EVERYBODY)
    return started


@pytest.fixture
def house(her: HerDovecot, tmp_path: Path) -> Installation:
    made = install(tmp_path / "data", toml=f"{her.toml}[policy]\nrefusal_delay = {DELAY}\n")
    directory = DovecotDirectory(auth=UnixEndpoint(her.auth), userdb=UnixEndpoint(her.userdb))
    made.context = dataclasses.replace(made.context, directory=directory)
    return made


def sign_in(house: Installation, *asked: tuple[str, str]) -> list[Answered]:
    async def ask() -> list[Answered]:
        async with open_desk(house) as desk:
            return await asyncio.gather(*(desk.ask(login, secret) for login, secret in asked))

    return run(ask())


def verdict(house: Installation, login: str, secret: str) -> Verdict:
    return sign_in(house, (login, secret))[0].verdict


def ada_with_two_step(house: Installation) -> tuple[Account, Made]:
    account = people.ensure(house.context, name=ADA, origin=OWNER)
    two_step.turn_on(
        house.context, account=account, number="+37120000000", channel="sms", origin=OWNER
    )
    made = app_passwords.make(
        house.context,
        account=account,
        app="mail",
        device="windows",
        choices=Choices(scopes=frozenset({"imap"})),
        origin=OWNER,
    )
    return account, made


def test_an_account_appears_at_its_first_sign_in(house: Installation) -> None:
    spellings = [ADA, "ADA@Example.Test", "ada+tag@example.test", BOSS]
    verdicts = {
        answered.verdict for answered in sign_in(house, *((s, PASSWORD) for s in spellings))
    }
    account = Account.objects.get()
    assert account.address == ADA
    assert verdicts == {Allow(account.pk, ADA, CredentialKind.ACCOUNT_PASSWORD, None, 1)}
    assert Event.objects.filter(kind="account-added", account=account).count() == 1
    assert verdict(house, "Carl", HER_CARL.password) == Allow(
        account.pk + 1, "carl", CredentialKind.ACCOUNT_PASSWORD, None, 1
    )


def test_nobody_else_makes_an_account(house: Installation) -> None:
    asked = [(ADA, "wrong"), ("no@example.test", "wrong"), (HER_OFF.name, HER_OFF.password)]
    asked += [
        ("\ud800", "x"),
        ("no name at all", "x"),
        (ADA, LETTERS),
        ("no@example.test", LETTERS),
    ]
    verdicts = [answered.verdict for answered in sign_in(house, *asked)]
    unknown = Refuse(Reason.UNKNOWN_ACCOUNT)
    disabled = Refuse(Reason.ACCOUNT_DISABLED)
    assert verdicts == [unknown, unknown, disabled, unknown, unknown, unknown, unknown]
    assert not Account.objects.exists()


def test_a_password_shaped_like_an_app_password_is_one_of_hers(house: Installation) -> None:
    assert isinstance(verdict(house, HER_LETTERS.name, LETTERS), Allow)


def test_no_spelling_and_no_alias_gets_around_two_step(
    house: Installation, her: HerDovecot
) -> None:
    account, made = ada_with_two_step(house)
    logins = [ADA, "ADA@example.test", "ada+tag@example.test", BOSS, "Boss@Example.test"]
    before = len(her.log())
    refused = sign_in(house, *((login, PASSWORD) for login in logins))
    refused += sign_in(house, *((login, LETTERS) for login in logins))
    no = Refuse(Reason.NOT_AN_APP_PASSWORD, account.pk)
    assert {answered.verdict for answered in refused} == {no}
    assert "assword mismatch" not in her.log()[before:], "no password of hers reaches the passdb"
    let_in = sign_in(house, *((login, made.secret) for login in logins))
    allowed = Allow(account.pk, ADA, CredentialKind.APP_PASSWORD, made.id)
    assert {answered.verdict for answered in let_in} == {allowed}
    assert Account.objects.count() == 1


def test_an_alias_that_was_an_account_before_is_decided_as_what_it_is_now(
    house: Installation,
) -> None:
    people.ensure(house.context, name=BOSS, origin=OWNER)
    account, made = ada_with_two_step(house)
    assert verdict(house, BOSS, PASSWORD) == Refuse(Reason.NOT_AN_APP_PASSWORD, account.pk)
    assert isinstance(verdict(house, BOSS, made.secret), Allow)


def test_gone_or_disabled_there_is_refused_here(house: Installation, her: HerDovecot) -> None:
    account, made = ada_with_two_step(house)
    assert isinstance(verdict(house, ADA, made.secret), Allow)
    her.set_users(dataclasses.replace(HER_ADA, disabled=True))
    assert verdict(house, ADA, made.secret) == Refuse(Reason.ACCOUNT_DISABLED, account.pk, made.id)
    her.set_users(HER_CARL)
    gone = Refuse(Reason.GONE_FROM_DIRECTORY, account.pk, made.id)
    assert verdict(house, ADA, made.secret) == gone
    assert not WrongSecret.objects.exists()
    assert verdict(house, ADA, PASSWORD) == Refuse(Reason.GONE_FROM_DIRECTORY, account.pk)
    her.set_users(*EVERYBODY)
    assert isinstance(verdict(house, ADA, made.secret), Allow)


def test_disabled_by_command_is_refused(house: Installation) -> None:
    account, made = ada_with_two_step(house)
    people.set_enabled(house.context, account=account, enabled=False, origin=OPERATOR)
    refused = Refuse(Reason.ACCOUNT_DISABLED, account.pk, made.id)
    assert verdict(house, ADA, made.secret) == refused


def test_a_stopped_directory_is_no_wrong_password(house: Installation, her: HerDovecot) -> None:
    account, made = ada_with_two_step(house)
    asked = [(ADA, made.secret), (ADA, PASSWORD), (BOSS, "wrong"), ("no@example.test", "wrong")]
    her.stop()
    try:
        answers = sign_in(house, *asked)
        origin = dataclasses.replace(OWNER)
        web = web_sign_in.check_password(house.context, login=ADA, secret="x", origin=origin)
    finally:
        her.start()
    known, unknown = CannotTell(Why.OUTAGE, account.pk), CannotTell(Why.OUTAGE)
    assert [answered.verdict for answered in answers] == [known, known, unknown, unknown]
    assert all(answered.after < DELAY for answered in answers), "an outage is told at once"
    assert web == PasswordCannotTell(Why.OUTAGE)
    assert not WrongSecret.objects.exists()
    assert isinstance(verdict(house, ADA, made.secret), Allow)


def test_who_guesses_is_throttled_before_the_directory_is_asked(
    house: Installation, her: HerDovecot
) -> None:
    account, made = ada_with_two_step(house)
    sign_in(house, *((HER_CARL.name, f"wrong {number}") for number in range(10)))
    her.stop()
    try:
        assert verdict(house, HER_CARL.name, "wrong again") == CannotTell(Why.THROTTLED)
    finally:
        her.start()
    sign_in(house, *((ADA, f"wrong {number}") for number in range(10)))
    assert verdict(house, ADA, "wrong again") == CannotTell(Why.THROTTLED, account.pk)
    assert isinstance(verdict(house, BOSS, made.secret), Allow), "rule 5, under an alias too"


def test_refusals_leave_together_once_it_is_known_how_long_hers_take(house: Installation) -> None:
    account, _ = ada_with_two_step(house)

    async def ask() -> list[Answered]:
        async with open_desk(house) as desk:
            first = await desk.ask(HER_CARL.name, "wrong")
            assert DELAY < first.after < 4, "a later answer leaves at once"
            secrets = [(ADA, PASSWORD), ("no@example.test", "x")]
            return await asyncio.gather(*(desk.ask(*pair) for pair in secrets))

    answers = run(ask())
    assert answers[0].verdict == Refuse(Reason.NOT_AN_APP_PASSWORD, account.pk)
    assert all(1 < answered.after < 3 for answered in answers)
    assert abs(answers[0].after - answers[1].after) < 0.1


def test_the_portal_asks_the_same_directory(house: Installation) -> None:
    def check(login: str, secret: str) -> object:
        return web_sign_in.check_password(house.context, login=login, secret=secret, origin=OWNER)

    first = check(BOSS, PASSWORD)
    account = Account.objects.get()
    assert first == RightPassword(account)
    assert account.address == ADA
    assert check("Ada@Example.test", PASSWORD) == RightPassword(account)
    assert check(ADA, "wrong") == WrongPassword()
    assert check("no@example.test", "wrong") == WrongPassword()
    assert check("no name", "wrong") == WrongPassword()
    assert check(HER_OFF.name, HER_OFF.password) == WrongPassword()
    assert Account.objects.count() == 1
    people.set_enabled(house.context, account=account, enabled=False, origin=OPERATOR)
    assert check(ADA, PASSWORD) == WrongPassword()
    reasons = list(Event.objects.filter(kind="web-refused").order_by("pk").values_list("reason"))
    assert [reason for (reason,) in reasons] == [
        "wrong-password",
        "unknown-account",
        "unknown-account",
        "unknown-account",
        "account-disabled",
    ]


def test_passwords_are_not_kept_here(house: Installation) -> None:
    account = people.ensure(house.context, name=ADA, origin=OWNER)
    with pytest.raises(KeptElsewhere):
        house.add("new@example.test")
    with pytest.raises(KeptElsewhere):
        people.change_password(
            house.context,
            account=account,
            password="another good one",
            keep_app_passwords=True,
            origin=OWNER,
        )
    assert account.password_hash == ""


def test_a_listed_master_opens_anybodys_mail_and_is_recorded(
    her: HerDovecot, tmp_path: Path
) -> None:
    listed = her.toml + 'masters = ["gate"]\n[policy]\nrefusal_delay = 0.3\n'
    house = install(tmp_path / "listed", toml=listed)
    directory = DovecotDirectory(auth=UnixEndpoint(her.auth), userdb=UnixEndpoint(her.userdb))
    house.context = dataclasses.replace(house.context, directory=directory)
    secret = "a master's secret"
    assert verdict(house, f"{ADA}*gate", secret) == Allow(None, ADA, CredentialKind.MASTER, None)
    assert not Account.objects.exists(), "a master makes no account"
    account, _ = ada_with_two_step(house)
    allowed = Allow(account.pk, ADA, CredentialKind.MASTER, None)
    assert verdict(house, "Boss@example.test*gate", secret) == allowed

    async def by_authzid(authzid: str, given: str) -> Verdict:
        async with open_desk(house) as desk:
            return (await desk.ask("gate", given, authzid=authzid)).verdict

    assert run(by_authzid(ADA, secret)) == allowed
    refused = Refuse(Reason.NOT_A_MASTER, account.pk)
    assert run(by_authzid(ADA, "wrong")) == refused
    assert run(by_authzid("no@example.test", secret)) == Refuse(Reason.UNKNOWN_ACCOUNT)
    assert verdict(house, f"{ADA}*gate", PASSWORD) == refused
    assert verdict(house, f"{ADA}*other", secret) == Refuse(Reason.UNKNOWN_ACCOUNT)
    assert Event.objects.filter(kind="mail-master", account=account).count() == 2


def test_a_master_who_is_not_listed_is_refused(house: Installation) -> None:
    account, _ = ada_with_two_step(house)
    secret = "a master's secret"
    assert verdict(house, f"{ADA}*gate", secret) == Refuse(Reason.NOT_AN_APP_PASSWORD, account.pk)

    async def by_authzid() -> Verdict:
        async with open_desk(house) as desk:
            return (await desk.ask("gate", secret, authzid=ADA)).verdict

    assert run(by_authzid()) == Refuse(Reason.NOT_A_MASTER)


@pytest.mark.parametrize("ask", [False, True], ids=["not asked", "asked"])
def test_a_refused_password_is_judged_there_where_the_operator_says_so(
    her: HerDovecot, tmp_path: Path, *, ask: bool
) -> None:
    asks = f"[notices]\nask_directory = {str(ask).lower()}\n"
    toml = f"{her.toml}[policy]\nrefusal_delay = {DELAY}\n{asks}"
    house = install(tmp_path / "asking", toml=toml)
    directory = DovecotDirectory(auth=UnixEndpoint(her.auth), userdb=UnixEndpoint(her.userdb))
    house.context = dataclasses.replace(house.context, directory=directory)
    ada = people.ensure(house.context, name=ADA, origin=OWNER)
    two_step.turn_on(house.context, account=ada, number="+37120000000", channel="sms", origin=OWNER)
    counters.mark(account_id=ada.pk, network="192.0.2.0/24", now=real_now())

    async def try_all() -> None:
        async with open_desk(house) as desk:
            for secret in ("a wrong one", PASSWORD):
                verdict = await desk.verdict(BOSS, secret)  # an alias is the account
                assert verdict == Refuse(Reason.NOT_AN_APP_PASSWORD, ada.pk)
                await asyncio.gather(*desk.sign_in._second_looks._tasks)

    run(try_all())
    assert Event.objects.filter(kind="mail-password-right", account=ada).count() == ask


def test_a_grace_window_lets_her_directory_judge_again(
    house: Installation, her: HerDovecot
) -> None:
    policy = dataclasses.replace(house.context.config.policy, grace_days=14)
    config = dataclasses.replace(house.context.config, policy=policy)
    house.context = dataclasses.replace(house.context, config=config, now=real_now)
    assert isinstance(verdict(house, BOSS, PASSWORD), Allow)
    account = Account.objects.get()
    two_step.turn_on(
        house.context,
        account=account,
        number="+37120000000",
        channel="sms",
        origin=OWNER,
        exceptions=mail_programs.lately(account.pk, now=real_now()),
    )
    [given] = grace.open_for(house.context, account)
    for login in (ADA, BOSS):
        allowed = verdict(house, login, PASSWORD)
        assert isinstance(allowed, Allow)
        assert (allowed.account, allowed.window_id) == (ADA, given.ids[0])
    assert verdict(house, BOSS, "wrong") == Refuse(Reason.WRONG_PASSWORD, account.pk)
    grace.end(house.context, account=account, key=given.key, origin=OWNER)
    before = len(her.log())
    no = Refuse(Reason.NOT_AN_APP_PASSWORD, account.pk)
    assert verdict(house, BOSS, PASSWORD) == no
    assert "assword mismatch" not in her.log()[before:]
