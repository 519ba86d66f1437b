"""Who would be refused if 2-Step Verification were enforced for mail now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from sidegate.accounts import grace
from sidegate.accounts.context import Context
from sidegate.decisions.grace import Window, window_for
from sidegate.decisions.mail import AccountPasswordMode
from sidegate.decisions.observing import OFFERED, Outcome, outcome
from sidegate.decisions.throttle import DAY, network_of
from sidegate.decisions.words import Attempt, Protocol
from sidegate.storage.mail_models import GraceWindow, Sighting
from sidegate.storage.models import Account, AppPassword
from sidegate.storage.sightings import Credential

DAYS = 30
"""For how long after its last sign-in a program counts as in use."""
AT_ONCE = 500


class Row(NamedTuple):
    """One mail program of one account, and what enforcing would do to it."""

    account: str
    two_step: bool
    protocol: str
    network: str
    program: str
    """What it calls itself; empty where it does not."""
    mechanism: str
    credential: str
    last_at: int
    last_address: str
    times: int | None
    """Sign-ins seen; not counted for app passwords."""
    outcome: Outcome


class Wanted(NamedTuple):
    """What the accounts are narrowed to; empty texts narrow nothing."""

    show: str = ""
    """One of `Outcome`, for accounts with such a program."""
    protocol: str = ""
    text: str = ""
    """In the address."""


EVERYTHING = Wanted()


class Totals(NamedTuple):
    """All accounts together; programs as far as they were in use."""

    accounts: int
    two_step: int
    seen: int
    """Accounts with a program in use that has the account password."""
    refused: int
    """Accounts of which at least one program would be refused."""
    protocols: dict[str, int]
    """Accounts that used the account password, by protocol."""
    mechanisms: dict[str, int]
    """The same by SASL mechanism; the empty one is not known."""


class Report:
    """Reads what was seen from `since` on, in milliseconds since the epoch."""

    def __init__(self, ctx: Context, *, since: int) -> None:
        self._since = since
        self._now = ctx.now()
        self.grace = grace.open_windows(ctx)
        """The mail programs that may go on for now."""
        self._windows = _windows(self.grace)
        mode = AccountPasswordMode(ctx.config.policy.account_password_for_mail)
        self._always = mode is AccountPasswordMode.ALWAYS_APP_PASSWORD

    def totals(self) -> Totals:
        """All accounts together."""
        seen = self.sightings()
        return Totals(
            accounts=Account.objects.count(),
            two_step=Account.objects.filter(two_step_since__isnull=False).count(),
            seen=_accounts(seen),
            refused=_accounts(seen.filter(self._refused())),
            protocols=_by(seen, "protocol"),
            mechanisms=_by(seen, "mechanism"),
        )

    def rows(self) -> Iterator[Row]:
        """Every program in use, by account, those used last first."""
        after = ""
        while found := list(self.accounts().filter(address__gt=after)[:AT_ONCE]):
            for _, rows in self.of(found):
                yield from rows
            after = found[-1].address

    def accounts(self, wanted: Wanted = EVERYTHING) -> QuerySet[Account]:
        """Those with a wanted program in use, by address."""
        sightings = self._wanted_sightings(wanted).filter(account=OuterRef("pk"))
        used = self._wanted_app_passwords(wanted).filter(account=OuterRef("pk"))
        found = Account.objects.filter(Exists(sightings) | Exists(used))
        if wanted.text:
            found = found.filter(address__icontains=wanted.text)
        return found.order_by("address")

    def of(self, accounts: Iterable[Account]) -> list[tuple[Account, list[Row]]]:
        """The programs of these accounts, those used last first."""
        found: dict[int, tuple[Account, list[Row]]] = {one.pk: (one, []) for one in accounts}
        for sighting in self.sightings().filter(account__in=found):
            account, rows = found[sighting.account_id]
            rows.append(self._by_account_password(account, sighting))
        for used in self._app_passwords().filter(account__in=found):
            account, rows = found[used.account_id]
            rows.append(self._by_app_password(account, used))
        for _, rows in found.values():
            rows.sort(key=lambda row: -row.last_at)
        return list(found.values())

    def sightings(self) -> QuerySet[Sighting]:
        """What was seen of programs with an account password."""
        seen = Sighting.objects.filter(last_at__gte=self._since)
        return seen.exclude(credential=Credential.APP_PASSWORD)

    def _wanted_sightings(self, wanted: Wanted) -> QuerySet[Sighting]:
        seen = self.sightings()
        if wanted.protocol:
            seen = seen.filter(protocol=wanted.protocol)
        match wanted.show:
            case Outcome.REFUSED:
                return seen.filter(self._refused())
            case Outcome.MECHANISM_GONE:
                return seen.exclude(self._refused()).exclude(mechanism__in=OFFERED)
            case Outcome.GRACE:
                return seen.filter(self._in_grace(), mechanism__in=OFFERED)
            case Outcome.TWO_STEP_OFF:
                off = seen.filter(account__two_step_since=None, mechanism__in=OFFERED)
                return off.none() if self._always else off
            case Outcome.APP_PASSWORD:
                return seen.none()
        return seen

    def _wanted_app_passwords(self, wanted: Wanted) -> QuerySet[AppPassword]:
        if wanted.show not in ("", Outcome.APP_PASSWORD):
            return AppPassword.objects.none()
        used = self._app_passwords()
        return used.filter(last_used_protocol=wanted.protocol) if wanted.protocol else used

    def _refused(self) -> Q:
        """That a sighting's program would be refused.

        A window counts here only for the very name that it was given for; that it goes
        on after an update of the program, the row alone says.
        """
        count = Q(pk__isnull=False) if self._always else Q(account__two_step_since__isnull=False)
        return count & ~self._in_grace()

    def _in_grace(self) -> Q:
        ids = [number for one in self.grace for number in one.ids]
        if not ids or self._always:
            return Q(pk__isnull=True)
        windows = GraceWindow.objects.filter(
            Q(program="") | Q(program=OuterRef("program")),
            ended_at=None,
            until__gt=self._now,
            account=OuterRef("account"),
            protocol=OuterRef("protocol"),
            network=OuterRef("network"),
        )
        return Q(account__two_step_since__isnull=False) & Q(Exists(windows))

    def _app_passwords(self) -> QuerySet[AppPassword]:
        return AppPassword.objects.filter(revoked_at=None, last_used_at__gte=self._since)

    def _has_window(self, account: Account, seen: Sighting) -> bool:
        again = Attempt(
            login=account.address,
            secret="",
            protocol=Protocol(seen.protocol),
            address=seen.last_address,
            program=seen.program,
            tls=True,
            session="",
            authzid="",
            arrived=self._now,
        )
        return window_for(again, self._windows.get(account.pk, [])) is not None

    def _by_account_password(self, account: Account, seen: Sighting) -> Row:
        return Row(
            account=account.address,
            two_step=account.two_step,
            protocol=seen.protocol,
            network=seen.network,
            program=seen.program,
            mechanism=seen.mechanism,
            credential=seen.credential,
            last_at=seen.last_at,
            last_address=seen.last_address,
            times=seen.count,
            outcome=outcome(
                app_passwords_count=account.two_step or self._always,
                credential=seen.credential,
                mechanism=seen.mechanism,
                grace=self._has_window(account, seen),
            ),
        )

    def _by_app_password(self, account: Account, used: AppPassword) -> Row:
        return Row(
            account=account.address,
            two_step=account.two_step,
            protocol=used.last_used_protocol,
            network=network_of(used.last_used_address),
            program=used.last_used_program,
            mechanism="",
            credential=Credential.APP_PASSWORD,
            last_at=used.last_used_at or 0,
            last_address=used.last_used_address,
            times=None,
            outcome=Outcome.APP_PASSWORD,
        )


def _windows(given: Iterable[grace.Grace]) -> dict[int, list[Window]]:
    """The open windows of each account that has any, by its id."""
    found: dict[int, list[Window]] = {}
    ids = [number for one in given for number in one.ids]
    for row in GraceWindow.objects.filter(pk__in=ids):
        window = Window(row.pk, row.protocol, row.network, row.program, row.until, ended=False)
        found.setdefault(row.account_id, []).append(window)
    return found


def in_use_since(now: int, days: int = DAYS) -> int:
    """From when on a sign-in counts."""
    return now - days * DAY


def goes(mechanism: str) -> bool:
    """Whether enforcing removes this mechanism."""
    return mechanism not in OFFERED


def _accounts(seen: QuerySet[Sighting]) -> int:
    return seen.aggregate(found=Count("account", distinct=True))["found"] or 0


def _by(seen: QuerySet[Sighting], column: str) -> dict[str, int]:
    counted = seen.order_by(column).values_list(column).annotate(Count("account", distinct=True))
    return dict(counted)
