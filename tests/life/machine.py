"""An account's whole life, in any order and with two browsers at once."""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

from django.http.cookie import SimpleCookie
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from life.browser import Browser, How
from life.changes import CHANGES, KEY, UNASKED, Last
from life.elsewhere import ELSEWHERE, MEANWHILE, NOTHING, Elsewhere
from life.ledger import Ledger
from sidegate.accounts import grace
from sidegate.accounts.second_steps import StepKind
from sidegate.events.catalogue import Kind
from sidegate.portal.grants import Area

WHO = st.sampled_from([0, 1])
CHOICE = st.integers(0, 5)
HOW: st.SearchStrategy[How] = st.sampled_from([*["right"] * 6, "wrong", "used"])
SPANS = st.sampled_from([*[1] * 18, 31, 360, 660, 960, 7200, 47 * 3600, *[49 * 3600] * 2,
                         8 * 86_400, 16 * 86_400])  # fmt: skip
"""Seconds; no sum of a few comes near to a limit of the design."""
AFTER = st.sampled_from([1, 7200, 47 * 3600, 49 * 3600, 49 * 3600, 10 * 86_400])
"""Seconds for which somebody waits who recovers her account."""
PAGES = ("/", "/security", "/activity", "/security/devices", "/security/two-step", "/mail")
BEGINNINGS = ("on", "on", "on with everything", "on with everything", "signed in", "signed out")


def _named(area: Area) -> list[str]:
    return [name for name, (of, _prepare) in CHANGES.items() if of is area]


class Beginning(NamedTuple):
    """How far she is."""

    how: str
    kind: str
    """The second step that 2-step was turned on with; empty for none."""
    both: bool
    """In both browsers."""


class Life(Elsewhere):
    """Everything that can happen."""

    @initialize(beginning=st.sampled_from(BEGINNINGS), both=st.booleans(),
                kind=st.sampled_from(["a phone", "an app", "a passkey"]))  # fmt: skip
    def begin(self, *, beginning: str, both: bool, kind: str) -> None:
        """How far she is when the history begins."""
        self._reach(Beginning(beginning, kind if beginning.startswith("on") else "", both))

    def _reach(self, wanted: Beginning) -> None:
        """Live what leads there; what was lived once is put back."""
        known = self.house.lived.get(wanted)
        if known is None:
            self._live(wanted)
            cookies = [browser.cookies for browser in self.browsers]
            self.house.lived[wanted] = (self.house.keep(), self._copy(self.ledger), cookies)
            return
        kept, ledger, cookies = known
        self.house.put_back(kept)
        self.goes_on(self._copy(ledger))
        for browser, theirs in zip(self.browsers, cookies, strict=True):
            browser.client.cookies = SimpleCookie(theirs)

    def _copy(self, ledger: Ledger) -> Ledger:
        shared = (self.house.here.clock, KEY)
        return deepcopy(ledger, {id(one): one for one in shared})

    def _live(self, wanted: Beginning) -> None:
        """From the beginning before it, on."""
        if wanted.both:
            self._reach(wanted._replace(both=False))
            self.tick(61)
            other = self.browsers[1]
            other.type_password(self.ledger.password, meanwhile=None)
            if self.ledger.on:
                self._finish(other, 0, "right", trust=False)
        elif wanted.how == "on with everything":
            self._reach(wanted._replace(how="on"))
            more = ["add an app", "add a phone"][wanted.kind == "an app"]
            for what in (more, "make backup codes", "make an app password"):
                self._change(self.browsers[0], what, 0, NOTHING, "right")
        elif wanted.how == "on":
            self._reach(Beginning("signed in", "", both=False))
            self._change(self.browsers[0], f"turn on with {wanted.kind}", 0, NOTHING, "right")
        elif wanted.how == "signed in":
            self.browsers[0].type_password(self.ledger.password, meanwhile=None)

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

    def some(self, *, inside: bool) -> list[Browser]:
        return [browser for browser in self.browsers if browser.inside is inside]

    def _one(self, who: int, *, inside: bool) -> Browser:
        """One of those; either, where the clock has changed them."""
        found = self.some(inside=inside) or self.browsers
        return found[who % len(found)]

    def waiting(self) -> list[Browser]:
        return [browser for browser in self.browsers if browser.held.pending is not None]

    def _waiting(self, who: int) -> Browser:
        waiting = self.waiting()
        return waiting[who % len(waiting)]

    @precondition(lambda self: self.waiting())
    @rule(seconds=SPANS, who=WHO, choice=CHOICE, how=HOW, trust=st.booleans(),
          meanwhile=st.sampled_from(MEANWHILE))  # fmt: skip
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

    def _finish(self, browser: Browser, choice: int, how: How, *, trust: bool) -> None:
        held, ledger = browser.held, self.ledger
        kind = self._kind(choice)
        if held.session is not None and held.pending is None:
            return
        if not browser.second_step("sign-in", kind, how, trust=trust):
            return
        if held.pending is not None and held.pending.by_mail:
            held.pending.second_at, held.sent = ledger.now(), None
            return
        held.sign_in(version=ledger.version, second_at=ledger.now(), now=ledger.now())
        if trust:
            held.trusted = ledger.now()
            ledger.expected.append(Kind.BROWSER_TRUSTED)

    def _kind(self, choice: int) -> StepKind:
        """A kind of second step: one that the account has, or now and then any."""
        kinds = {step.kind for step in self.ledger.steps}
        if self.ledger.backup:
            kinds.add(StepKind.BACKUP_CODES)
        usable = sorted(kinds)
        return usable[choice % len(usable)] if usable and choice < 5 else [*StepKind][choice % 4]

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
    @rule(seconds=SPANS, who=WHO, choice=CHOICE, meanwhile=st.sampled_from(MEANWHILE), how=HOW)
    def change_the_password(
        self, *, seconds: int, who: int, choice: int, meanwhile: str, how: How
    ) -> None:
        self.tick(seconds)
        browser = self._one(who, inside=True)
        self._change(browser, "change the password", choice, meanwhile, how)

    def _change(self, browser: Browser, what: str, choice: int, meanwhile: str, how: How) -> None:
        """One of the changes; something else may happen before its last request."""
        area, prepare = CHANGES[what]
        if not browser.enter(area, self._kind(choice), how):
            return
        if not self.ledger.applies(area):
            return
        last = prepare(browser, choice)
        if last is None or not browser.inside:
            browser.came_by()
            return
        happens = self.meanwhile(browser, meanwhile)
        if happens is not None:
            happens()
        self._send(browser, last)

    def _send(self, browser: Browser, last: Last) -> None:
        open_to = self.ledger.may_answer if last.answers else self.ledger.holds
        may = open_to(browser.held, last.area)
        changes = may and last.still()
        last.send()
        if changes:
            last.then()
        browser.came_by()
        if browser.held.session is None:
            return
        if changes and last.leaves_area:
            browser.held.leave()

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
    @rule(seconds=SPANS, who=WHO, page=st.sampled_from([*PAGES, "sign out", "sign the others out"]))
    def go_somewhere(self, *, seconds: int, who: int, page: str) -> None:
        self.tick(seconds)
        browser = self._one(who, inside=True)
        if page == "sign out":
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
