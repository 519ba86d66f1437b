"""The changes that an owner makes on the pages, by name."""

from __future__ import annotations

from life.app_passwords import (
    limiting,
    making_app_password,
    revoking,
    revoking_all,
    switching,
)
from life.browser import Browser
from life.last import Last, Prepare
from life.recovery_address import removing_address, setting
from life.second_steps import (
    adding,
    changing_number,
    making_backup_codes,
    removing,
    turning_off,
    turning_on,
)
from sidegate.accounts.second_steps import StepKind
from sidegate.portal.grants import Area


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
    "change a number": (Area.STEPS, changing_number),
    "remove a second step": (Area.STEPS, removing),
    "make backup codes": (Area.STEPS, making_backup_codes),
    "make an app password": (Area.APP_PASSWORDS, making_app_password),
    "revoke": (Area.APP_PASSWORDS, revoking),
    "revoke all": (Area.APP_PASSWORDS, revoking_all),
    "pause or resume": (Area.APP_PASSWORDS, switching),
    "limit or let do more": (Area.APP_PASSWORDS, limiting),
    "set the recovery address": (Area.RECOVERY_ADDRESS, setting),
    "remove the recovery address": (Area.RECOVERY_ADDRESS, removing_address),
    "change the password": (Area.PASSWORD, changing_password),
}
UNASKED = ("turn off", "remove a second step", "revoke", "revoke all", "pause or resume",
           "limit or let do more", "remove the recovery address",
           "change the password")  # fmt: skip
"""Those whose last request can be sent with nothing before it."""
