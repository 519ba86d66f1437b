"""What the endpoints of the HTTP door share: the installation's texts, and errors in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.responses import JSONResponse

from sidegate.doors.replies import MAX_TEXT
from sidegate.wire.text import one_line

NO_STORE = {"Cache-Control": "no-store"}


class Texts(NamedTuple):
    """What clients are told, in this installation's words, each on one line."""

    refusal: str
    disabled: str
    cannot_tell: str


def texts(*, refusal: str, disabled: str, cannot_tell: str) -> Texts:
    """The texts, cut to what every protocol carries."""
    return Texts(*(one_line(text, MAX_TEXT) for text in (refusal, disabled, cannot_tell)))


def json(body: Mapping[str, Any], *, status: int = 200) -> JSONResponse:
    """An answer that nobody keeps."""
    return JSONResponse(dict(body), status_code=status, headers=NO_STORE)


def error(status: int, text: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """What is wrong with a request; `text` never holds what was sent."""
    return JSONResponse(
        {"error": text}, status_code=status, headers={**NO_STORE, **(headers or {})}
    )
