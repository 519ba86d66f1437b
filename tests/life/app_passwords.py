"""App passwords: made, revoked, paused, limited or let do more."""

from __future__ import annotations

from django.http import HttpResponse

from life.browser import Browser
from life.held import Made
from life.last import Last, shown
from life.ledger import end_of_day_after
from sidegate.events.catalogue import Kind
from sidegate.portal.grants import Area
from sidegate.storage.models import AppPassword

_DEVICES = {
    "windows": frozenset({"imap", "pop3", "submission"}),
    "printer": frozenset({"submission"}),
    "backup": frozenset({"imap"}),
}

_SCOPES = (
    frozenset({"submission"}),
    frozenset({"imap", "pop3", "submission"}),
    frozenset({"imap"}),
)


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
        scopes = _DEVICES[device]
        ledger.made.append(Made(row.pk, secret, device, scopes, browser.now, until))
        ledger.happens(Kind.APP_PASSWORD_MADE)

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
            made.more_at = made.more_at if paused else browser.ledger.now()
            kind = Kind.APP_PASSWORD_PAUSED if paused else Kind.APP_PASSWORD_RESUMED
            browser.ledger.happens(kind)

    path = f"/security/app-passwords/{made.id}/switch"
    to = "paused" if paused else "active"
    return Last(Area.APP_PASSWORDS, lambda: browser.post(path, to=to), then)


def limiting(browser: Browser, choice: int) -> Last | None:
    """Another name, last day and scopes; what needs less than everything keeps its own."""
    made = _one(browser, choice)
    if made is None:
        return None
    ledger, chosen = browser.ledger, _SCOPES[choice % len(_SCOPES)]
    day, until = end_of_day_after(browser.now) if choice % 2 else ("", None)
    fields: dict[str, str | list[str]] = {
        "name": f"Name {choice}",
        "scopes": sorted(chosen),
        "expires": day,
    }
    scopes = chosen if made.device == "windows" else made.scopes
    return Last(
        Area.APP_PASSWORDS,
        send=lambda: browser.post(f"/security/app-passwords/{made.id}", **fields),
        then=lambda: ledger.limited(made, scopes, until, f"Name {choice}"),
        still=lambda: not made.revoked and (until is None or browser.now < until),
    )


def _one(browser: Browser, choice: int) -> Made | None:
    active = browser.ledger.active()
    return active[choice % len(active)] if active else None
