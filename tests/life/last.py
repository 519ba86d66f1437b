"""A change that an owner makes on the pages: what goes before, and the last request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpResponse

from life.browser import Browser
from life.held import Step
from sidegate.accounts import second_steps
from sidegate.accounts.second_steps import StepKind
from sidegate.portal.grants import Area
from sidegate.storage.models import Account
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


def given(answer: HttpResponse, name: str) -> Any:  # noqa: ANN401 - whatever it is
    """What a page was given to show."""
    return cast("dict[str, Any]", answer.context)[name]  # type: ignore[attr-defined]  # the test client's


def shown(answer: HttpResponse, name: str) -> str:
    """The same, as text."""
    return str(given(answer, name))


def new_step(browser: Browser, kind: StepKind, **more: object) -> Step:
    """The second step that was stored just now."""
    known = {step.key for step in browser.ledger.steps}
    stored = second_steps.full(Account.objects.get())
    [new] = [step for step in stored if step.key not in known]
    assert new.kind is kind
    return Step(kind=kind, key=new.key, **more)  # type: ignore[arg-type]  # its fields
