"""What is true of the account now, kept beside the product and without asking it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from installation import PASSWORD
from life.held import (
    DAY,
    HOUR,
    MINUTE,
    OPEN_FOR,
    AddressAsked,
    Held,
    Link,
    Made,
    Recovery,
    Reset,
    Session,
    Step,
    Use,
)
from life.house import ELSEWHERE, LANGUAGE
from life.told import Change
from sidegate.accounts.second_steps import StepKind
from sidegate.portal.grants import Area
from soft_key import SoftKey


@dataclass
class Facts:
    """One account, and what its browsers may."""

    now: Callable[[], int]
    password: str = PASSWORD
    version: int = 1
    old_passwords: list[str] = field(default_factory=list)
    enabled: bool = True
    address: str = ELSEWHERE
    """The recovery address; empty for none."""
    on_since: int | None = None
    steps: list[Step] = field(default_factory=list)
    former_addresses: list[tuple[int, str]] = field(default_factory=list)
    """Recovery addresses that were replaced or removed, and when."""
    address_asked: AddressAsked | None = None
    asked: list[int] = field(default_factory=list)
    """When codes were sent to new recovery addresses."""
    languages: list[tuple[int, str]] = field(default_factory=lambda: [(-1, LANGUAGE)])
    """Since when messages are in which."""
    passkeys: list[SoftKey] = field(default_factory=list)
    """All that were ever added."""
    trusted: dict[int, int] = field(default_factory=dict)
    """Browsers that were ever seen in the list of those not asked again: since when, by id."""
    trusted_since: list[int] = field(default_factory=list)
    """When those browsers were trusted whose trust nothing ended."""
    devices: dict[str, Session] = field(default_factory=dict)
    """Sessions that were ever seen in the list of devices, by handle."""
    former_phones: list[tuple[int, Step]] = field(default_factory=list)
    """Those whose number was changed, and when; a link that locks puts them back."""
    backup: dict[str, bool] = field(default_factory=dict)
    """Backup codes that count, and whether each was used."""
    spent_backup: list[str] = field(default_factory=list)
    """Backup codes that count no more, for whatever reason."""
    backup_at: int = 0
    """When those that count were made."""
    switched: list[tuple[int, bool]] = field(default_factory=list)
    """When 2-step was turned on, or off."""
    emptied: bool = False
    """A link took all second steps away and left 2-step on."""
    made: list[Made] = field(default_factory=list)
    seen: dict[Use, int] = field(default_factory=dict)
    """Where the mail program used the account password over what, and when."""
    windows: dict[Use, int] = field(default_factory=dict)
    """Open grace windows, and until when."""
    links: list[Link] = field(default_factory=list)
    expected: list[Change] = field(default_factory=list)
    """Changes of this step: each must leave its event, and be told."""
    secrets: set[str] = field(default_factory=lambda: {PASSWORD})
    """Everything that must stand nowhere."""
    spent_codes: list[str] = field(default_factory=list)
    """Codes of phones and apps that were used."""
    recovery: Recovery | None = None
    stopped: dict[int, int] = field(default_factory=dict)
    """Under which password a recovery was stopped, and when."""
    resets: list[Reset] = field(default_factory=list)
    sent: list[tuple[int, str]] = field(default_factory=list)
    """When codes were sent, and where to."""
    texted: list[tuple[int, str]] = field(default_factory=list)
    """When phones were told of a change, and which."""
    texts: list[str] = field(default_factory=list)
    """Phones that must be told of what changed in this step."""
    browsers: list[Held] = field(default_factory=lambda: [Held(), Held()])

    def inside(self, held: Held) -> bool:
        """Whether a browser is signed in: with its second step, and by today's password."""
        session, now = held.session, self.now()
        if session is None or not self.enabled or session.version != self.version:
            return False
        if self.on_since is not None and (session.second_at or 0) < self.on_since:
            return False
        return now < min(session.saved + 14 * DAY, session.began + 90 * DAY)

    def waits(self, held: Held) -> bool:
        """Whether a browser may still give its second step."""
        if held.pending is None or held.pending.over or not self.enabled:
            return False
        in_time = self.now() - held.pending.at <= 15 * MINUTE
        return held.pending.version == self.version and in_time

    def holds(self, held: Held, area: Area) -> bool:
        """Rule 9: whether a browser proved itself for this, a moment ago."""
        if not self.inside(held) or held.area is None or held.area[0] is not area:
            return False
        return self.now() - held.area[1] <= OPEN_FOR

    def may_answer(self, held: Held, area: Area) -> bool:
        """The same, or whether it asked for something in there that it may still answer."""
        if self.holds(held, area):
            return True
        there = self.inside(held) and held.area is not None and held.area[0] is area
        return there and self.now() < held.answer_by

    def fresh(self, held: Held) -> bool:
        """Whether a browser gave a second step within 5 minutes."""
        session = held.session
        given = session.second_at if session else None
        return given is not None and self.now() - given <= 5 * MINUTE

    @property
    def on(self) -> bool:
        """Whether 2-step is on."""
        return self.on_since is not None

    def of_kind(self, kind: StepKind) -> list[Step]:
        return [step for step in self.steps if step.kind is kind]

    def best(self) -> StepKind:
        """Which kind is asked for first; backup codes last."""
        kinds = {step.kind for step in self.steps}
        return next((kind for kind in StepKind if kind in kinds), StepKind.BACKUP_CODES)

    def applies(self, area: Area) -> bool:
        """Whether an area is there: turning on while it is off, and so on."""
        if area in (Area.PASSWORD, Area.RECOVERY_ADDRESS):
            return True
        return self.on is (area is not Area.TURN_ON)

    def trusts(self) -> list[int]:
        """Since when those browsers are trusted that are not asked again, the newest first."""
        alive = [at for at in self.trusted_since if self.now() < at + 30 * DAY]
        return sorted(alive, reverse=True)

    def language_at(self, at: int) -> str:
        """That of messages; a change of it is told in the earlier one."""
        return [language for since, language in self.languages if since < at][-1]

    def counts(self, reset: Reset) -> bool:
        """Whether a link to the recovery address opens anything."""
        in_time = self.now() < reset.at + 30 * MINUTE
        return in_time and not reset.used and self.enabled and reset.version == self.version

    def spent_code(self) -> str | None:
        """The code of a phone or an app that was used last."""
        return self.spent_codes[-1] if self.spent_codes else None

    def password_opens(self, protocol: str, address: str) -> bool:
        """Rule 1: with 2-step on the account password opens no mail, but by a window."""
        if not self.enabled:
            return False
        return not self.on or self.windows.get((protocol, address), 0) > self.now()

    def opens(self, made: Made, protocol: str) -> bool:
        """Rules 2 and 6: within its scopes, while nothing has ended it."""
        alive = not made.revoked and not made.paused
        within = made.until is None or self.now() < made.until
        return alive and within and self.enabled and self.on and protocol in made.scopes

    def has(self, key: str) -> bool:
        """Whether there is a second step of that key."""
        if key == "backup-codes-0":
            return any(not used for used in self.backup.values())
        return any(step.key == key for step in self.steps)

    def active(self) -> list[Made]:
        return [made for made in self.made if not made.revoked]

    def may_recover(self, held: Held) -> bool:
        """Whether a recovery may begin: one at a time; a week's pause after one was stopped."""
        if not self.waits(held) or not self.on or self.recovery is not None:
            return False
        return self.now() >= self.stopped.get(self.version, 0) + 7 * DAY

    def may_finish(self, held: Held) -> bool:
        """Never sooner than 48 hours, and only by whoever began it, or by the recovery address."""
        found, pending = self.recovery, held.pending
        if found is None or pending is None or not self.waits(held) or not self.on:
            return False
        its_own = found.began_in is held or pending.by_mail
        ripe = found.at + 48 * HOUR <= self.now() < found.at + 48 * HOUR + 7 * DAY
        return ripe and its_own and found.version == self.version

    def may_set_password(self, held: Held) -> bool:
        """After a link: by a second step too, or a recovery in its place."""
        pending = held.pending
        if pending is None or not pending.by_mail or not self.waits(held):
            return False
        given = not self.on or (pending.second_at or 0) >= (self.on_since or 0)
        return given or (pending.recovered and self.may_finish(held))
