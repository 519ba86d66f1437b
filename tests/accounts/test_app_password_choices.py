"""What an owner chooses for an app password, and changes about it later."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installation import OPERATOR, OWNER, START, Installation, install
from mail_desk import open_desk, run
from sidegate.accounts import activity, app_password_changes, app_passwords, two_step
from sidegate.accounts.app_password_choices import (
    PROFILES,
    USUAL,
    BadChoice,
    Choices,
    end_of,
    lets_do_more,
    networks_in,
)
from sidegate.accounts.app_passwords import Made, State
from sidegate.decisions.networks import holds
from sidegate.decisions.words import Allow, Protocol, Reason, Refuse, Verdict
from sidegate.storage.models import Account, AppPassword, Event, Job

DAY = 24 * 3600 * 1000


def owner(house: Installation) -> Account:
    account = house.add()
    two_step.turn_on(
        house.context, account=account, number="+37120000000", channel="sms", origin=OWNER
    )
    return account


def make(
    house: Installation,
    account: Account,
    device: str = "windows",
    choices: Choices = USUAL,
    name: str = "",
) -> Made:
    return app_passwords.make(
        house.context,
        account=account,
        app="mail",
        device=device,
        choices=choices,
        label=name,
        origin=OWNER,
    )


@pytest.mark.parametrize(
    ("device", "wanted", "scopes"),
    [
        ("windows", "", "imap,pop3,submission"),
        ("windows", "submission imap", "imap,submission"),
        ("printer", "", "submission"),
        ("printer", "submission", "submission"),
        ("backup", "", "imap"),
    ],
)
def test_each_device_gets_what_it_needs(
    installation: Installation, device: str, wanted: str, scopes: str
) -> None:
    account = owner(installation)
    make(installation, account, device, Choices(scopes=frozenset(wanted.split())))
    assert AppPassword.objects.get().scopes == scopes


@pytest.mark.parametrize(
    ("device", "choices", "choice"),
    [
        ("printer", Choices(scopes=frozenset({"imap"})), "scopes"),
        ("backup", Choices(scopes=frozenset({"imap", "submission"})), "scopes"),
        ("mac", Choices(expires_at=START), "expires"),
        ("mac", Choices(networks=networks_in(" ".join(f"192.0.2.{n}" for n in range(21)))),
         "networks"),
        ("mac", Choices(sender="anna@example.test"), "sender"),
        ("mac", Choices(daily_most=5), "daily_most"),
        ("printer", Choices(sender="berta@example.test"), "sender"),
        ("printer", Choices(sender="anna"), "sender"),
        ("printer", Choices(daily_most=0), "daily_most"),
        ("printer", Choices(daily_most=10_001), "daily_most"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_of_the_choice(
    installation: Installation, device: str, choices: Choices, choice: str
) -> None:
    account = owner(installation)
    with pytest.raises(BadChoice) as problem:
        make(installation, account, device, choices)
    assert problem.value.choice == choice
    assert str(problem.value.text).endswith(".")
    assert not AppPassword.objects.exists()


NETWORKS = st.sampled_from(["", "192.0.2.0/24", "192.0.2.0/25, 192.0.2.128/25", "2001:db8::/32"])
CHOICES = st.builds(
    Choices,
    scopes=st.frozensets(st.sampled_from(["imap", "pop3", "submission"]), min_size=1),
    expires_at=st.none() | st.integers(1, 4),
    networks=NETWORKS.map(networks_in),
    sender=st.sampled_from(["", "anna@example.test", "anna+scan@example.test"]),
    daily_most=st.none() | st.integers(1, 4),
)


def may(choices: Choices, *, protocol: str, at: int, address: str, sender: str, sent: int) -> bool:
    """Whether an app password with these choices could do it."""
    return (
        protocol in choices.scopes
        and (choices.expires_at is None or at < choices.expires_at)
        and (not choices.networks or holds(choices.networks, address))
        and choices.sender in ("", sender)
        and (choices.daily_most is None or sent < choices.daily_most)
    )


TRIED = st.fixed_dictionaries(
    {
        "protocol": st.sampled_from(["imap", "pop3", "submission"]),
        "at": st.integers(0, 5),
        "address": st.sampled_from(["192.0.2.7", "192.0.2.200", "198.51.100.7", "2001:db8::7"]),
        "sender": st.sampled_from(["anna@example.test", "anna+scan@example.test"]),
        "sent": st.integers(0, 5),
    }
)


@given(before=CHOICES, after=CHOICES, tried=TRIED)
def test_whatever_may_be_done_since_a_change_is_seen_by_it(
    before: Choices, after: Choices, tried: dict[str, Any]
) -> None:
    assert not lets_do_more(before, before)
    if may(after, **tried) and not may(before, **tried):
        assert lets_do_more(before, after)


def test_networks_are_refused_in_words() -> None:
    for text, said in (
        ("192.0.2.0/24, office", "“office” is neither an address nor a network"),
        ("192.0.2.9/24", "Write 192.0.2.0/24 for the whole network"),
    ):
        with pytest.raises(BadChoice, match=said):
            networks_in(text)


def test_a_server_that_is_not_ours_cannot_hold_a_scanner(installation: Installation) -> None:
    house = install(
        installation.context.config.data.parent / "hers", toml="[mailserver]\nprivate = false\n"
    )
    account = owner(house)
    for choices in (Choices(sender="anna@example.test"), Choices(daily_most=5)):
        with pytest.raises(BadChoice, match="cannot keep to this"):
            make(house, account, "printer", choices)
    make(house, account, "printer")


def test_a_day_ends_when_the_next_begins() -> None:
    today = datetime.fromtimestamp(START / 1000).astimezone().date()
    assert START < end_of(today) <= START + DAY + 3_600_000
    assert end_of(today - timedelta(days=1)) <= START
    assert end_of(date(2026, 5, 31)) < end_of(date(2026, 6, 1))


def test_the_life_of_one_with_choices(installation_on_each: Installation) -> None:
    house = installation_on_each
    account = owner(house)
    chosen = Choices(
        expires_at=START + DAY,
        networks=networks_in("192.0.2.0/24"),
        sender="anna+scan@example.test",
        daily_most=3,
    )
    made = make(house, account, "printer", chosen, name="  Old\nscanner ")
    [row] = app_passwords.active(account)
    assert app_passwords.name(row) == "Old scanner"
    assert (row.networks, row.sender, row.daily_most) == (
        "192.0.2.0/24", "anna+scan@example.test", 3,
    )  # fmt: skip
    assert app_passwords.state(row, now=START + DAY - 1) is State.ACTIVE
    assert app_passwords.state(row, now=START + DAY) is State.EXPIRED
    ctx = house.context

    def done(act: Callable[..., bool], **more: str) -> bool:
        return act(ctx, account=account, app_password_id=made.id, origin=OWNER, **more)

    assert done(app_password_changes.rename, name="")
    assert app_password_changes.change(
        ctx, account=account, row=row, label="", choices=USUAL, origin=OWNER
    )
    [row] = app_passwords.active(account)
    assert app_passwords.name(row) == "Mail · Scanner or printer"
    assert (row.networks, row.sender, row.daily_most, row.expires_at) == ("", "", None, None)
    assert row.scopes == "submission"
    assert done(app_password_changes.pause)
    assert not done(app_password_changes.pause), "paused already"
    assert app_passwords.state(app_passwords.active(account)[0], now=START) is State.PAUSED
    assert done(app_password_changes.resume)
    assert not done(app_password_changes.resume)
    assert done(app_passwords.revoke)
    for change in (app_password_changes.pause, app_password_changes.resume):
        assert not done(change)
    assert not done(app_password_changes.rename, name="x")
    assert app_passwords.state(AppPassword.objects.get(), now=START) is State.REVOKED
    assert [event.kind for event in activity.recent(account, limit=6)] == [
        "app-password-revoked",
        "app-password-resumed",
        "app-password-paused",
        "app-password-changed",
        "app-password-changed",
        "app-password-made",
    ]


def test_nobody_changes_what_is_anothers(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna, berta = owner(house), house.add("berta@example.test")
    made = make(house, anna)
    [row] = app_passwords.active(anna)
    for act, more in (
        (app_password_changes.pause, {}),
        (app_password_changes.rename, {"name": "x"}),
    ):
        changed: Callable[..., bool] = act
        assert not changed(
            house.context, account=berta, app_password_id=made.id, origin=OPERATOR, **more
        )
    assert not app_password_changes.change(
        house.context, account=berta, row=row, label="x", choices=USUAL, origin=OWNER
    )
    row.refresh_from_db()
    assert (row.paused_at, row.label) == (None, "")


def test_what_it_may_do_is_changed_and_holds_at_once(installation_on_each: Installation) -> None:
    house = installation_on_each
    account = owner(house)
    made = make(house, account)
    told_before = Job.objects.count()

    def scopes(*protocols: str) -> None:
        [row] = app_passwords.active(account)
        chosen = Choices(scopes=frozenset(protocols))
        assert app_password_changes.change(
            house.context, account=account, row=row, label="", choices=chosen, origin=OWNER
        )

    async def ask() -> None:
        async with open_desk(house) as desk:

            async def verdict(protocol: Protocol) -> Verdict:
                return await desk.verdict(account.address, made.secret, protocol=protocol)

            assert isinstance(await verdict(Protocol.IMAP), Allow)
            await desk.do(lambda: scopes("submission", "pop3"))
            assert await verdict(Protocol.IMAP) == Refuse(Reason.OUT_OF_SCOPE, account.pk, made.id)
            assert isinstance(await verdict(Protocol.SUBMISSION), Allow)
            await desk.do(lambda: scopes("imap"))
            assert isinstance(await verdict(Protocol.IMAP), Allow)
            assert isinstance(await verdict(Protocol.SUBMISSION), Refuse)

    run(ask())
    changed = Event.objects.filter(kind="app-password-changed").order_by("pk")
    assert [json.loads(event.detail)["scopes"] for event in changed] == ["pop3,submission", "imap"]
    # That it may do more is told, at once and again; that it may do less is in Activity.
    assert Job.objects.count() == told_before + 2
    scopes()
    assert app_passwords.active(account)[0].scopes == "imap"


@pytest.mark.parametrize(("device", "stored"), [("printer", "imap,submission"), ("backup", "imap")])
def test_a_device_that_needs_less_keeps_what_it_has(
    installation: Installation, device: str, stored: str
) -> None:
    account = owner(installation)
    make(installation, account, device)
    AppPassword.objects.update(scopes=stored)  # a printer's from before printers only sent
    needed = Choices(scopes=PROFILES[device])
    for choices in (USUAL, needed):
        [row] = app_passwords.active(account)
        assert app_password_changes.change(
            installation.context, account=account, row=row, label="", choices=choices, origin=OWNER
        )
        assert AppPassword.objects.get().scopes == stored
    with pytest.raises(BadChoice):
        app_password_changes.change(
            installation.context,
            account=account,
            row=row,
            label="",
            choices=Choices(scopes=frozenset({"pop3"})),
            origin=OWNER,
        )


def test_mail_programs_meet_the_choices(installation_on_each: Installation) -> None:
    house = installation_on_each
    account = owner(house)
    at_home = make(house, account, choices=Choices(networks=networks_in("192.0.2.0/24")))
    paused, lapsed, backup = (
        make(house, account),
        make(house, account),
        make(house, account, "backup"),
    )
    app_password_changes.pause(
        house.context, account=account, app_password_id=paused.id, origin=OWNER
    )
    AppPassword.objects.filter(pk=lapsed.id).update(expires_at=START)

    def refused(reason: Reason, made: Made) -> Refuse:
        return Refuse(reason, account.pk, made.id)

    async def ask() -> None:
        async with open_desk(house) as desk:

            async def verdict(made: Made, *, address: str = "192.0.2.7") -> Verdict:
                return (await desk.ask(account.address, made.secret, address=address)).verdict

            assert isinstance(await verdict(at_home), Allow)
            away = await verdict(at_home, address="198.51.100.1")
            assert away == refused(Reason.WRONG_NETWORK, at_home)
            assert await verdict(paused) == refused(Reason.APP_PASSWORD_PAUSED, paused)
            assert await verdict(lapsed) == refused(Reason.APP_PASSWORD_EXPIRED, lapsed)
            sends = await desk.verdict(account.address, backup.secret, protocol=Protocol.SUBMISSION)
            assert sends == refused(Reason.OUT_OF_SCOPE, backup)
            await desk.do(
                lambda: app_password_changes.resume(
                    house.context, account=account, app_password_id=paused.id, origin=OWNER
                )
            )
            assert isinstance(await verdict(paused), Allow)

    run(ask())
