"""What an owner may choose for an app password, and what each kind of device needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sidegate.accounts.context import Context
from sidegate.accounts.errors import AccountError
from sidegate.decisions import networks
from sidegate.decisions.names import canonical
from sidegate.decisions.networks import Network, NoNetwork
from sidegate.decisions.words import MAIL_SCOPES, Protocol
from sidegate.events.catalogue import tidy
from sidegate.storage.models import Account, AppPassword

PRINTER = "printer"
PROFILES: dict[str, frozenset[str]] = {
    PRINTER: frozenset({Protocol.SUBMISSION}),
    "backup": frozenset({Protocol.IMAP}),
}
"""Devices that need less than everything: they get no more."""

MOST_A_DAY = 10_000
"""The highest number of messages a day that can be chosen."""
LONGEST_NAME = 80
_SCOPES: dict[str, Promise] = {
    Protocol.IMAP: _("Reads by IMAP"),
    Protocol.POP3: _("Reads by POP3"),
    Protocol.SUBMISSION: _("Sends"),
}


class BadChoice(AccountError):  # noqa: N818 - named for what was wrong
    """One of the choices cannot be; `choice` names it."""

    def __init__(self, choice: str, text: str | Promise) -> None:
        super().__init__(text)
        self.choice = choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What may be chosen beyond app and device."""

    scopes: frozenset[str] = frozenset()
    """Protocols; empty: what the device needs."""
    expires_at: int | None = None
    networks: tuple[Network, ...] = ()
    sender: str = ""
    """The one address that a scanner or printer may send as; empty: any of its owner's."""
    daily_most: int | None = None
    """Messages that a scanner or printer may send a day, one for each recipient."""


USUAL = Choices()


def choices_of(row: AppPassword) -> Choices:
    """What was chosen for one that is there."""
    return Choices(
        scopes=frozenset(row.scopes.split(",")),
        expires_at=row.expires_at,
        networks=networks.stored(row.networks),
        sender=row.sender,
        daily_most=row.daily_most,
    )


def lets_do_more(before: Choices, after: Choices) -> bool:
    """Whether an app password may do anything after a change that it might not do before."""
    return (
        not after.scopes <= before.scopes
        or _higher(before.expires_at, after.expires_at)
        or (bool(before.networks) and not networks.all_within(after.networks, before.networks))
        or before.sender not in ("", after.sender)
        or _higher(before.daily_most, after.daily_most)
    )


def _higher(before: int | None, after: int | None) -> bool:
    """Whether a limit, if there was one, was raised or taken away."""
    return before is not None and (after is None or after > before)


def checked(ctx: Context, choices: Choices, *, account: Account, device: str) -> Choices:
    """The choices with the device's scopes; raises `BadChoice`."""
    if choices.expires_at is not None and choices.expires_at <= ctx.now():
        raise BadChoice("expires", _("This day is over. Choose a later one."))
    if len(choices.networks) > networks.MOST:
        text = _("These are more than %(count)s networks. Leave some out.")
        raise BadChoice("networks", text % {"count": networks.MOST})
    _check_sending(ctx, choices, account=account, device=device)
    return replace(choices, scopes=_scopes(choices.scopes, device))


def scopes_written(scopes: frozenset[str]) -> str:
    """Scopes as they are stored, in their usual order."""
    return ",".join(scope for scope in MAIL_SCOPES if scope in scopes)


def scopes_in_words(stored: str) -> list[str]:
    """What stored scopes let an app password do."""
    return [str(_SCOPES[scope]) for scope in stored.split(",")]


def networks_in(text: str) -> tuple[Network, ...]:
    """The networks that somebody wrote; raises `BadChoice`."""
    try:
        return networks.parse(text)
    except NoNetwork as problem:
        shown = {"text": problem.text[:60], "network": problem.meant}
    if shown["network"] is not None:
        said = _(
            "“%(text)s” is one address of a network. Write %(network)s for the whole network, "
            "or the address without what stands behind the slash."
        )
    else:
        said = _(
            "“%(text)s” is neither an address nor a network. "
            "Write it like 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32."
        )
    raise BadChoice("networks", said % shown)


def name_in(text: str) -> str:
    """A name that somebody wrote, on one line; raises `BadChoice`."""
    name = tidy(text)
    if len(name) > LONGEST_NAME:
        said = _("This name is too long. Use at most %(count)s characters.")
        raise BadChoice("name", said % {"count": LONGEST_NAME})
    return name


def end_of(day: date) -> int:
    """When a day is over, by the clock of this machine."""
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time())
    return int(midnight.astimezone().timestamp() * 1000)


def holds_senders(ctx: Context) -> bool:
    """Whether the mail goes through Sidegate, which can hold it to a sender and a number."""
    return ctx.config.mailserver.private


def _scopes(wanted: frozenset[str], device: str) -> frozenset[str]:
    needed = PROFILES.get(device)
    if needed is None:
        return wanted or frozenset(MAIL_SCOPES)
    if not wanted <= needed:
        text = _(
            "A scanner or printer only sends, and a backup program only reads by IMAP. "
            "Tick nothing here, or select another device."
        )
        raise BadChoice("scopes", text)
    return needed


def _check_sending(ctx: Context, choices: Choices, *, account: Account, device: str) -> None:
    if not choices.sender and choices.daily_most is None:
        return
    choice = "sender" if choices.sender else "daily_most"
    if device != PRINTER:
        raise BadChoice(choice, _("This is only for a scanner or printer. Leave it empty."))
    if not holds_senders(ctx):
        raise BadChoice(
            choice, _("The mail server that sends here cannot keep to this. Leave it empty.")
        )
    if choices.sender and canonical(choices.sender) != account.address:
        local, _at, domain = account.address.partition("@")
        text = _("This is not your address. Write %(own)s, or one like %(tagged)s.")
        shown = {"own": account.address, "tagged": f"{local}+scanner@{domain}"}
        raise BadChoice("sender", text % shown)
    if choices.daily_most is not None and not 1 <= choices.daily_most <= MOST_A_DAY:
        text = _("Write a number from 1 to %(most)s.")
        raise BadChoice("daily_most", text % {"most": MOST_A_DAY})
