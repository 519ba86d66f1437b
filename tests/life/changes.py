"""The changes that an owner makes on the pages: what goes before, and the last request."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from django.http import HttpResponse

from life.browser import Browser
from life.held import DAY, MINUTE, Made, Step
from life.ledger import end_of_day_after
from sidegate.accounts import mail_programs, second_steps
from sidegate.accounts.second_steps import StepKind
from sidegate.events.catalogue import Kind
from sidegate.portal.grants import Area
from sidegate.storage.models import Account, AppPassword
from soft_key import SoftKey

KEY = SoftKey().private
"""One for all passkeys: they differ by their ids."""
NUMBERS = ("+37120000000", "+37121111111", "+37122222222")


@dataclass
class Last:
    """The last request of a change, and what must come of it where the browser may make it."""

    area: Area
    send: Callable[[], HttpResponse]
    then: Callable[[], None]
    still: Callable[[], bool] = lambda: True
    """Whether there is still something to change."""
    leaves_area: bool = False
    answers: bool = False
    """Whether it answers what was asked for in its area, for which there is more time."""


Prepare = Callable[[Browser, int], Last | None]
"""Does what goes before, with a number to choose by; `None` where it cannot go on."""


def shown(answer: HttpResponse, name: str) -> str:
    """What a page was given to show."""
    return str(cast("dict[str, object]", answer.context)[name])  # type: ignore[attr-defined]  # the test client's


def new_step(browser: Browser, kind: StepKind, **more: object) -> Step:
    """The second step that was stored just now."""
    known = {step.key for step in browser.ledger.steps}
    stored = second_steps.full(Account.objects.get())
    [new] = [step for step in stored if step.key not in known]
    assert new.kind is kind
    return Step(kind=kind, key=new.key, **more)  # type: ignore[arg-type]  # its fields


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


def _phone(browser: Browser, choice: int) -> _Proof | None:
    on, before = browser.ledger.on, browser.codes_sent()
    base = "/security/two-step/phones" if on else "/security/two-step"
    number = NUMBERS[choice % len(NUMBERS)]
    browser.post(f"{base}/new" if on else f"{base}/phone", number=number, channel="sms")
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


_DEVICES = {
    "windows": frozenset({"imap", "pop3", "submission"}),
    "printer": frozenset({"submission"}),
    "backup": frozenset({"imap"}),
}


def making_app_password(browser: Browser, choice: int) -> Last | None:
    page = "/security/app-passwords"
    once = shown(browser.get(page), "once")
    device = [*_DEVICES][choice % len(_DEVICES)]
    day, until = end_of_day_after(browser.now) if choice % 2 else ("", None)
    answers: list[HttpResponse] = []

    def send() -> HttpResponse:
        fields = {"app": "mail", "device": device, "once": once, "expires": day}
        answers.append(browser.post(page, **fields))
        return answers[0]

    def then() -> None:
        secret = shown(answers[0], "password").replace(" ", "")
        row = AppPassword.objects.order_by("-pk")[0]
        ledger = browser.ledger
        ledger.secrets.add(secret)
        ledger.made.append(Made(row.pk, secret, _DEVICES[device], browser.now, until))
        ledger.expected.append(Kind.APP_PASSWORD_MADE)

    def still() -> bool:
        # Whoever comes back after the day that was chosen is asked for another.
        return browser.ledger.on and (until is None or browser.now < until)

    return Last(Area.APP_PASSWORDS, send, then, still=still)


def revoking(browser: Browser, choice: int) -> Last | None:
    made = _one(browser, choice)
    if made is None:
        return None
    return Last(
        Area.APP_PASSWORDS,
        send=lambda: browser.post("/security/app-passwords/revoke", id=str(made.id)),
        then=lambda: browser.ledger.revoke(made),
    )


def revoking_all(browser: Browser, choice: int) -> Last | None:
    del choice
    return Last(
        Area.APP_PASSWORDS,
        send=lambda: browser.post("/security/app-passwords/revoke-all"),
        then=browser.ledger.revoke_all,
    )


def switching(browser: Browser, choice: int) -> Last | None:
    """Pause one, or let it go on."""
    made = _one(browser, choice)
    if made is None:
        return None
    paused = not made.paused

    def then() -> None:
        if not made.revoked:
            made.paused = paused
            made.resumed_at = made.resumed_at if paused else browser.ledger.now()
            kind = Kind.APP_PASSWORD_PAUSED if paused else Kind.APP_PASSWORD_RESUMED
            browser.ledger.expected.append(kind)

    path = f"/security/app-passwords/{made.id}/switch"
    to = "paused" if paused else "active"
    return Last(Area.APP_PASSWORDS, lambda: browser.post(path, to=to), then)


def _one(browser: Browser, choice: int) -> Made | None:
    active = browser.ledger.active()
    return active[choice % len(active)] if active else None


def changing_password(browser: Browser, choice: int) -> Last | None:
    ledger = browser.ledger
    new = f"password number {ledger.version + 1} of many"
    keep = {"keep_app_passwords": "on"} if choice % 2 else {}
    return Last(
        Area.PASSWORD,
        send=lambda: browser.post("/security/password", new_password=new, **keep),
        then=lambda: ledger.changed_password(new, keep=bool(keep), by=browser.held),
        leaves_area=True,
    )


CHANGES: dict[str, tuple[Area, Prepare]] = {
    "turn on with a phone": (Area.TURN_ON, turning_on(StepKind.PHONE)),
    "turn on with an app": (Area.TURN_ON, turning_on(StepKind.AUTHENTICATOR)),
    "turn on with a passkey": (Area.TURN_ON, turning_on(StepKind.PASSKEY)),
    "turn off": (Area.TURN_OFF, turning_off),
    "add a phone": (Area.STEPS, adding(StepKind.PHONE)),
    "add an app": (Area.STEPS, adding(StepKind.AUTHENTICATOR)),
    "add a passkey": (Area.STEPS, adding(StepKind.PASSKEY)),
    "remove a second step": (Area.STEPS, removing),
    "make backup codes": (Area.STEPS, making_backup_codes),
    "make an app password": (Area.APP_PASSWORDS, making_app_password),
    "revoke": (Area.APP_PASSWORDS, revoking),
    "revoke all": (Area.APP_PASSWORDS, revoking_all),
    "pause or resume": (Area.APP_PASSWORDS, switching),
    "change the password": (Area.PASSWORD, changing_password),
}
UNASKED = ("turn off", "remove a second step", "revoke", "revoke all", "pause or resume",
           "change the password")  # fmt: skip
"""Those whose last request can be sent with nothing before it."""
