"""What must become of the account by what happens, kept beside the product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from life.facts import Facts
from life.held import DAY, HOUR, MINUTE, Held, Link, Made, Recovery, Step
from life.house import GRACE_DAYS
from sidegate.events.catalogue import Kind


@dataclass
class Ledger(Facts):
    """One account's life as far as it has gone."""

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

    def recovery_began(self, held: Held) -> None:
        self.recovery = Recovery(self.now(), self.version, held)
        self.expected.append(Kind.RECOVERY_BEGAN)

    def recovered(self) -> None:
        self.recovery = None
        self.expected.append(Kind.RECOVERY_FINISHED)
        self.turned_off()

    def recovery_stopped(self) -> None:
        if self.recovery is not None:
            self.recovery = None
            self.stopped[self.version] = self.now()
            self.expected.append(Kind.RECOVERY_STOPPED)

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
