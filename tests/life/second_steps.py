"""Second steps and 2-step itself: turned on, added, changed, removed, turned off."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpResponse

from life.browser import Browser
from life.held import DAY, MINUTE, Step
from life.last import KEY, NUMBERS, Last, Prepare, new_step, shown
from sidegate.accounts import mail_programs
from sidegate.accounts.second_steps import StepKind
from sidegate.portal.grants import Area
from sidegate.storage.models import Account
from soft_key import SoftKey


@dataclass
class _Proof:
    """A second step that can be added: the request that proves it, and what it is."""

    send: Callable[[], HttpResponse]
    kind: StepKind
    more: dict[str, object]
    good_until: int
    """For how long it proves anything."""
    answers: bool = False
    """Whether it was asked for, and is waited for."""


def _phone(browser: Browser, choice: int, replaces: str = "") -> _Proof | None:
    """A number that a code was sent to; it may take the place of another phone."""
    on, before = browser.ledger.on, browser.codes_sent()
    base = "/security/two-step/phones" if on else "/security/two-step"
    number = NUMBERS[choice % len(NUMBERS)]
    page = f"{base}/new" if on else f"{base}/phone"
    page = f"{base}/{replaces}/number" if replaces else page
    browser.post(page, number=number, channel="sms")
    code = browser.note_code("add-phone" if on else "turn-on", before)
    if not code:
        return None

    def send() -> HttpResponse:
        return browser.post(f"{base}/code", code=code)

    browser.held.asked_for(browser.now, lifetime=10 * MINUTE)
    good_until = browser.held.answer_by
    return _Proof(send, StepKind.PHONE, {"number": number}, good_until, answers=True)


def _app(browser: Browser, choice: int) -> _Proof | None:
    del choice
    page = browser.get("/security/two-step/app")
    step = Step(StepKind.AUTHENTICATOR, "", secret=shown(page, "key").replace(" ", ""))
    browser.ledger.secrets |= {step.secret, _raw(step.secret)}
    more: dict[str, object] = {"secret": step.secret}

    def send() -> HttpResponse:
        code, more["last_step"] = next(iter(step.codes(browser.now).items()))
        browser.ledger.spent_codes.append(code)
        return browser.post("/security/two-step/app", code=code)

    return _Proof(send, step.kind, more, browser.now + DAY)


def _raw(secret: str) -> str:
    return base64.b32decode(secret).hex()


def _passkey(browser: Browser, choice: int) -> _Proof | None:
    page = "/security/two-step/passkey"
    asked = browser.options(page)
    assert asked is not None
    name = f"passkey {browser.now} {choice}".encode()
    key = SoftKey(credential_id=name, counter=1, private=KEY)
    fields = {"new-passkey": key.create(asked), "name": "A key"}
    browser.held.asked_for(browser.now, lifetime=5 * MINUTE)
    return _Proof(
        lambda: browser.post(page, **fields),
        StepKind.PASSKEY,
        {"passkey": key},
        browser.held.answer_by,
        answers=True,
    )


_PROOFS = {
    StepKind.PHONE: _phone,
    StepKind.AUTHENTICATOR: _app,
    StepKind.PASSKEY: _passkey,
}


def turning_on(kind: StepKind) -> Prepare:
    """Turn 2-step on with a second step of this kind."""

    def prepare(browser: Browser, choice: int) -> Last | None:
        proof = _PROOFS[kind](browser, choice)
        if proof is None:
            return None
        proved_at = browser.now
        proof.send()
        browser.held.sent = None
        account = Account.objects.get()
        programs = mail_programs.lately(account.pk, now=browser.now)
        goes_on = {"goes-on": programs[0].key} if programs and choice % 2 else {}

        def then() -> None:
            step = new_step(browser, proof.kind, **proof.more)
            browser.ledger.turned_on(step, goes_on=bool(goes_on), by=browser.held)

        return Last(
            Area.TURN_ON,
            send=lambda: browser.post("/security/two-step/turn-on", **goes_on),
            then=then,
            still=lambda: not browser.ledger.on and browser.now - proved_at <= 10 * MINUTE,
            leaves_area=True,
        )

    return prepare


def adding(kind: StepKind) -> Prepare:
    """Add one more second step."""

    def prepare(browser: Browser, choice: int) -> Last | None:
        taken = {step.number for step in browser.ledger.steps}
        if kind is StepKind.PHONE and NUMBERS[choice % len(NUMBERS)] in taken:
            return None
        proof = _PROOFS[kind](browser, choice)
        if proof is None:
            return None

        def still() -> bool:
            return browser.ledger.on and browser.now < proof.good_until

        def then() -> None:
            browser.held.sent = None
            browser.ledger.added(new_step(browser, proof.kind, **proof.more))

        send, answers = proof.send, proof.answers
        return Last(Area.STEPS, send=send, then=then, still=still, answers=answers)

    return prepare


def changing_number(browser: Browser, choice: int) -> Last | None:
    """Put a number that is verified by a code in the place of another one."""
    ledger = browser.ledger
    phones = ledger.of_kind(StepKind.PHONE)
    free = [at for at, number in enumerate(NUMBERS) if number not in {one.number for one in phones}]
    if not phones or not free:
        return None
    old = phones[choice % len(phones)]
    proof = _phone(browser, free[choice % len(free)], old.key)
    if proof is None:
        return None

    def still() -> bool:
        return ledger.on and ledger.has(old.key) and browser.now < proof.good_until

    def then() -> None:
        browser.held.sent = None
        ledger.changed_number(old, new_step(browser, proof.kind, **proof.more), by=browser.held)

    return Last(Area.STEPS, proof.send, then, still=still, answers=True)


def turning_off(browser: Browser, choice: int) -> Last | None:
    del choice
    ledger = browser.ledger
    return Last(
        Area.TURN_OFF,
        send=lambda: browser.post("/security/two-step/turn-off"),
        then=lambda: ledger.turned_off(by=browser.held),
        still=lambda: ledger.on,
        leaves_area=True,
    )


def removing(browser: Browser, choice: int) -> Last | None:
    """Remove one of the second steps; the last one must stay."""
    ledger = browser.ledger
    keys = [step.key for step in ledger.steps]
    if any(not used for used in ledger.backup.values()):
        keys.append("backup-codes-0")
    if not keys:
        return None
    key = keys[choice % len(keys)]
    return Last(
        Area.STEPS,
        send=lambda: browser.post(f"/security/two-step/steps/{key}/remove"),
        then=lambda: ledger.removed(key, by=browser.held),
        still=lambda: ledger.on and ledger.has(key),
    )


def making_backup_codes(browser: Browser, choice: int) -> Last | None:
    del choice
    page = "/security/two-step/backup-codes"
    browser.post(page, make="1")
    codes = shown(browser.get(page), "codes").split("\n")
    plain = [re.sub("[^a-z0-9]", "", code.lower()) for code in codes]
    return Last(
        Area.STEPS,
        send=lambda: browser.post(page, code=codes[0]),
        then=lambda: browser.ledger.backup_made(plain),
        still=lambda: browser.ledger.on,
    )
