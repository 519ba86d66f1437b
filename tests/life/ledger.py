"""What must be true of the account, kept beside the product and without asking it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from installation import PASSWORD
from life.held import (
    DAY,
    HOUR,
    MINUTE,
    OPEN_FOR,
    Held,
    Link,
    Made,
    Recovery,
    Reset,
    Step,
    Use,
)
from life.house import GRACE_DAYS
from sidegate.accounts.second_steps import StepKind
from sidegate.events.catalogue import Kind
from sidegate.portal.grants import Area


@dataclass
class Ledger:
    """One account's life as far as it has gone."""

    now: Callable[[], int]
    password: str = PASSWORD
    version: int = 1
    old_passwords: list[str] = field(default_factory=list)
    enabled: bool = True
    on_since: int | None = None
    steps: list[Step] = field(default_factory=list)
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
    expected: list[Kind] = field(default_factory=list)
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
        if area is Area.PASSWORD:
            return True
        return self.on is (area is not Area.TURN_ON)

    def spent_code(self) -> str | None:
        """The code of a phone or an app that was used last."""
        return self.spent_codes[-1] if self.spent_codes else None

    def used_backup(self, code: str) -> None:
        self.backup[code] = True
        self.spent_backup.append(code)
        self.expected.append(Kind.BACKUP_CODE_USED)

    def copied(self) -> None:
        """A passkey whose counter went back was refused, and told."""
        self.expected.append(Kind.PASSKEY_COPIED)

    def code_sent(self, number: str) -> None:
        """Three codes to a number in ten minutes, five in an hour; five an account."""
        self.sent.append((self.now(), number))
        to_it = [at for at, to in self.sent if to == number]
        assert sum(at > self.now() - 10 * MINUTE for at in to_it) <= 3
        assert sum(at > self.now() - HOUR for at, _to in self.sent) <= 5

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

    def turned_on(self, step: Step, *, goes_on: bool, by: Held | None = None) -> None:
        """Browsers without a second step are out, but the one that has just given it."""
        now = self.now()
        self.end_sessions(but=by)
        if by is not None and by.session is not None:
            by.session.second_at = now
        self.on_since, self.steps = now, [step]
        step.at, self.emptied = now, False
        self.switched.append((now, True))
        self.windows = {}
        self.expected.append(Kind.TWO_STEP_ON)
        lately = [use for use, at in self.seen.items() if at > now - 30 * DAY]
        if goes_on and lately:
            self.windows = dict.fromkeys(lately, now + GRACE_DAYS * DAY)
            self.expected.append(Kind.GRACE_GIVEN)

    def turned_off(self, *, by: Held | None = None) -> None:
        """Every other browser is out, and all that 2-step rested on is gone."""
        if not self.on:
            return
        self.end_sessions(but=by)
        self.recovery = None
        self.end_windows()
        self.revoke_all()
        self._off()
        self._end_trust()
        self.expected.append(Kind.TWO_STEP_OFF)

    def _off(self) -> None:
        self.on_since, self.steps, self.emptied = None, [], False
        self._spend_backup()
        self.switched.append((self.now(), False))

    def added(self, step: Step) -> None:
        step.at, self.emptied = self.now(), False
        self.steps.append(step)
        self.expected.append(Kind.SECOND_STEP_ADDED)

    def removed(self, key: str, *, by: Held | None = None) -> None:
        """One second step, and every other browser's sign-in; the last one stays."""
        if key == "backup-codes-0":
            self._spend_backup()
        elif len(self.steps) == 1:
            return
        self.steps = [step for step in self.steps if step.key != key]
        self.expected.append(Kind.SECOND_STEP_REMOVED)
        self.end_sessions(but=by)
        self.end_resets()
        self._end_trust()

    def backup_made(self, codes: list[str]) -> None:
        self._spend_backup()
        self.backup, self.backup_at = dict.fromkeys(codes, False), self.now()
        self.secrets.update(codes)
        self.expected.append(Kind.BACKUP_CODES_MADE)

    def changed_password(self, new: str, *, keep: bool, by: Held | None = None) -> None:
        """A new account password; every other browser is out."""
        self.old_passwords.append(self.password)
        self.password, self.version = new, self.version + 1
        self.secrets.add(new)
        self.expected.append(Kind.PASSWORD_CHANGED)
        self.end_windows()
        self.recovery = None
        if not keep:
            self.revoke_all()
        self._end_trust()
        self.end_sessions(but=by)
        if by is not None and by.session is not None:
            by.session.version = self.version

    def revoke(self, made: Made) -> None:
        if not made.revoked:
            made.revoked = True
            self.expected.append(Kind.APP_PASSWORD_REVOKED)

    def revoke_all(self) -> None:
        for made in self.made:
            self.revoke(made)

    def set_enabled(self, *, enabled: bool) -> None:
        if self.enabled != enabled:
            self.expected.append(Kind.ACCOUNT_ENABLED if enabled else Kind.ACCOUNT_DISABLED)
        self.enabled = enabled
        if not enabled:
            self.recovery = None
            self.end_resets()
            self.end_sessions()
            self._end_trust()

    def locked(self, link: Link) -> None:
        for other in self.links:
            other.used = True
        self.enabled = False
        if self.recovery is not None:
            self.stopped[self.version] = self.now()
        self.recovery = None
        self.end_windows()
        self._undo(since=link.at - 10_000)
        self.end_resets()
        self.end_sessions()
        self._end_trust()
        self.expected.append(Kind.ACCOUNT_LOCKED)

    def _undo(self, *, since: int) -> None:
        """What was added since is gone; 2-step is off where it was off then, and only there."""
        switches = [on for at, on in self.switched if at >= since]
        was_on = not switches[0] if switches else self.on
        for made in self.made:
            if max(made.at, made.resumed_at) >= since:
                self.revoke(made)
        new = [step for step in self.steps if step.at >= since]
        self.steps = [step for step in self.steps if step.at < since]
        self.expected += [Kind.CHANGE_UNDONE] * len(new)
        if self.has("backup-codes-0") and self.backup_at >= since:
            self._spend_backup()
            self.expected.append(Kind.CHANGE_UNDONE)
        if self.on and not was_on:
            self.revoke_all()
            self._off()
            self.expected.append(Kind.CHANGE_UNDONE)
        self.emptied = self.on and not self.steps

    def may_recover(self, held: Held) -> bool:
        """Whether a recovery may begin: one at a time; a week's pause after one was stopped."""
        if not self.waits(held) or not self.on or self.recovery is not None:
            return False
        return self.now() >= self.stopped.get(self.version, 0) + 7 * DAY

    def recovery_began(self, held: Held) -> None:
        self.recovery = Recovery(self.now(), self.version, held)
        self.expected.append(Kind.RECOVERY_BEGAN)

    def may_finish(self, held: Held) -> bool:
        """Never sooner than 48 hours, and only by whoever began it, or by the recovery address."""
        found, pending = self.recovery, held.pending
        if found is None or pending is None or not self.waits(held) or not self.on:
            return False
        its_own = found.began_in is held or pending.by_mail
        ripe = found.at + 48 * HOUR <= self.now() < found.at + 48 * HOUR + 7 * DAY
        return ripe and its_own and found.version == self.version

    def recovered(self) -> None:
        self.recovery = None
        self.expected.append(Kind.RECOVERY_FINISHED)
        self.turned_off()

    def recovery_stopped(self) -> None:
        if self.recovery is not None:
            self.recovery = None
            self.stopped[self.version] = self.now()
            self.expected.append(Kind.RECOVERY_STOPPED)

    def may_set_password(self, held: Held) -> bool:
        """After a link: by a second step too, or a recovery in its place."""
        pending = held.pending
        if pending is None or not pending.by_mail or not self.waits(held):
            return False
        given = not self.on or (pending.second_at or 0) >= (self.on_since or 0)
        return given or (pending.recovered and self.may_finish(held))

    def lapse(self) -> None:
        """Time alone ends windows, and recoveries that nobody finished."""
        found = self.recovery
        if found is not None and self.now() >= found.at + 48 * HOUR + 7 * DAY:
            self.recovery = None
        self.windows = {use: end for use, end in self.windows.items() if end > self.now()}

    def end_windows(self) -> None:
        self.lapse()
        if self.windows and self.on:
            self.expected.append(Kind.GRACE_ENDED)
        self.windows = {}

    def _spend_backup(self) -> None:
        self.spent_backup += self.backup
        self.backup = {}

    def end_sessions(self, *, but: Held | None = None) -> None:
        """Every browser is out, or all but one; what waits for its second step is no session."""
        for held in self.browsers:
            if held is not but and held.session is not None:
                held.sign_out()

    def end_resets(self) -> None:
        """Links to the recovery address are over, and who is on the way by one."""
        for reset in self.resets:
            reset.used = True
        for held in self.browsers:
            if held.pending is not None and held.pending.by_mail:
                held.pending.over = True

    def _end_trust(self) -> None:
        for held in self.browsers:
            held.trusted = None


def end_of_day_after(now: int) -> tuple[str, int]:
    """Tomorrow as a form takes it, and when it is over by this machine's clock."""
    day = datetime.fromtimestamp(now / 1000, UTC).astimezone().date() + timedelta(days=1)
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time())
    return day.isoformat(), int(midnight.astimezone().timestamp() * 1000)
