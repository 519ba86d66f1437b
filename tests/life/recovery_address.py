"""The recovery address: set by a code that was sent to it, removed."""

from __future__ import annotations

from http import HTTPStatus

from life.browser import GATES, Browser
from life.held import HOUR, MINUTE
from life.house import ELSEWHERE
from life.last import Last
from life.told import notices_of
from sidegate.events.catalogue import Kind
from sidegate.portal.grants import Area
from sidegate.storage.models import Job

_PAGE = GATES[Area.RECOVERY_ADDRESS]
_ADDRESSES = (ELSEWHERE, "anna@third.test", "anna@fourth.test")
_WRONG_TRIES = {4: 1, 5: 5}
"""Wrong codes that are typed first, by what was chosen; five are too many."""


def setting(browser: Browser, choice: int) -> Last | None:
    """Have a code sent to a new address, and type it in."""
    ledger, address = browser.ledger, _ADDRESSES[choice % len(_ADDRESSES)]
    few = sum(at > browser.now - HOUR for at in ledger.asked) < 5
    answer = browser.post(_PAGE, address=address)
    assert (answer.status_code == HTTPStatus.FOUND) is few
    if not few:
        return None
    asked = ledger.asked_for_address(address)
    code = _code_sent(browser)
    browser.held.asked_for(browser.now, lifetime=30 * MINUTE)
    for _time in range(_WRONG_TRIES.get(choice, 0)):
        asked.tries += 1
        browser.post(f"{_PAGE}/code", code="000000" if code != "000000" else "111111")

    def still() -> bool:
        return ledger.address_asked is asked and browser.now < asked.until and asked.tries < 5

    def then() -> None:
        ledger.address_asked = None
        ledger.set_address(address)

    return Last(
        Area.RECOVERY_ADDRESS,
        send=lambda: browser.post(f"{_PAGE}/code", code=code),
        then=then,
        still=still,
        leaves_area=True,
        answers=True,
    )


def _code_sent(browser: Browser) -> str:
    job = Job.objects.filter(kind="notice").order_by("-pk")[:1]
    [(_job, notice)] = notices_of(browser.house.here.context, job)
    assert notice.kind == Kind.RECOVERY_ADDRESS_ASKED
    browser.ledger.secrets.add(notice.code)
    return notice.code


def removing_address(browser: Browser, choice: int) -> Last | None:
    del choice
    return Last(
        Area.RECOVERY_ADDRESS,
        send=lambda: browser.post(f"{_PAGE}/remove"),
        then=lambda: browser.ledger.set_address(""),
        leaves_area=True,
    )
