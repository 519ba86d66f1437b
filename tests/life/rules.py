"""The rules of the design, each looked at after every step of a history.

Looking leaves nothing behind: whatever a look changed is undone.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import ClassVar

from django.http.cookie import SimpleCookie
from hypothesis.stateful import RuleBasedStateMachine, invariant

from life.browser import Browser
from life.held import AWAY, DAY, HOME, Link, Reset
from life.house import ADDRESS, House, nothing_left
from life.ledger import Ledger
from life.stored import read_stored
from life.told import Told, notices_of
from sidegate.accounts import (
    app_passwords,
    authenticators,
    backup_codes,
    passkeys,
    password_reset,
    second_steps,
    web_sign_in,
)
from sidegate.accounts.context import Origin
from sidegate.accounts.notices import Notice
from sidegate.accounts.passkeys import PasskeyRight
from sidegate.accounts.second_steps import StepKind
from sidegate.accounts.web_sign_in import RightPassword
from sidegate.decisions.words import Allow, CannotTell, CredentialKind, Protocol
from sidegate.events.catalogue import Kind
from sidegate.pages.sessions import SessionStore
from sidegate.portal.visitors import find_account
from sidegate.storage.models import Account, Event, Job
from soft_key import PRESENT, VERIFIED, b64

PROTOCOLS = [*Protocol]
_CHALLENGE = bytes(32)
CHANGES = {
    Kind.TWO_STEP_ON, Kind.TWO_STEP_OFF, Kind.SECOND_STEP_ADDED, Kind.SECOND_STEP_REMOVED,
    Kind.PHONE_CHANGED, Kind.BACKUP_CODES_MADE, Kind.BACKUP_CODE_USED, Kind.PASSKEY_COPIED,
    Kind.BROWSER_TRUSTED,
    Kind.APP_PASSWORD_MADE, Kind.APP_PASSWORD_REVOKED, Kind.APP_PASSWORD_CHANGED,
    Kind.APP_PASSWORD_PAUSED, Kind.APP_PASSWORD_RESUMED, Kind.GRACE_GIVEN, Kind.GRACE_ENDED,
    Kind.RECOVERY_BEGAN, Kind.RECOVERY_STOPPED, Kind.RECOVERY_FINISHED,
    Kind.WEB_SIGNED_IN, Kind.WEB_SESSION_ENDED, Kind.WEB_ALL_ENDED, Kind.BROWSER_UNTRUSTED,
    Kind.PERSONAL_CHANGED,
    Kind.RECOVERY_ADDRESS_ASKED, Kind.RECOVERY_ADDRESS_SET, Kind.RECOVERY_ADDRESS_REMOVED,
    Kind.PASSWORD_CHANGED, Kind.ACCOUNT_ENABLED, Kind.ACCOUNT_DISABLED, Kind.ACCOUNT_LOCKED,
    Kind.CHANGE_UNDONE,
}  # fmt: skip
"""Events that tell of a change of the account."""


class Rules(RuleBasedStateMachine):
    """What holds at every moment of an account's life."""

    house: ClassVar[House]

    def __init__(self) -> None:
        super().__init__()
        self.house.begin_again()
        self.goes_on(Ledger(self.house.here.clock))
        self.turn = 0
        self._seen = read_stored()
        self._steps_seen: frozenset[str] = frozenset()
        self._sent_seen = 0
        self.told = Told()
        self._used_up: tuple[list[str], list[str]] = ([], [])

    def goes_on(self, ledger: Ledger) -> None:
        """From what this ledger says on."""
        self.ledger = ledger
        held_a, held_b = ledger.browsers
        self.browsers = (
            Browser("A", HOME, self.house, ledger, held_a),
            Browser("B", AWAY, self.house, ledger, held_b),
        )

    def mail(self, secret: str, protocol: Protocol, address: str = HOME) -> Allow | None:
        """What the mail door says, leaving nothing behind."""
        with nothing_left():
            verdict = self.house.probe.ask(ADDRESS, secret, protocol, address)
        assert not isinstance(verdict, CannotTell)
        return verdict if isinstance(verdict, Allow) else None

    @invariant()
    def every_rule_holds(self) -> None:
        """The rules one by one; what costs much is looked at from another side each time."""
        self.turn += 1
        self.ledger.lapse()
        self.row, self.stored = Account.objects.get(), read_stored()
        self._the_account_is_as_what_happened_made_it()
        self._with_2_step_on_there_is_a_second_step()
        self._the_account_password_opens_mail_only_by_rule_1()
        self._an_app_password_opens_its_scopes_and_nothing_else()
        self._no_old_password_opens_anything()
        self._only_a_browser_with_all_its_steps_sees_the_account()
        self._a_passkey_opens_the_portal_while_it_is_hers()
        self._a_link_sets_a_password_only_while_it_may()
        self._what_was_used_once_is_used_up()
        self._every_change_left_its_event_and_was_told()

    def _the_account_is_as_what_happened_made_it(self) -> None:
        ledger, row = self.ledger, self.row
        assert row.enabled is ledger.enabled
        assert row.two_step_since == ledger.on_since
        assert row.password_version == ledger.version
        assert row.recovery_address == ledger.address
        now = ledger.now()
        trusted = [at for at in self.stored.trusted if now < at + 30 * DAY]
        assert trusted == ledger.trusts(), "browsers are trusted that should not be, or not"
        rows = row.app_passwords.all() if self.stored.app_passwords else []
        stored = {one.pk: (app_passwords.state(one, now=now), one.label) for one in rows}
        assert stored == {made.id: (made.state(now), made.name) for made in ledger.made}

    def _with_2_step_on_there_is_a_second_step(self) -> None:
        stored = self.stored.steps
        assert stored == {step.key for step in self.ledger.steps}
        rests = bool(stored) or self.ledger.emptied
        assert rests is self.row.two_step, "2-step rests on nothing, or left a step behind"
        if stored != self._steps_seen:
            assert {step.key for step in second_steps.full(self.row)} == stored
        self._steps_seen = stored

    def _the_account_password_opens_mail_only_by_rule_1(self) -> None:
        protocol = PROTOCOLS[self.turn % len(PROTOCOLS)]
        for address in (HOME, AWAY) if self.ledger.windows else (HOME,):
            allowed = self.mail(self.ledger.password, protocol, address)
            assert bool(allowed) is self.ledger.password_opens(protocol, address)
            assert not allowed or (allowed.window_id is not None) is self.ledger.on

    def _an_app_password_opens_its_scopes_and_nothing_else(self) -> None:
        for made in self.ledger.made[-3:]:
            protocol = PROTOCOLS[(self.turn + made.id) % len(PROTOCOLS)]
            allowed = self.mail(made.secret, protocol)
            assert bool(allowed) is self.ledger.opens(made, protocol)
            assert not allowed or allowed.credential is CredentialKind.APP_PASSWORD
        if self.ledger.made and self.turn % 2:
            assert not self._first_stage(self.ledger.made[-1].secret), "it opens the portal"

    def _no_old_password_opens_anything(self) -> None:
        for old in self.ledger.old_passwords[-1:]:
            if self.turn % 2:
                assert self.mail(old, PROTOCOLS[self.turn % len(PROTOCOLS)]) is None
            else:
                assert not self._first_stage(old)

    def _first_stage(self, secret: str) -> bool:
        origin = Origin(by="owner", address=HOME)
        with nothing_left():
            answer = web_sign_in.check_password(
                self.house.here.context, login=ADDRESS, secret=secret, origin=origin
            )
        return isinstance(answer, RightPassword)

    def _only_a_browser_with_all_its_steps_sees_the_account(self) -> None:
        for turn, browser in enumerate(self.browsers):
            looks = _is_shown_a_page if turn == self.turn % 2 else _is_known
            is_in = bool(browser.cookies.get("sidegate")) and looks(browser)
            assert is_in is browser.inside, self._in_or_out(browser)

    @staticmethod
    def _in_or_out(browser: Browser) -> str:
        return f"browser {browser.name} should be {'in' if browser.inside else 'out'}"

    def _a_passkey_opens_the_portal_while_it_is_hers(self) -> None:
        """Alone, and only where it verified her; the newest, and in turn the one before it."""
        verified = self.turn % 3 > 0
        flags = PRESENT | VERIFIED if verified else PRESENT
        for key in self.ledger.passkeys[-1 - self.turn % 2 :][:1]:
            next_answer = replace(key, counter=key.counter + 1, flags=flags)
            with nothing_left():
                found = passkeys.use(
                    self.house.here.context,
                    account=None,
                    challenge=_CHALLENGE,
                    answer=next_answer.get({"challenge": b64(_CHALLENGE)}),
                    verified=False,  # without an account it is asked for nevertheless
                    origin=Origin(by="owner", address=HOME),
                )
            hers = any(step.passkey is key for step in self.ledger.steps)
            assert isinstance(found, PasskeyRight) is (verified and hers and self.ledger.enabled)

    def _a_link_sets_a_password_only_while_it_may(self) -> None:
        for reset in self.ledger.resets[-1:]:
            found = password_reset.find(self.house.here.context, token=reset.token)
            assert (found is not None) is self.ledger.counts(reset)

    def _what_was_used_once_is_used_up(self) -> None:
        newest = (self.ledger.spent_backup[-1:], self.ledger.spent_codes[-1:])
        if newest == self._used_up and self.turn % 2:
            return
        self._used_up = newest
        ctx, origin, row = self.house.here.context, Origin(by="owner", address=HOME), self.row
        for code in newest[0]:
            with nothing_left():
                again = backup_codes.present(ctx, account=row, code=code, origin=origin)
            assert not again, "a backup code counts that was used"
        apps = self.ledger.of_kind(StepKind.AUTHENTICATOR)
        for code in newest[1] if apps else []:
            good = {code for app in apps for code in app.codes(self.ledger.now())}
            with nothing_left():
                again = authenticators.present(ctx, account=row, code=code, origin=origin)
            assert again is (code in good), "a code of an app counts that was used"

    def _every_change_left_its_event_and_was_told(self) -> None:
        ledger = self.ledger
        new, jobs = self._new_events(), self._new_jobs()
        changed = sorted(event.kind for event in new if event.kind in CHANGES)
        assert changed == sorted(change.kind for change in ledger.expected)
        self._told([job for job in jobs if job.kind == "notice"])
        self._phones_were_told()
        self._nothing_secret(new, jobs)
        self._seen = self.stored
        ledger.expected.clear()

    def _new_events(self) -> list[Event]:
        """Since the last step, the oldest first."""
        if self.stored.event == self._seen.event:
            return []
        return list(Event.objects.filter(pk__gt=self._seen.event).order_by("pk"))

    def _new_jobs(self) -> list[Job]:
        if self.stored.job == self._seen.job:
            return []
        return list(Job.objects.filter(pk__gt=self._seen.job).order_by("pk"))

    def _told(self, jobs: list[Job]) -> None:
        changes = self.ledger.expected
        began = sum(len(one.to) for one in changes if one.kind is Kind.RECOVERY_BEGAN)
        about_recovery = [job for job in jobs if job.subject.startswith("recovery:")]
        assert len(about_recovery) == 3 * began
        notices = [*notices_of(self.house.here.context, jobs)]
        for _job, notice in notices:
            assert notice.language == self.ledger.language_at(notice.at)
            self._keep_link(notice)
        waits = all(job.payload is not None for job in about_recovery)
        self.told.look(changes, notices, waits=waits)

    def _phones_were_told(self) -> None:
        sent = self.house.here.sender.sent
        told = [one["number"] for one in sent[self._sent_seen :] if not one["code"]]
        assert sorted(told) == sorted(self.ledger.texts)
        self._sent_seen = len(sent)
        self.ledger.texts.clear()

    def _keep_link(self, notice: Notice) -> None:
        path, _slash, token = notice.link.rpartition("/")
        if notice.again or not token or "?" in token:
            return
        self.ledger.secrets.add(token)
        if path.endswith("/lock"):
            self.ledger.links.append(Link(token, notice.at))
        elif path.endswith("/reset"):
            assert notice.to == self.ledger.address
            self.ledger.resets.append(Reset(token, notice.at, self.ledger.version))
        elif self.ledger.recovery is not None:
            self.ledger.recovery.token = token

    def _nothing_secret(self, events: list[Event], jobs: list[Job]) -> None:
        """Rule 7: no secret and no code in an event, nor open in what waits to be sent."""
        for event in events:
            text = json.dumps([event.detail, event.program, event.address, event.reason])
            found = [secret for secret in self.ledger.secrets if secret in text]
            assert not found, f"{event.kind} holds a secret"
        for job in jobs:
            payload = bytes(job.payload or b"")
            assert not any(secret.encode() in payload for secret in self.ledger.secrets)


def _is_known(browser: Browser) -> bool:
    return find_account(SessionStore(browser.cookies["sidegate"])) is not None


def _is_shown_a_page(browser: Browser) -> bool:
    cookies = browser.cookies
    with nothing_left():
        status = browser.client.get("/personal").status_code
    browser.client.cookies = SimpleCookie(cookies)
    return status == 200
