"""Browsers as such: signed in by a passkey alone, signed out from another one, trusted no more."""

from __future__ import annotations

from http import HTTPStatus

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from life.acting import CHOICE, SPANS, WHO, Acting
from life.browser import Browser
from life.elsewhere import MEANWHILE
from life.held import MINUTE, Held
from life.last import KEY, given
from soft_key import PRESENT, VERIFIED, SoftKey

_ALONE = "/signin/passkey"
_DEVICES, _TWO_STEP = "/security/devices", "/security/two-step"
_FORGED = SoftKey().private
HOWS = st.sampled_from([*["right"] * 5, "copied", "unverified", "unknown", "forged", "nameless",
                        "asked elsewhere"])  # fmt: skip
BESIDE_A_PASSKEY = st.sampled_from([*MEANWHILE, *["disabled"] * 5, *["a step removed"] * 2])
"""It is the only proof that she gives, so what ends it is tried more often."""
WHICH = st.sampled_from(["one of them", "one of them", "one of them", "over", "none"])


class Devices(Acting):
    """What happens to her browsers, whatever they are at."""

    @precondition(lambda self: self.ledger.passkeys)
    @rule(seconds=SPANS, who=WHO, choice=CHOICE, how=HOWS, meanwhile=BESIDE_A_PASSKEY)
    def sign_in_by_a_passkey(
        self, *, seconds: int, who: int, choice: int, how: str, meanwhile: str
    ) -> None:
        """No password at all: the key that she has, and her PIN, finger or face."""
        self.tick(seconds)
        browser, ledger, asked_at = self.browsers[who], self.ledger, self.ledger.now()
        key = ledger.passkeys[-1 - choice % len(ledger.passkeys)]
        asked = (self._other(browser) if how == "asked elsewhere" else browser).options(_ALONE)
        assert asked is not None
        happens = self.meanwhile(browser, meanwhile)
        if happens is not None:
            happens()
        counts = any(step.passkey is key for step in ledger.steps) and ledger.enabled
        counts = counts and ledger.now() - asked_at <= 5 * MINUTE
        right = counts and how == "right"
        signed = _answering(key, how).get(asked)
        answer = browser.post(_ALONE, passkey=signed)
        assert (answer.status_code == HTTPStatus.FOUND) is right, f"a passkey, {how}"
        if right:
            key.counter += 1
            again = browser.post(_ALONE, passkey=signed)
            assert again.status_code == HTTPStatus.OK, "an answer of a passkey counted twice"
            ledger.signed_in(browser.held, second_at=ledger.now())
        elif counts and how == "copied":
            ledger.copied()

    @precondition(lambda self: self.some(inside=True))
    @rule(seconds=SPANS, who=WHO, which=WHICH, choice=CHOICE, meanwhile=st.sampled_from(MEANWHILE))
    def sign_a_device_out(
        self, *, seconds: int, who: int, which: str, choice: int, meanwhile: str
    ) -> None:
        """One browser, by what the list calls it: this one, the other, one that is over."""
        self.tick(seconds)
        browser, ledger = self._one(who, inside=True), self.ledger
        listed = self._look_at_devices(browser)
        over = [handle for handle in ledger.devices if handle not in listed]
        found = {"one of them": listed, "over": over}.get(which, [])
        handle = found[choice % len(found)] if found else "no device"
        happens = self.meanwhile(browser, meanwhile)
        if happens is not None:
            happens()
        inside = browser.inside
        browser.leaves()
        browser.post(f"{_DEVICES}/sign-out", device=handle)
        held = self._held_by(handle)
        if inside and held is not None:
            ledger.device_ended(held)
        browser.came_by()

    def _look_at_devices(self, browser: Browser) -> list[str]:
        """The list has those that are signed in, and no others; their handles."""
        answer = browser.get(_DEVICES)
        browser.came_by()
        if not browser.inside:
            return []
        browser.leaves()
        listed, other = given(answer, "devices"), self._other(browser)
        assert [device.here for device in listed] == [True, *[False] * other.inside]
        for device in listed:
            session = (browser if device.here else other).held.session
            assert session is not None
            self.ledger.devices[device.row.handle] = session
        return [device.row.handle for device in listed]

    def _held_by(self, handle: str) -> Held | None:
        """The browser that is signed in under that handle."""
        session = self.ledger.devices.get(handle)
        of_it = [one.held for one in self.browsers if one.inside and one.held.session is session]
        return of_it[0] if of_it else None

    def _other(self, browser: Browser) -> Browser:
        return self.browsers[0 if browser is self.browsers[1] else 1]

    @precondition(lambda self: self.ledger.trusts() and self.some(inside=True))
    @rule(seconds=SPANS, who=WHO, which=WHICH, choice=CHOICE, meanwhile=st.sampled_from(MEANWHILE))
    def trust_no_more(
        self, *, seconds: int, who: int, which: str, choice: int, meanwhile: str
    ) -> None:
        """One browser of those that are not asked again."""
        self.tick(seconds)
        browser, ledger = self._one(who, inside=True), self.ledger
        listed = self._look_at_trusted(browser)
        over = [number for number in ledger.trusted if number not in listed]
        found = {"one of them": listed, "over": over}.get(which, [])
        number = found[choice % len(found)] if found else 0
        happens = self.meanwhile(browser, meanwhile)
        if happens is not None:
            happens()
        inside = browser.inside
        browser.leaves()
        browser.post(f"{_TWO_STEP}/browsers/revoke", id=str(number))
        since = ledger.trusted.get(number, 0)
        if inside and since in ledger.trusts():
            ledger.trusts_no_more(since)
        browser.came_by()

    def _look_at_trusted(self, browser: Browser) -> list[int]:
        """The list has those that are not asked, and no others; their ids."""
        answer = browser.get(_TWO_STEP)
        browser.came_by()
        if not browser.inside or not self.ledger.on:
            return []
        rows = given(answer, "browsers")
        assert [row.made_at for row in rows] == self.ledger.trusts()
        self.ledger.trusted |= {row.pk: row.made_at for row in rows}
        return [row.pk for row in rows]


def _answering(key: SoftKey, how: str) -> SoftKey:
    """What answers: her passkey as it is or as it must not count, or another one."""
    return SoftKey(
        credential_id=b"of nobody" if how == "unknown" else key.credential_id,
        counter=key.counter + (how != "copied"),
        flags=PRESENT if how == "unverified" else PRESENT | VERIFIED,
        handle=None if how == "nameless" else key.handle,
        private=_FORGED if how == "forged" else KEY,
    )
