"""A browser of the owner's, or of somebody who knows her password, and what it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from django.http import HttpResponse
from django.test import Client

from life.held import Held, Pending, Reset, SentCode, Step
from life.house import ADDRESS, House
from life.ledger import Ledger
from sidegate.accounts.second_steps import StepKind
from sidegate.portal.grants import Area
from sidegate.storage.models import Account
from soft_key import SoftKey

How = Literal["right", "wrong", "used"]
Stage = Literal["sign-in", "confirm"]

PAGES: dict[tuple[Stage, StepKind], str] = {
    ("sign-in", StepKind.PASSKEY): "/signin/step/passkey",
    ("sign-in", StepKind.AUTHENTICATOR): "/signin/app",
    ("sign-in", StepKind.PHONE): "/signin/code",
    ("sign-in", StepKind.BACKUP_CODES): "/signin/backup-code",
    ("confirm", StepKind.PASSKEY): "/security/passkey",
    ("confirm", StepKind.AUTHENTICATOR): "/security/app",
    ("confirm", StepKind.PHONE): "/security/code",
    ("confirm", StepKind.BACKUP_CODES): "/security/backup-code",
}
_WAYS: dict[Stage, str] = {"sign-in": "/signin/another-way", "confirm": "/security/another-way"}
GATES = {
    Area.PASSWORD: "/security/password",
    Area.TURN_ON: "/security/two-step/phone",
    Area.TURN_OFF: "/security/two-step/turn-off",
    Area.STEPS: "/security/two-step/backup-codes",
    Area.APP_PASSWORDS: "/security/app-passwords",
    Area.RECOVERY_ADDRESS: "/personal/recovery-address",
}
"""A page of each area, which asks for the password."""
RECOVERY, NEW_PASSWORD = "/signin/recovery", "/signin/new-password"
STRANGE = SoftKey(credential_id=b"a passkey that nobody added")


@dataclass
class Browser:
    """Sends what a person would, and keeps in `held` what must come of it."""

    name: str
    address: str
    house: House
    ledger: Ledger
    held: Held
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        agent = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"
        headers = {"host": "localhost:8025", "user-agent": agent}
        self.client = Client(headers=headers, REMOTE_ADDR=self.address)

    @property
    def now(self) -> int:
        return self.ledger.now()

    @property
    def inside(self) -> bool:
        return self.ledger.inside(self.held)

    @property
    def cookies(self) -> dict[str, str]:
        return {name: morsel.value for name, morsel in self.client.cookies.items()}

    def get(self, path: str) -> HttpResponse:
        self._is_seen(path)
        return cast("HttpResponse", self.client.get(path))

    def post(self, path: str, **fields: str | list[str]) -> HttpResponse:
        self._is_seen(path)
        return cast("HttpResponse", self.client.post(path, fields))

    def _is_seen(self, path: str) -> None:
        """A page that asks for a sign-in: a session that still holds goes on."""
        open_to_all = path.startswith(("/signin", "/lock"))
        if not open_to_all and self.held.session is not None and self.inside:
            self.held.session.saved = self.now

    def options(self, page: str) -> dict[str, Any] | None:
        """What a page asks of passkeys; `None` where it asks nothing."""
        answer = self.post(f"{page}/options")
        found: dict[str, Any] | None = json.loads(answer.content) if _ok(answer) else None
        return found

    def came_by(self) -> None:
        """A page was asked for: a session that no longer holds is over."""
        if self.held.session is not None and not self.inside:
            self.held.sign_out()

    def leaves(self, *areas: Area) -> None:
        """A page outside closes the area that was open."""
        if self.held.area is not None and self.held.area[0] not in areas:
            self.held.leave()

    def type_password(self, secret: str, *, meanwhile: Callable[[], None] | None) -> None:
        """The first stage of a sign-in; `meanwhile` happens while the password is hashed."""
        was_inside, version = self.inside, self.ledger.version
        right = secret == self.ledger.password and self.ledger.enabled
        before = self.codes_sent()
        self.house.judge.meanwhile = meanwhile
        answer = self.post("/signin", email=ADDRESS, password=secret)
        self.house.judge.meanwhile = None
        if was_inside:
            assert _where(answer) == "/"
        elif not right or not self.ledger.enabled or self.ledger.version != version:
            assert _ok(answer), f"{secret!r} opened the first stage"
        else:
            self._went_on(answer, before)

    def _went_on(self, answer: HttpResponse, before: int) -> None:
        """The password was right: in, or asked for the second step."""
        held, ledger = self.held, self.ledger
        trusted = held.trusted is not None and self.now < held.trusted + 30 * 24 * 3_600_000
        if ledger.on and not trusted:
            held.sign_out()
            held.pending = Pending(self.now, ledger.version)
            self._asked_for_step(answer, before)
        else:
            assert _where(answer) == "/"
            second_at = held.trusted if ledger.on else None
            ledger.signed_in(held, second_at=second_at)

    def _asked_for_step(self, answer: HttpResponse, before: int) -> None:
        """At the page of the best second step; at the recovery's, where this browser began one."""
        ledger = self.ledger
        if ledger.recovery is not None and ledger.recovery.began_in is self.held:
            assert _where(answer) == RECOVERY
            return
        if _where(answer) == RECOVERY:
            # Its cookie ends with the recovery; here the clock moves, and no cookie ends.
            assert "sidegate-recovery" in self.client.cookies
            return
        best = ledger.best()
        assert _where(answer) in (PAGES["sign-in", best], _WAYS["sign-in"]), _where(answer)
        if best is StepKind.PHONE:
            self.note_code("sign-in", before)

    def use_link(self, reset: Reset) -> None:
        """The link of a message to the recovery address."""
        ledger, before = self.ledger, self.codes_sent()
        right = ledger.counts(reset)
        answer = self.post(f"/signin/reset/{reset.token}")
        assert (answer.status_code == 302) is right
        if not right:
            return
        reset.used = True
        self.held.sign_out()
        self.held.pending = Pending(self.now, ledger.version, by_mail=True)
        if ledger.on:
            self._asked_for_step(answer, before)
        else:
            assert _where(answer) == NEW_PASSWORD

    def set_password(self, new: str) -> None:
        """The end of a forgotten password: a new one, and every browser is out."""
        ledger, before = self.ledger, self.codes_sent()
        may, pending = ledger.may_set_password(self.held), self.held.pending
        answer = self.post(NEW_PASSWORD, new_password=new)
        assert (
            _where(answer) == "/signin" and Account.objects.get().password_version > ledger.version
        ) is may
        if may:
            if pending is not None and pending.recovered and ledger.recovery is not None:
                ledger.recovered()
            ledger.changed_password(new, keep=False)
            self.held.sign_out()
        elif _where(answer) in PAGES.values():
            self.note_code("sign-in", before)
        elif _where(answer) == "/signin/forgot":
            self.held.sign_out()

    def first_stage(self) -> bool:
        """Whether this browser is past it; the password is typed where that was long ago."""
        if not self.ledger.waits(self.held) and not self.inside:
            self.type_password(self.ledger.password, meanwhile=None)
        return self.held.pending is not None

    def recover(self) -> None:
        """Begin a recovery, or finish one that has waited long enough."""
        ledger, held = self.ledger, self.held
        if ledger.recovery is None:
            may = ledger.may_recover(held)
            self.post(f"{RECOVERY}/start")
            if may:
                ledger.recovery_began(held)
            return
        may, pending = ledger.may_finish(held), held.pending
        answer = self.post(f"{RECOVERY}/finish")
        went = _where(answer) in ("/security/two-step", NEW_PASSWORD)
        assert went is may, f"a recovery was {'' if went else 'not '}finished"
        if not may or pending is None:
            return
        if pending.by_mail:
            pending.recovered = True
            return
        ledger.recovered()
        ledger.signed_in(held, second_at=None)

    def codes_sent(self) -> int:
        return len(self.house.here.sender.sent)

    def note_code(self, purpose: str, before: int) -> str:
        """The code that was sent since; empty where a limit kept it back."""
        new = [sent for sent in self.house.here.sender.sent[before:] if sent["code"]]
        if not new:
            return ""
        code, number = new[-1]["code"], new[-1]["number"]
        self.held.sent = SentCode(purpose, code, number, self.now)
        self.ledger.code_sent(number)
        self.ledger.secrets.add(code)
        return code

    def second_step(self, stage: Stage, kind: StepKind, how: How, *, trust: bool = False) -> bool:
        """Give a second step at one of its pages; whether it was right, which it must be."""
        give = {
            StepKind.PASSKEY: self._passkey,
            StepKind.AUTHENTICATOR: self._app_code,
            StepKind.PHONE: self._phone_code,
            StepKind.BACKUP_CODES: self._backup_code,
        }[kind]
        fields, used_up = give(stage, how)
        if fields is None:
            return False
        may = self.ledger.waits(self.held) if stage == "sign-in" else self.inside
        answer = self.post(PAGES[stage, kind], **fields, **({"trust": "on"} if trust else {}))
        right = may and used_up is not None
        if used_up is not None and may:
            used_up()
        where = _where(answer)
        by_mail = self.held.pending is not None and self.held.pending.by_mail
        on_its_way = not where.startswith("/signin")
        if stage == "sign-in" and by_mail:
            on_its_way = where == NEW_PASSWORD
        went = answer.status_code == 302 and on_its_way
        assert right == (went and _where(answer) != "/security"), (
            f"{how} {kind} at {stage}: {_where(answer) or answer.status_code}"
        )
        return right

    def _phone_code(self, stage: Stage, how: How) -> tuple[dict[str, str] | None, _UsedUp]:
        if self.held.sent is None or self.held.sent.purpose != stage:
            self.ask_for_code(stage)
        sent = self.held.sent
        if sent is None:
            return None, None
        code = self.ledger.spent_code() if how == "used" else sent.code
        if how == "wrong":
            code = "000000" if sent.code != "000000" else "111111"
        if code is None:
            return None, None
        known = any(step.number == sent.number for step in self.ledger.steps)
        alive = not sent.used and self.now < sent.at + 600_000 and sent.tries < 5
        right = code == sent.code and alive and known
        sent.tries += alive and not right
        if alive and code == sent.code and not known:
            sent.used = True  # spent, though its number is gone; it may come back
        return {"code": code}, (lambda: self._used_code(sent)) if right else None

    def _used_code(self, sent: SentCode) -> None:
        sent.used = True
        self.held.sent = None
        self.ledger.spent_codes.append(sent.code)

    def ask_for_code(self, stage: Stage) -> None:
        phones = self.ledger.of_kind(StepKind.PHONE)
        if not phones:
            return
        before = self.codes_sent()
        number = phones[-1].key.removeprefix("phone-")
        answer = self.post(_WAYS[stage], way=f"{number}-sms")
        if _where(answer) == PAGES[stage, StepKind.PHONE]:
            assert self.note_code(stage, before), "a page asks for a code that was not sent"

    def _app_code(self, stage: Stage, how: How) -> tuple[dict[str, str] | None, _UsedUp]:
        del stage
        apps = self.ledger.of_kind(StepKind.AUTHENTICATOR)
        good = {code: (app, step) for app in apps for code, step in app.codes(self.now).items()}
        code = next(iter(good), None) if how == "right" else self.ledger.spent_code()
        if how == "wrong" or code is None:
            code = next(f"{n:06}" for n in range(10) if f"{n:06}" not in good)
        if code not in good:
            return {"code": code}, None
        return {"code": code}, lambda: self._used_app(*good[code], code)

    def _used_app(self, app: Step, step: int, code: str) -> None:
        app.last_step = step
        self.ledger.spent_codes.append(code)

    def _backup_code(self, stage: Stage, how: How) -> tuple[dict[str, str] | None, _UsedUp]:
        del stage
        left = [code for code, used in self.ledger.backup.items() if not used]
        code = "zzzzz zzzzz"
        if how == "used" and self.ledger.spent_backup:
            code = self.ledger.spent_backup[-1]
        if how == "right" and left:
            code = left[0]
            return {"code": code}, lambda: self.ledger.used_backup(code)
        return {"code": code}, None

    def _passkey(self, stage: Stage, how: How) -> tuple[dict[str, str] | None, _UsedUp]:
        keys = [step.passkey for step in self.ledger.of_kind(StepKind.PASSKEY) if step.passkey]
        asked = self.options(PAGES[stage, StepKind.PASSKEY])
        if asked is None:
            return {"passkey": "{}"}, None
        if how == "wrong" or not keys:
            return {"passkey": STRANGE.get(asked)}, None
        key = keys[-1]
        if how == "used":  # a copy of it answers: its counter stands where it stood
            may = self.ledger.waits(self.held) if stage == "sign-in" else self.inside
            if may:
                self.ledger.copied()
            return {"passkey": key.get(asked)}, None
        key.counter += 1
        return {"passkey": key.get(asked)}, lambda: None

    def enter(
        self,
        area: Area,
        kind: StepKind,
        how: How = "right",
        *,
        meanwhile: Callable[[], None] | None = None,
    ) -> bool:
        """Go into an area: the password, and a second step where one is needed."""
        ledger, held = self.ledger, self.held
        self.leaves(area)
        if ledger.holds(held, area):
            return True
        before, secret, version = self.codes_sent(), ledger.password, ledger.version
        may, on = self.inside and ledger.applies(area), ledger.on
        self.house.judge.meanwhile = meanwhile
        answer = self.post(GATES[area], password=secret)
        self.house.judge.meanwhile = None
        self.came_by()
        if not may or not self.inside or not ledger.enabled or ledger.version != version:
            assert not self._went_in(answer, area) or not self.inside
            return False
        if not on or ledger.fresh(held):
            held.area = (area, self.now)
            return True
        if ledger.best() is StepKind.PHONE:
            self.note_code("confirm", before)
        if not self.second_step("confirm", kind, how):
            return False
        if held.session is not None:
            held.session.second_at = self.now
        held.area = (area, self.now)
        return True

    @staticmethod
    def _went_in(answer: HttpResponse, area: Area) -> bool:
        return _where(answer) == GATES[area]

    def choose_language(self, language: str) -> None:
        """Another language of pages and messages changes nothing else."""
        inside = self.inside
        self.leaves()
        self.post("/personal/language", language=language)
        self.came_by()
        if inside:
            self.ledger.speaks(language)

    def sign_out(self) -> None:
        self.post("/signout")
        if self.held.session is not None:
            self.held.sign_out()


_UsedUp = Callable[[], None] | None
"""What a right answer uses up; `None` for a wrong one."""


def _ok(answer: HttpResponse) -> bool:
    return answer.status_code == 200


def _where(answer: HttpResponse) -> str:
    return str(answer.headers.get("Location", "")).partition("?")[0]
