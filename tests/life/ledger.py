"""What must become of the account by what happens, kept beside the product."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from life.facts import Facts
from life.held import DAY, HOUR, MINUTE, AddressAsked, Held, Link, Made, Recovery, Step
from life.house import ADDRESS, GRACE_DAYS
from life.told import Change, mailboxes
from sidegate.accounts.second_steps import StepKind
from sidegate.events.catalogue import Kind


@dataclass
class Ledger(Facts):
    """One account's life as far as it has gone."""

    def happens(self, kind: Kind, *, to: tuple[str, ...] | None = None) -> None:
        """A change, which leaves its event and is told: to these, or to whom it must be."""
        told = mailboxes(kind, self.address) if to is None else to
        self.expected.append(Change(kind, told))

    def trusts_now(self, held: Held) -> None:
        held.trusted = self.now()
        self.trusted_since.append(self.now())
        self.happens(Kind.BROWSER_TRUSTED)

    def trusts_no_more(self, since: int) -> None:
        """One browser is asked again, from its next sign-in on."""
        self.trusted_since.remove(since)
        for held in self.browsers:
            if held.trusted == since:
                held.trusted = None
        self.happens(Kind.BROWSER_UNTRUSTED)

    def device_ended(self, held: Held) -> None:
        held.sign_out()
        self.happens(Kind.WEB_SESSION_ENDED)

    def speaks(self, language: str) -> None:
        """Messages come in another language, of which the mailbox is told where it is another."""
        before = self.language_at(self.now())
        self.languages.append((self.now(), language))
        self.happens(Kind.PERSONAL_CHANGED, to=() if language == before else (ADDRESS,))

    def asked_for_address(self, address: str) -> AddressAsked:
        """A code goes to it; one that was sent before counts no more."""
        self.asked.append(self.now())
        self.happens(Kind.RECOVERY_ADDRESS_ASKED, to=(address,))
        self.address_asked = AddressAsked(address, self.now() + 30 * MINUTE)
        return self.address_asked

    def set_address(self, address: str) -> None:
        """Another recovery address, or none; the mailbox, the one that was and phones are told."""
        if address == self.address:
            return
        removed = Kind.RECOVERY_ADDRESS_REMOVED
        self.happens(Kind.RECOVERY_ADDRESS_SET if address else removed)
        self.tell_phones()
        self.former_addresses.append((self.now(), self.address))
        self.address = address
        self.end_resets()

    def tell_phones(self, *, new_ones_too: bool = False) -> None:
        """Those of before the change, by a text message: three an hour, six a day.

        One that was added within 10 minutes may be a thief's.
        """
        now = self.now()
        for phone in self.of_kind(StepKind.PHONE):
            before = [now - at for at, to in self.texted if to == phone.number]
            few = sum(ago < HOUR for ago in before) < 3 and sum(ago < DAY for ago in before) < 6
            if few and (new_ones_too or phone.at <= now - 10 * MINUTE):
                self.texted.append((now, phone.number))
                self.texts.append(phone.number)

    def signed_in(self, held: Held, *, second_at: int | None) -> None:
        held.sign_in(version=self.version, second_at=second_at, now=self.now())
        self.happens(Kind.WEB_SIGNED_IN)

    def used_backup(self, code: str) -> None:
        self.backup[code] = True
        self.spent_backup.append(code)
        self.happens(Kind.BACKUP_CODE_USED)

    def copied(self) -> None:
        """A passkey whose counter went back was refused, and told."""
        self.happens(Kind.PASSKEY_COPIED)

    def code_sent(self, number: str) -> None:
        """Three codes to a number in ten minutes, five in an hour; five an account."""
        self.sent.append((self.now(), number))
        to_it = [at for at, to in self.sent if to == number]
        assert sum(at > self.now() - 10 * MINUTE for at in to_it) <= 3
        assert sum(at > self.now() - HOUR for at, _to in self.sent) <= 5

    def turned_on(self, step: Step, *, goes_on: bool, by: Held | None = None) -> None:
        """Browsers without a second step are out, but the one that has just given it."""
        now = self.now()
        self.sign_out_others(but=by)
        if by is not None and by.session is not None:
            by.session.second_at = now
        self.on_since, self.steps = now, []
        self._has(step)
        step.at, self.emptied = now, False
        self.switched.append((now, True))
        self.windows = {}
        self.happens(Kind.TWO_STEP_ON)
        lately = [use for use, at in self.seen.items() if at > now - 30 * DAY]
        if goes_on and lately:
            self.windows = dict.fromkeys(lately, now + GRACE_DAYS * DAY)
            self.happens(Kind.GRACE_GIVEN)

    def turned_off(self, *, by: Held | None = None) -> None:
        """Every other browser is out, and all that 2-step rested on is gone."""
        if not self.on:
            return
        self.tell_phones()
        self.sign_out_others(but=by)
        self.recovery = None
        self.end_windows()
        self.revoke_all()
        self._off()
        self._end_trust()
        self.happens(Kind.TWO_STEP_OFF)

    def _off(self) -> None:
        self.on_since, self.steps, self.emptied = None, [], False
        self._spend_backup()
        self.switched.append((self.now(), False))

    def added(self, step: Step) -> None:
        self.tell_phones(new_ones_too=step.kind is StepKind.PHONE)
        step.at, self.emptied = self.now(), False
        self._has(step)
        self.happens(Kind.SECOND_STEP_ADDED)

    def _has(self, step: Step) -> None:
        self.steps.append(step)
        if step.passkey is not None:
            self.passkeys.append(step.passkey)

    def changed_number(self, old: Step, new: Step, *, by: Held | None = None) -> None:
        """Another number in the place of one; signs out as a removal does."""
        self.tell_phones(new_ones_too=True)
        self.former_phones.append((self.now(), old))
        self.steps.remove(old)
        new.at = self.now()
        self.steps.append(new)
        self.happens(Kind.PHONE_CHANGED)
        self._after_removal(by=by)

    def removed(self, key: str, *, by: Held | None = None) -> None:
        """One second step, and every other browser's sign-in; the last one stays."""
        if key == "backup-codes-0":
            self._spend_backup()
        elif len(self.steps) == 1:
            return
        for step in [step for step in self.steps if step.key == key]:
            self.tell_phones(new_ones_too=step.kind is StepKind.PHONE)
            self.steps.remove(step)
        self.happens(Kind.SECOND_STEP_REMOVED)
        self._after_removal(by=by)

    def _after_removal(self, *, by: Held | None) -> None:
        """Whoever got in by it is out."""
        self.sign_out_others(but=by)
        self.end_resets()
        self._end_trust()

    def backup_made(self, codes: list[str]) -> None:
        self._spend_backup()
        self.backup, self.backup_at = dict.fromkeys(codes, False), self.now()
        self.secrets.update(codes)
        self.happens(Kind.BACKUP_CODES_MADE)
        self.tell_phones()

    def changed_password(self, new: str, *, keep: bool, by: Held | None = None) -> None:
        """A new account password; every other browser is out."""
        self.old_passwords.append(self.password)
        self.password, self.version = new, self.version + 1
        self.secrets.add(new)
        self.happens(Kind.PASSWORD_CHANGED)
        self.tell_phones()
        self.end_windows()
        self.recovery = None
        if not keep:
            self.revoke_all()
        self._end_trust()
        self.end_sessions(but=by)
        if by is not None and by.session is not None:
            by.session.version = self.version

    def limited(self, made: Made, scopes: frozenset[str], until: int | None, name: str) -> None:
        """It may do other things than before; that it opens more is told."""
        more = not scopes <= made.scopes
        longer = made.until is not None and (until is None or until > made.until)
        made.more_at = self.now() if more or longer else made.more_at
        made.scopes, made.until, made.name = scopes, until, name
        self.happens(Kind.APP_PASSWORD_CHANGED, to=(ADDRESS,) if more else ())

    def revoke(self, made: Made) -> None:
        if not made.revoked:
            made.revoked = True
            self.happens(Kind.APP_PASSWORD_REVOKED)

    def revoke_all(self) -> None:
        for made in self.made:
            self.revoke(made)

    def set_enabled(self, *, enabled: bool) -> None:
        if self.enabled != enabled:
            self.happens(Kind.ACCOUNT_ENABLED if enabled else Kind.ACCOUNT_DISABLED)
        self.enabled = enabled
        if not enabled:
            self.recovery = None
            self.end_resets()
            self.end_sessions()
            self._end_trust()

    def locked(self, link: Link) -> list[Step]:
        """All is shut, and what came since is undone; the phones that must be back by it."""
        for other in self.links:
            other.used = True
        self.enabled = False
        if self.recovery is not None:
            self.stopped[self.version] = self.now()
        self.recovery = None
        self.end_windows()
        self.address_asked = None
        back = self._undo(since=link.at - 10_000)
        self.end_resets()
        self.end_sessions()
        self._end_trust()
        self.happens(Kind.ACCOUNT_LOCKED)
        return back

    def _undo(self, *, since: int) -> list[Step]:
        """What was added since is gone; 2-step is off where it was off then, and only there."""
        switches = [on for at, on in self.switched if at >= since]
        was_on = not switches[0] if switches else self.on
        for made in self.made:
            if max(made.at, made.more_at) >= since:
                self.revoke(made)
        new = [step for step in self.steps if step.at >= since]
        self.steps = [step for step in self.steps if step.at < since]
        back = self._phones_then(since=since) if self.on and was_on else []
        self.steps += back
        for _undone in [*new, *back]:
            self.happens(Kind.CHANGE_UNDONE)
        self._put_address_back(since=since)
        if self.has("backup-codes-0") and self.backup_at >= since:
            self._spend_backup()
            self.happens(Kind.CHANGE_UNDONE)
        if self.on and not was_on:
            self.revoke_all()
            self._off()
            self.happens(Kind.CHANGE_UNDONE)
        self.emptied = self.on and not self.steps
        return back

    def _put_address_back(self, *, since: int) -> None:
        then = [address for at, address in self.former_addresses if at >= since][:1]
        if then and then[0] != self.address:
            self.address = then[0]
            self.happens(Kind.CHANGE_UNDONE)

    def _phones_then(self, *, since: int) -> list[Step]:
        """Those whose number was changed since, but for what was there before under it."""
        kept = {step.number for step in self.steps}
        back = [step for until, step in self.former_phones if since <= until and step.at < since]
        back = [step for step in back if step.number not in kept]
        self.former_phones = [one for one in self.former_phones if one[1] not in back]
        return back

    def recovery_began(self, held: Held) -> None:
        self.recovery = Recovery(self.now(), self.version, held)
        self.happens(Kind.RECOVERY_BEGAN)
        self.tell_phones()

    def recovered(self) -> None:
        self.recovery = None
        self.happens(Kind.RECOVERY_FINISHED)
        self.turned_off()

    def recovery_stopped(self) -> None:
        if self.recovery is not None:
            self.recovery = None
            self.stopped[self.version] = self.now()
            self.happens(Kind.RECOVERY_STOPPED)

    def lapse(self) -> None:
        """Time alone ends windows, and recoveries that nobody finished."""
        found = self.recovery
        if found is not None and self.now() >= found.at + 48 * HOUR + 7 * DAY:
            self.recovery = None
        self.windows = {use: end for use, end in self.windows.items() if end > self.now()}

    def end_windows(self) -> None:
        self.lapse()
        if self.windows and self.on:
            self.happens(Kind.GRACE_ENDED)
        self.windows = {}

    def _spend_backup(self) -> None:
        self.spent_backup += self.backup
        self.backup = {}

    def sign_out_others(self, *, but: Held | None = None) -> None:
        """The same as `end_sessions`, with an event where there was anybody."""
        if any(held is not but and self.inside(held) for held in self.browsers):
            self.happens(Kind.WEB_SESSION_ENDED)
        self.end_sessions(but=but)

    def all_out(self) -> None:
        """The same by the operator, who ends nothing else."""
        if any(self.inside(held) for held in self.browsers):
            self.happens(Kind.WEB_ALL_ENDED)
        self.end_sessions()

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
        self.trusted_since.clear()
        for held in self.browsers:
            held.trusted = None


def end_of_day_after(now: int) -> tuple[str, int]:
    """Tomorrow as a form takes it, and when it is over by this machine's clock."""
    day = datetime.fromtimestamp(now / 1000, UTC).astimezone().date() + timedelta(days=1)
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time())
    return day.isoformat(), int(midnight.astimezone().timestamp() * 1000)
