"""How far an account is when a history begins, and what its browsers do in more than one rule."""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

from django.http.cookie import SimpleCookie
from hypothesis import strategies as st
from hypothesis.stateful import initialize

from life.browser import Browser, How
from life.changes import CHANGES
from life.elsewhere import NOTHING, Elsewhere
from life.last import KEY, Last
from life.ledger import Ledger
from sidegate.accounts.second_steps import StepKind

WHO = st.sampled_from([0, 1])
CHOICE = st.integers(0, 5)
HOW: st.SearchStrategy[How] = st.sampled_from([*["right"] * 6, "wrong", "used"])
SPANS = st.sampled_from([*[1] * 18, 31, 360, 660, 960, 7200, 47 * 3600, *[49 * 3600] * 2,
                         8 * 86_400, 16 * 86_400])  # fmt: skip
"""Seconds; no sum of a few comes near to a limit of the design."""
BEGINNINGS = ("on", "on", "on with everything", "on with everything", "signed in", "signed out")


class Beginning(NamedTuple):
    """How far she is."""

    how: str
    kind: str
    """The second step that 2-step was turned on with; empty for none."""
    both: bool
    """In both browsers."""


class Acting(Elsewhere):
    """What rules are made of."""

    @initialize(beginning=st.sampled_from(BEGINNINGS), both=st.booleans(),
                kind=st.sampled_from(["a phone", "an app", "a passkey", "a passkey"]))  # fmt: skip
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
                self._finish(other, 0, "right", trust=wanted.how == "on")
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
        ledger.signed_in(held, second_at=ledger.now())
        if trust:
            ledger.trusts_now(held)

    def _kind(self, choice: int) -> StepKind:
        """A kind of second step: one that the account has, or now and then any."""
        kinds = {step.kind for step in self.ledger.steps}
        if self.ledger.backup:
            kinds.add(StepKind.BACKUP_CODES)
        usable = sorted(kinds)
        return usable[choice % len(usable)] if usable and choice < 5 else [*StepKind][choice % 4]

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
