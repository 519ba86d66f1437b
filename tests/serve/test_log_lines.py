"""A log holds no link that opens something, however the link came."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver

from installation import Installation
from sidegate.serve.log_lines import LogLine

SECRET = "zebra-Token_of-a-Link=="
NO_SECRETS = {"key", "app_password_id"}
"""Parameters of addresses that open nothing by themselves."""


def _addresses(resolver: URLResolver) -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _addresses(entry)
        else:
            yield str(entry.pattern)


PARAMETER = re.compile(r"<\w+:(\w+)>")
ADDRESSES = [path for path in _addresses(get_resolver("sidegate.serve.urls")) if "<" in path]
LINKS = [path for path in ADDRESSES if not {*PARAMETER.findall(path)} <= NO_SECRETS]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What Django says, as `serve` writes it."""
    stream, loud = io.StringIO(), logging.getLogger("django")
    handler, before = logging.StreamHandler(stream), loud.level
    handler.setFormatter(LogLine())
    loud.addHandler(handler)
    loud.setLevel(logging.INFO)
    yield stream
    loud.removeHandler(handler)
    loud.setLevel(before)


def test_the_walk_sees_them_all() -> None:
    assert LINKS == ["signin/reset/<str:token>", "stop/<str:token>", "lock/<str:token>"]
    assert len(ADDRESSES) > len(LINKS) + 5


@pytest.mark.parametrize("address", LINKS)
def test_no_link_is_logged(installation: Installation, lines: io.StringIO, address: str) -> None:
    assert installation
    path = "/" + PARAMETER.sub(SECRET, address)
    client = Client(enforce_csrf_checks=True, headers={"host": "localhost:8025"})
    mangled = [f"{path}/", f"/pages{path}", path.replace(SECRET, f"%20{SECRET}")]
    for tried in [path, *mangled, path.partition(SECRET)[0].upper() + SECRET]:
        assert client.get(tried).status_code == 404
        assert client.post(tried).status_code in {403, 404}
        before = f"{tried[1:].partition(SECRET)[0].removesuffix('%20')}…"
        assert before in lines.getvalue()
    assert "Not Found" in lines.getvalue()
    assert "Forbidden" in lines.getvalue()
    assert SECRET not in lines.getvalue()


def test_other_addresses_stay_whole(installation: Installation, lines: io.StringIO) -> None:
    assert installation
    Client(headers={"host": "localhost:8025"}).get("/locked/up")
    assert lines.getvalue().endswith("WARNING django.request: Not Found: /locked/up\n")


def test_paths_of_files_stay_whole() -> None:
    record = logging.makeLogRecord({"name": "sidegate.storage", "msg": "no file /run/lock/x"})
    assert LogLine().format(record).endswith("no file /run/lock/x")
