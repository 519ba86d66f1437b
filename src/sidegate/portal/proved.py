"""A second step that was proved in this browser, until 2-step is turned on with it."""

from __future__ import annotations

import base64
from dataclasses import fields
from typing import Any

from sidegate.accounts.second_steps import NewAuthenticator, NewPasskey, NewPhone, NewStep
from sidegate.factors.one_time_code import LIFETIME
from sidegate.pages.context import context
from sidegate.portal.visitors import PortalRequest

_KEY = "turn_on_proved"
_KINDS: dict[str, type[NewStep]] = {
    new.kind.value: new for new in (NewPhone, NewAuthenticator, NewPasskey)
}


def keep(request: PortalRequest, new: NewStep) -> None:
    """Remember it, for as long as a code is good."""
    packed = {field.name: _packed(getattr(new, field.name)) for field in fields(new)}
    request.session[_KEY] = (new.kind.value, packed, context().now())


def kept(request: PortalRequest) -> NewStep | None:
    """The one that was proved last; `None` where that was too long ago."""
    kind, packed, at = request.session.get(_KEY, ("", {}, 0))
    if kind not in _KINDS or context().now() - at > LIFETIME:
        return None
    return _KINDS[kind](**{name: _unpacked(value) for name, value in packed.items()})


def forget(request: PortalRequest) -> None:
    """It was used."""
    request.session.pop(_KEY, None)


def _packed(value: str | int | bytes) -> str | int | list[str]:
    # In a list, because JSON has no bytes.
    return [base64.b64encode(value).decode()] if isinstance(value, bytes) else value


def _unpacked(value: Any) -> Any:  # noqa: ANN401 - as the fields of each kind are
    return base64.b64decode(value[0]) if isinstance(value, list) else value
