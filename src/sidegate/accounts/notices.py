"""Notices: the owner of an account is told by mail what happened to it.

A notice is written as a job in the transaction of what it tells of: either both are there
or neither is. A notice that holds a link which locks goes out at once and once more ten
minutes later, so that a thief who deletes the first meets the second.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple, TypedDict, Unpack

from sidegate.accounts import languages, lock_links
from sidegate.accounts.context import Context, Origin
from sidegate.accounts.queue import add_job
from sidegate.decisions.throttle import DAY, HOUR
from sidegate.decisions.words import Attempt
from sidegate.events.catalogue import Kind, tidy
from sidegate.factors.digests import keyed_digest
from sidegate.storage import jobs
from sidegate.storage.models import Account

JOB = "notice"
"""The kind of job that carries a notice."""

AGAIN_AFTER = 600_000
"""Milliseconds after which a change is told once more."""

MOST_AN_HOUR = 5
"""Notices of one kind to one account within 60 minutes; what comes on top is on her pages."""

MOST_SIGN_INS_A_DAY = 3
"""The same for sign-ins from somewhere new, within 24 hours: whoever travels has many."""

_TRIED_FOR = 3 * DAY
_ID_BYTES = 12
_MAILBOX_DIGITS = 12


class Limit(NamedTuple):
    """So many notices of one kind within so many milliseconds."""

    most: int
    within: int


_LIMIT = Limit(MOST_AN_HOUR, HOUR)
_OF_SIGN_INS = Limit(MOST_SIGN_INS_A_DAY, DAY)
_LIMITS = {Kind.WEB_SIGNED_IN: _OF_SIGN_INS, Kind.MAIL_NEW_NETWORK: _OF_SIGN_INS}
_TOLD_ELSEWHERE_TOO = frozenset(
    {
        Kind.TWO_STEP_ON,
        Kind.TWO_STEP_OFF,
        Kind.SECOND_STEP_ADDED,
        Kind.SECOND_STEP_REMOVED,
        Kind.BACKUP_CODES_MADE,
        Kind.PHONE_CHANGED,
        Kind.PASSWORD_CHANGED,
        Kind.RECOVERY_STOPPED,
        Kind.RECOVERY_FINISHED,
    }
)
"""What may shut an owner out of her mailbox: her recovery address is told of it, too."""


class Facts(TypedDict, total=False):
    """What else a notice may tell; see `Notice`."""

    app: str
    device: str
    label: str
    step: str
    number: str
    protocol: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What one message tells. It travels sealed: `link` may open something."""

    kind: str
    """An event's kind."""
    to: str
    language: str
    message_id: str
    at: int
    by: str = "owner"
    address: str = ""
    program: str = ""
    """As it was said: whoever shows it takes out what could mislead."""
    protocol: str = ""
    app: str = ""
    device: str = ""
    label: str = ""
    """What its owner calls the app password; as `program`."""
    step: str = ""
    """Which kind of second step."""
    number: str = ""
    """Of a phone, masked."""
    code: str = ""
    account: str = ""
    """Whose account it is, where the message goes to another mailbox."""
    what: str = ""
    """What concerns the operator, in the words of its event."""
    link: str = ""
    again: bool = False
    """The second message about the same."""
    ripe_at: int = 0
    until: int = 0
    """Of a recovery: from when on, and until when, it can be finished."""
    time_zone: str = ""
    """Of the account, in which times are said; "" is that of this machine."""

    def __repr__(self) -> str:
        return f"Notice(kind={self.kind!r})"

    def packed(self) -> bytes:
        """As the payload of a job."""
        return json.dumps(asdict(self)).encode()


def unpacked(payload: bytes) -> Notice:
    """The notice of a job's payload."""
    return Notice(**json.loads(payload))


def tell_of_change(
    ctx: Context,
    *,
    account: Account,
    kind: Kind,
    origin: Origin,
    to: str = "",
    **facts: Unpack[Facts],
) -> None:
    """Tell of a change, twice, with a link that locks; inside the change's transaction.

    A sign-in from somewhere new is told like one. What may shut the owner out is told to her
    recovery address, too. `to` is one other mailbox, in place of all these.
    """
    elsewhere = account.recovery_address if kind in _TOLD_ELSEWHERE_TOO else ""
    for mailbox in [to] if to else filter(None, (account.address, elsewhere)):
        _tell_mailbox(ctx, account, kind, origin=origin, to=mailbox, facts=facts)


def _tell_mailbox(
    ctx: Context, account: Account, kind: Kind, *, origin: Origin, to: str, facts: Facts
) -> None:
    subject = _subject(account, kind)
    if to != account.address:  # it has a limit of its own
        parts = (to.encode(),)
        hidden = keyed_digest(key=ctx.keys.current, purpose=b"notice-mailbox", parts=parts)
        subject += f":{hidden.hex()[:_MAILBOX_DIGITS]}"
    if not _may_tell(ctx, kind, subject=subject, messages=2):
        return
    notice = Notice(
        kind=kind,
        to=to,
        account=account.address,
        language=languages.of_messages(ctx, account),
        time_zone=account.time_zone,
        message_id=message_id(ctx),
        at=ctx.now(),
        by=origin.by,
        address=tidy(origin.address)[:45],
        program=tidy(origin.program),
        **facts,
        link=lock_links.new_link(ctx, account=account),
    )
    send(ctx, account=account, notice=notice, subject=subject)
    again = replace(notice, again=True, message_id=message_id(ctx))
    due_at = notice.at + AGAIN_AFTER
    send(ctx, account=account, notice=again, subject=subject, due_at=due_at)


def send_code(ctx: Context, *, account: Account, to: str, code: str, expires_at: int) -> bool:
    """Send a code to what shall become a recovery address; False after too many an hour."""
    kind = Kind.RECOVERY_ADDRESS_ASKED
    subject = _subject(account, kind)
    if not _may_tell(ctx, kind, subject=subject, messages=1):
        return False
    notice = Notice(
        kind=kind,
        to=to,
        account=account.address,
        language=languages.of_messages(ctx, account),
        message_id=message_id(ctx),
        at=ctx.now(),
        code=code,
    )
    send(ctx, account=account, notice=notice, subject=subject, until=expires_at)
    return True


def tell_of_program(ctx: Context, *, account: Account, attempt: Attempt, link: str) -> None:
    """Tell of a mail program that was refused with the right account password."""
    kind = Kind.MAIL_PASSWORD_RIGHT
    subject = _subject(account, kind)
    if not _may_tell(ctx, kind, subject=subject, messages=1):
        return
    notice = Notice(
        kind=kind,
        to=account.address,
        language=languages.of_messages(ctx, account),
        time_zone=account.time_zone,
        message_id=message_id(ctx),
        at=attempt.arrived,
        address=tidy(attempt.address)[:45],
        program=tidy(attempt.program),
        protocol=attempt.protocol.value,
        link=link,
    )
    send(ctx, account=account, notice=notice, subject=subject, due_at=ctx.now())


def send_reset_link(
    ctx: Context, *, account: Account, origin: Origin, link: str, expires_at: int
) -> bool:
    """Send a link that sets a new password to the recovery address; False after too many."""
    kind = Kind.PASSWORD_RESET_ASKED
    subject = _subject(account, kind)
    if not _may_tell(ctx, kind, subject=subject, messages=1):
        return False
    notice = about_recovery(
        ctx,
        account=account,
        kind=kind,
        to=account.recovery_address,
        origin=origin,
        link=link,
    )
    send(ctx, account=account, notice=notice, subject=subject, until=expires_at)
    return True


def about_recovery(
    ctx: Context,
    *,
    account: Account,
    kind: str,
    to: str,
    origin: Origin,
    link: str,
    ripe_at: int = 0,
    until: int = 0,
) -> Notice:
    """A notice about a way back into an account, to one of its owner's mailboxes."""
    return Notice(
        kind=kind,
        to=to,
        account=account.address,
        language=languages.of_messages(ctx, account),
        time_zone=account.time_zone,
        message_id=message_id(ctx),
        at=ctx.now(),
        by=origin.by,
        address=tidy(origin.address)[:45],
        program=tidy(origin.program),
        link=link,
        ripe_at=ripe_at,
        until=until,
    )


def send(
    ctx: Context,
    *,
    account: Account,
    notice: Notice,
    subject: str,
    due_at: int | None = None,
    until: int | None = None,
) -> None:
    """Have a notice sent, at once or from `due_at` on, tried until `until`."""
    due_at = notice.at if due_at is None else due_at
    add_job(
        ctx,
        kind=JOB,
        account_id=account.pk,
        payload=notice.packed(),
        subject=subject,
        due_at=due_at,
        expires_at=due_at + _TRIED_FOR if until is None else until,
    )


def call_off(ctx: Context, *, account: Account, kind: Kind) -> None:
    """Send no notice of a kind to an account that waits to be sent."""
    jobs.cancel(subject=_subject(account, kind), now=ctx.now())


def tell_operators(ctx: Context, *, kind: Kind, what: str) -> None:
    """Tell everybody who may see `/operator` of what concerns the whole installation."""
    if not ctx.config.sends_mail:
        return
    for account in Account.objects.filter(is_operator=True, enabled=True):
        notice = Notice(
            kind=kind,
            to=account.address,
            language=languages.of_messages(ctx, account),
            time_zone=account.time_zone,
            message_id=message_id(ctx),
            at=ctx.now(),
            what=what,
        )
        send(ctx, account=account, notice=notice, subject=_subject(account, kind))


def _may_tell(ctx: Context, kind: Kind, *, subject: str, messages: int) -> bool:
    if not ctx.config.sends_mail:
        return False
    limit = _LIMITS.get(kind, _LIMIT)
    told = jobs.added_since(subject=subject, since=ctx.now() - limit.within)
    return told < limit.most * messages


def _subject(account: Account, kind: Kind) -> str:
    return f"notice:{account.pk}:{kind}"


def message_id(ctx: Context) -> str:
    """A new Message-ID."""
    return f"{ctx.random(_ID_BYTES).hex()}@{ctx.config.from_address.rpartition('@')[2]}"
