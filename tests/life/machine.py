"""An account's whole life, in any order and with two browsers at once."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from life.acting import CHOICE, HOW, SPANS, WHO
from life.browser import How
from life.changes import CHANGES, UNASKED
from life.devices import Devices
from life.elsewhere import ELSEWHERE, MEANWHILE
from sidegate.accounts import grace
from sidegate.accounts.second_steps import StepKind
from sidegate.portal.grants import Area

AFTER = st.sampled_from([1, 7200, 47 * 3600, 49 * 3600, 49 * 3600, 10 * 86_400])
"""Seconds for which somebody waits who recovers her account."""
PAGES = ("/", "/security", "/activity", "/security/devices", "/security/two-step", "/mail")
LANGUAGES = ("en", "lv")
ACTS = ("sign out", "sign the others out", *LANGUAGES)


def _named(area: Area) -> list[str]:
    return [name for name, (of, _prepare) in CHANGES.items() if of is area]


class Life(Devices):
    """Everything that can happen."""

    @precondition(lambda self: self.some(inside=False))
    @rule(seconds=SPANS, who=WHO,
          what=st.sampled_from([*["today's"] * 4, "old", "wrong", "app"]), choice=CHOICE,
          meanwhile=st.sampled_from(MEANWHILE), goes_on=st.booleans())  # fmt: skip
    def type_the_password(
        self,
        *,
        seconds: int,
        who: int,
        what: str,
        meanwhile: str,
        goes_on: bool,
        choice: int,
    ) -> None:
        self.tick(seconds)
        ledger = self.ledger
        secret = ledger.password
        if what == "old" and ledger.old_passwords:
            secret = ledger.old_passwords[-1]
        elif what == "app" and ledger.made:
            secret = ledger.made[-1].secret
        elif what != "today's":
            secret = f"wrong {ledger.now()}"
        browser = self._one(who, inside=False)
        browser.type_password(secret, meanwhile=self.meanwhile(browser, meanwhile))
        if goes_on and browser.held.pending is not None:
            self._finish(browser, choice, "right", trust=choice == 0)

    @precondition(lambda self: self.waiting())
    @rule(seconds=SPANS, who=WHO, choice=CHOICE, how=HOW, trust=st.booleans(),
          meanwhile=st.sampled_from([*MEANWHILE, *["a number changed"] * 4]))  # fmt: skip
    def give_the_second_step(
        self,
        *,
        seconds: int,
        who: int,
        choice: int,
        how: How,
        trust: bool,
        meanwhile: str,
    ) -> None:
        self.tick(seconds)
        browser = self._waiting(who)
        if self._kind(choice) is StepKind.PHONE and browser.held.sent is None:
            browser.ask_for_code("sign-in")
        happens = self.meanwhile(browser, meanwhile)
        if happens is not None:
            happens()
        self._finish(browser, choice, how, trust=trust)

    @precondition(lambda self: self.some(inside=True))
    @rule(seconds=SPANS, who=WHO, choice=CHOICE, meanwhile=st.sampled_from(MEANWHILE), how=HOW,
          kind=st.sampled_from(["a phone", "an app", "a passkey"]))  # fmt: skip
    def turn_on_or_off(
        self, *, seconds: int, who: int, kind: str, choice: int, meanwhile: str, how: How
    ) -> None:
        what = "turn off" if self.ledger.on else f"turn on with {kind}"
        self.tick(seconds)
        self._change(self._one(who, inside=True), what, choice, meanwhile, how)

    @precondition(lambda self: self.ledger.on and self.some(inside=True))
    @rule(seconds=SPANS, who=WHO, what=st.sampled_from(_named(Area.STEPS)), choice=CHOICE,
          meanwhile=st.sampled_from(MEANWHILE), how=HOW)  # fmt: skip
    def change_second_steps(
        self, *, seconds: int, who: int, what: str, choice: int, meanwhile: str, how: How
    ) -> None:
        self.tick(seconds)
        self._change(self._one(who, inside=True), what, choice, meanwhile, how)

    @precondition(lambda self: self.ledger.on and self.some(inside=True))
    @rule(seconds=SPANS, who=WHO, what=st.sampled_from(_named(Area.APP_PASSWORDS)), choice=CHOICE,
          meanwhile=st.sampled_from(MEANWHILE), how=HOW)  # fmt: skip
    def change_app_passwords(
        self, *, seconds: int, who: int, what: str, choice: int, meanwhile: str, how: How
    ) -> None:
        self.tick(seconds)
        self._change(self._one(who, inside=True), what, choice, meanwhile, how)

    @precondition(lambda self: self.some(inside=True))
    @rule(seconds=SPANS, who=WHO, what=st.sampled_from(_named(Area.RECOVERY_ADDRESS)),
          choice=CHOICE, meanwhile=st.sampled_from(MEANWHILE), how=HOW)  # fmt: skip
    def change_the_recovery_address(
        self, *, seconds: int, who: int, what: str, choice: int, meanwhile: str, how: How
    ) -> None:
        self.tick(seconds)
        self._change(self._one(who, inside=True), what, choice, meanwhile, how)

    @precondition(lambda self: self.some(inside=True))
    @rule(seconds=SPANS, who=WHO, choice=CHOICE, meanwhile=st.sampled_from(MEANWHILE), how=HOW)
    def change_the_password(
        self, *, seconds: int, who: int, choice: int, meanwhile: str, how: How
    ) -> None:
        self.tick(seconds)
        browser = self._one(who, inside=True)
        self._change(browser, "change the password", choice, meanwhile, how)

    @precondition(lambda self: self.some(inside=True))
    @rule(seconds=SPANS, who=WHO, what=st.sampled_from(UNASKED), choice=CHOICE)
    def send_a_form_unasked(self, *, seconds: int, who: int, what: str, choice: int) -> None:
        """The last request alone: it counts where its area is open, and nowhere else."""
        self.tick(seconds)
        browser = self._one(who, inside=True)
        last = CHANGES[what][1](browser, choice)
        if last is None:
            return
        browser.leaves(last.area)
        self._send(browser, last)

    @precondition(lambda self: self.some(inside=True))
    @rule(seconds=SPANS, who=WHO, area=st.sampled_from([*CHANGES.values()]), choice=CHOICE, how=HOW,
          meanwhile=st.sampled_from(MEANWHILE))  # fmt: skip
    def open_an_area(
        self,
        *,
        seconds: int,
        who: int,
        area: tuple[Area, object],
        choice: int,
        how: How,
        meanwhile: str,
    ) -> None:
        """The password again, and a step; then she leaves it open."""
        self.tick(seconds)
        browser = self._one(who, inside=True)
        happens = self.meanwhile(browser, meanwhile)
        browser.enter(area[0], self._kind(choice), how, meanwhile=happens)

    @precondition(lambda self: self.some(inside=True))
    @rule(seconds=SPANS, who=WHO, page=st.sampled_from([*PAGES, *ACTS]))
    def go_somewhere(self, *, seconds: int, who: int, page: str) -> None:
        self.tick(seconds)
        browser = self._one(who, inside=True)
        if page in LANGUAGES:
            browser.choose_language(page)
        elif page == "sign out":
            browser.sign_out()
        elif page == "sign the others out":
            self.others_out(browser)
        else:
            assert (browser.get(page).status_code == 200) is browser.inside
            browser.came_by()
            browser.leaves(*([Area.STEPS] if page == "/security/two-step" else []))

    @precondition(lambda self: self.ledger.windows)
    @rule(seconds=SPANS, who=WHO)
    def end_the_window(self, *, seconds: int, who: int) -> None:
        self.tick(seconds)
        browser, ledger = self.browsers[who], self.ledger
        [*found] = grace.open_for(self.house.here.context, self.account_now())
        if not found:
            return
        inside = browser.inside
        browser.post("/security/two-step/exceptions/end", id=found[0].key)
        browser.leaves()
        browser.came_by()
        if inside:
            ledger.end_windows()

    @precondition(lambda self: self.ledger.resets)
    @rule(seconds=SPANS, who=WHO, choice=CHOICE)
    def use_a_link(self, *, seconds: int, who: int, choice: int) -> None:
        """That came to the recovery address."""
        resets = self.ledger.resets
        self.tick(seconds)
        self.browsers[who].use_link(resets[-1 - choice % len(resets)])

    @precondition(lambda self: self.waiting())
    @rule(seconds=SPANS, who=WHO, meanwhile=st.sampled_from(MEANWHILE))
    def set_a_new_password(self, *, seconds: int, who: int, meanwhile: str) -> None:
        self.tick(seconds)
        browser = self._waiting(who)
        if browser.held.pending is None or not browser.held.pending.by_mail:
            return
        happens = self.meanwhile(browser, meanwhile)
        if happens is not None:
            happens()
        browser.set_password(f"password number {self.ledger.version + 1} of many")

    @precondition(lambda self: self.ledger.on and self.some(inside=False))
    @rule(seconds=SPANS, who=WHO, after=AFTER, meanwhile=st.sampled_from(MEANWHILE))
    def recover(self, *, seconds: int, who: int, after: int, meanwhile: str) -> None:
        """Begin a recovery, wait, and try to finish it where it was begun, or elsewhere."""
        self.tick(seconds)
        browser = self._one(who, inside=False)
        if browser.first_stage() and self.ledger.recovery is None:
            browser.recover()
        happens = self.meanwhile(browser, meanwhile)
        if happens is not None:
            happens()
        self.tick(after)
        if self.ledger.recovery is not None and browser.first_stage():
            browser.recover()

    @precondition(lambda self: self.ledger.recovery)
    @rule(seconds=SPANS, who=WHO, by_link=st.booleans())
    def stop_the_recovery(self, *, seconds: int, who: int, by_link: bool) -> None:
        self.tick(seconds)
        browser, recovery = self.browsers[who], self.ledger.recovery
        may = recovery is not None and (by_link or browser.inside)
        if by_link and recovery is not None:
            browser.post(f"/stop/{recovery.token}")
        elif not by_link:
            browser.leaves()
            browser.post("/security/recovery/stop")
            browser.came_by()
        if may:
            self.ledger.recovery_stopped()

    @rule(seconds=SPANS, what=st.sampled_from(ELSEWHERE), choice=CHOICE)
    def elsewhere(self, *, seconds: int, what: str, choice: int) -> None:
        self.tick(seconds)
        self.happens(what, choice)

    @precondition(lambda self: not self.ledger.enabled)
    @rule(seconds=SPANS)
    def the_operator_enables(self, *, seconds: int) -> None:
        self.tick(seconds)
        self.operator("enabled")
