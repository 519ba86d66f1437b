"""All that is kept about an account, as one file for its owner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.text import get_valid_filename
from django.views.decorators.http import require_POST

from sidegate.accounts import own_data
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal import gate
from sidegate.portal.grants import Area, inside
from sidegate.portal.visitors import PortalRequest


@inside(Area.OWN_DATA)
def page(request: PortalRequest) -> HttpResponse:
    """What is in the file, and the button."""
    if (asked := gate.ask(request, Area.OWN_DATA)) is not None:
        return asked
    return render(request, "portal/own_data.html", {"sends_mail": context().config.sends_mail})


@require_POST
@inside(Area.OWN_DATA)
def file(request: PortalRequest) -> HttpResponseBase:
    """The file."""
    if (back := gate.lead_back(request, Area.OWN_DATA, "own-data")) is not None:
        return back
    pieces = own_data.take(context(), account=request.account, origin=origin_of(request))
    name, address = context().config.server.name, request.account.address.replace("@", "_")
    filename = get_valid_filename(f"{name}-{address}-data.json")
    answer = StreamingHttpResponse(_sent(pieces), content_type="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


async def _sent(pieces: Iterator[str]) -> AsyncIterator[bytes]:
    """The pieces, each read in the request's thread once the one before it has gone out."""
    while (piece := await sync_to_async(_next)(pieces)) is not None:
        yield piece.encode()


def _next(pieces: Iterator[str]) -> str | None:
    return next(pieces, None)
