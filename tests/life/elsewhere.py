"""What happens to the account elsewhere: by its operator, its mailbox, its mail programs."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from installation import OPERATOR, OWNER
from life.browser import Browser
from life.held import AWAY, DAY, HOME, MINUTE
from life.house import ADDRESS
from life.last import NUMBERS, new_step
from life.rules import PROTOCOLS, Rules
from sidegate.accounts import (
    app_passwords,
    people,
    recovery_address,
    second_steps,
    two_step,
    web_sessions,
)
from sidegate.accounts.errors import LastStep
from sidegate.accounts.password_reset_jobs import ANSWERED, ResetHandler
from sidegate.accounts.second_steps import NewPhone, StepKind
from sidegate.decisions.words import Allow
from sidegate.storage import jobs
from sidegate.storage.jobs import Ended
from sidegate.storage.models import Account, Phone

NOTHING = "nothing"
MEANWHILE = (*[NOTHING] * 11, "new password", "disabled", "rescued", "turned on", "turned on anew",
             "a step removed", "a number changed", "no recovery address", "others out",
             "all out", "6 minutes", "11 minutes")  # fmt: skip
"""What may happen while a browser is at something."""
ELSEWHERE = ("mail at home", "mail at home", "mail elsewhere", "mail by app password", "locked",
             "disabled", "rescued", "new password", "revoked", "no recovery address",
             "all out", "forgot", "forgot")  # fmt: skip


class Elsewhere(Rules):
    """Whatever no browser of hers does."""

    def tick(self, seconds: float = 1) -> None:
        """Time goes by, and never none."""
        self.house.here.clock.forward(seconds=seconds + 0.001)
        self.ledger.lapse()

    def happens(self, what: str, choice: int) -> None:
        """One of `ELSEWHERE`."""
        if what.startswith("mail"):
            self._mail(what, choice)
        elif what == "locked":
            self._lock(choice)
        elif what == "forgot":
            self._forgot()
        else:
            self.operator(what, choice)

    def _mail(self, what: str, choice: int) -> None:
        ledger, protocol = self.ledger, PROTOCOLS[choice % len(PROTOCOLS)]
        address = AWAY if what == "mail elsewhere" else HOME
        made = ledger.made[-1] if what == "mail by app password" and ledger.made else None
        secret = made.secret if made else ledger.password
        verdict = self.house.mail.ask(ADDRESS, secret, protocol, address)
        if made is not None:
            assert isinstance(verdict, Allow) is ledger.opens(made, protocol)
            return
        assert isinstance(verdict, Allow) is ledger.password_opens(protocol, address)
        if isinstance(verdict, Allow) and not ledger.on:
            ledger.seen[protocol, address] = ledger.now()

    def _forgot(self) -> None:
        """Somebody asks for a link to the recovery address."""
        self._nobody().post("/signin/forgot", {"email": ADDRESS})
        handler, now = ResetHandler(self.house.here.context), self.ledger.now()
        for job in jobs.take(kinds=["password-reset"], most=9, now=now):
            handler.ended(job, Ended(ANSWERED))

    @staticmethod
    def _nobody() -> Client:
        return Client(headers={"host": "localhost:8025"}, REMOTE_ADDR=AWAY)

    def _lock(self, choice: int) -> None:
        links = self.ledger.links
        if not links:
            return
        link = links[-1 - choice % len(links)]
        counts = not link.used and self.ledger.now() < link.at + 7 * DAY
        answer = self._nobody().post(f"/lock/{link.token}")
        assert (answer.status_code == 302) is counts
        for step in self.ledger.locked(link) if counts else []:
            step.key = f"{step.kind}-{Phone.objects.get(number=step.number).pk}"

    def account_now(self) -> Account:
        return Account.objects.get()

    def operator(self, what: str, choice: int = 1) -> None:
        ctx, row, ledger = self.house.here.context, self.account_now(), self.ledger
        if what in ("disabled", "enabled"):
            people.set_enabled(ctx, account=row, enabled=what == "enabled", origin=OPERATOR)
            ledger.set_enabled(enabled=what == "enabled")
        elif what == "rescued":
            two_step.turn_off(ctx, account=row, origin=OPERATOR)
            ledger.turned_off()
        elif what == "no recovery address":
            recovery_address.remove(ctx, account=row, origin=OPERATOR)
            ledger.set_address("")
        elif what == "all out":
            web_sessions.end_all(ctx, account=row, origin=OPERATOR)
            ledger.all_out()
        elif what == "new password":
            new, keep = f"password number {ledger.version + 1} of many", choice % 2 == 1
            people.change_password(
                ctx, account=row, password=new, keep_app_passwords=keep, origin=OPERATOR
            )
            ledger.changed_password(new, keep=keep)
        elif ledger.made:
            made = ledger.made[choice % len(ledger.made)]
            app_passwords.revoke(ctx, account=row, app_password_id=made.id, origin=OPERATOR)
            ledger.revoke(made)

    def meanwhile(self, browser: Browser, what: str) -> Callable[[], None] | None:
        """What happens to the account while this browser is at something."""
        other = self.browsers[0 if browser is self.browsers[1] else 1]
        return {
            NOTHING: None,
            "new password": lambda: self.operator("new password"),
            "disabled": lambda: self.operator("disabled"),
            "rescued": lambda: self.operator("rescued"),
            "turned on": self._turned_on_elsewhere,
            "turned on anew": self._turned_on_anew,
            "a step removed": self._removed_elsewhere,
            "a number changed": self._changed_elsewhere,
            "no recovery address": lambda: self.operator("no recovery address"),
            "others out": lambda: self.others_out(other),
            "all out": lambda: self.operator("all out"),
            "6 minutes": lambda: self.tick(6 * MINUTE // 1000),
            "11 minutes": lambda: self.tick(11 * MINUTE // 1000),
        }[what]

    def _turned_on_anew(self) -> None:
        """Off by the operator, and on again with another phone."""
        self.operator("rescued")
        self.tick()
        self._turned_on_elsewhere()

    def _removed_elsewhere(self) -> None:
        """Another browser of hers removes the oldest second step; the last one stays."""
        if not self.ledger.steps:
            return
        key = self.ledger.steps[0].key
        try:
            second_steps.remove(
                self.house.here.context, account=self.account_now(), key=key, origin=OWNER
            )
        except LastStep:
            assert len(self.ledger.steps) == 1
        self.ledger.removed(key)

    def _changed_elsewhere(self) -> None:
        """Another browser of hers changes the number of the phone that was added last."""
        phones = self.ledger.of_kind(StepKind.PHONE)
        free = {*NUMBERS} - {phone.number for phone in phones}
        row, number = self.account_now(), max(free, default="")
        old = second_steps.find(row, key=phones[-1].key) if phones else None
        if not self.ledger.enabled or not number or old is None:
            return
        second_steps.change_number(
            self.house.here.context,
            account=row,
            new=NewPhone(number=number, channel="sms"),
            replaces=old,
            origin=OWNER,
        )
        new = new_step(self.browsers[0], StepKind.PHONE, number=number)
        self.ledger.changed_number(phones[-1], new)

    def _turned_on_elsewhere(self) -> None:
        if self.ledger.on or not self.ledger.enabled:
            return
        number = NUMBERS[2]
        two_step.turn_on(
            self.house.here.context,
            account=self.account_now(),
            number=number,
            channel="sms",
            origin=OWNER,
        )
        step = new_step(self.browsers[0], StepKind.PHONE, number=number)
        self.ledger.turned_on(step, goes_on=False)

    def others_out(self, browser: Browser) -> None:
        """Every browser but this one is signed out, by it."""
        inside = browser.inside
        browser.post("/security/devices/sign-out-others")
        browser.leaves()
        browser.came_by()
        if inside:
            self.ledger.sign_out_others(but=browser.held)
