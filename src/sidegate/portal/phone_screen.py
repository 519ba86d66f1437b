"""The page `/phone`: the codes of the `screen` sender, for trying things out.

It is there only while a `screen` sender is set and only for this machine itself: the
host of `[server] url` is loopback, the Host header is the same, and nothing forwarded
the request.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from sidegate.config import Config
from sidegate.pages.context import context
from sidegate.portal.middleware import open_to_all

OUTBOX = "outbox.jsonl"
_SHOWN = 10
_TAIL_BYTES = 16_384
_FORWARDING = (
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
    "fly-client-ip",
)


@open_to_all
def page(request: HttpRequest) -> HttpResponse:
    """The newest codes first."""
    config = context().config
    if not _is_here(request, config):
        raise Http404
    return render(request, "portal/phone.html", {"codes": _codes(config.data / OUTBOX)})


def _is_here(request: HttpRequest, config: Config) -> bool:
    forwarded = any(
        name.lower().startswith("x-forwarded") or name.lower() in _FORWARDING
        for name in request.headers
    )
    return (
        config.shows_codes_on_screen
        and config.is_loopback
        and request.get_host().lower() == urlsplit(config.server.url).netloc.lower()
        and not forwarded
    )


def _codes(outbox: Path) -> list[dict[str, Any]]:
    entries = []
    for line in reversed(_last_lines(outbox)):
        try:
            entry = json.loads(line)
            at = datetime.fromisoformat(entry["at"])
        except (ValueError, KeyError, TypeError):
            continue  # the first line of the tail may be cut
        # The number as the outbox has it: in groups, six digits of one could be taken for a code.
        entries.append({**entry, "at": int(at.timestamp() * 1000)})
    return entries[:_SHOWN]


def _last_lines(outbox: Path) -> list[bytes]:
    try:
        with outbox.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            return file.read().splitlines()
    except FileNotFoundError:
        return []
