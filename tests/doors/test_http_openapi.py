"""The OpenAPI document against the running door: what it allows is answered, the rest is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation

from doors.web import TOKEN, RunningHttp, running_http
from sidegate.doors.http_openapi import document

AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
Operation = APIOperation[Any, Any, Any, Any]
# A text that is too long may make the whole body too long, which is said first.
REJECTED = ["400", "401", "413", "415", "422"]
CONFIG = schemathesis.Config.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": REJECTED}}}
)
ASKED = ("POST /v1/verify", "POST /v1/observe", "GET /nginx", "GET /metrics")


@pytest.fixture(scope="module")
def door() -> Iterator[RunningHttp]:
    with running_http(refusal_delay=0) as running:
        yield running


def test_the_served_document_is_the_described_one(door: RunningHttp) -> None:
    answer = door.ask("GET", "/openapi.json")
    assert answer.json == document("1.2.3", token=True)


def test_every_operation_is_asked_here(door: RunningHttp) -> None:
    paths = document("1.2.3", token=True)["paths"]
    described = {f"{method.upper()} {path}" for path in paths for method in paths[path]}
    assert described == {*ASKED, "GET /openapi.json"}
    assert set(_operations(door)) == set(ASKED)  # it never asks for the document itself


@pytest.mark.parametrize(
    ("asked", "mode"),
    [
        (asked, mode)
        for asked in ASKED
        for mode in GenerationMode
        if asked != "GET /metrics" or mode.is_positive  # it takes nothing that could be wrong
    ],
)
def test_whatever_is_asked(door: RunningHttp, asked: str, mode: GenerationMode) -> None:
    operation = _operations(door)[asked]

    @settings(
        max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(mode))
    def ask(case: schemathesis.Case[Any]) -> None:
        # Every check: status, headers, type and body as described; a wrong question is
        # rejected, a right one is not; another method is 405; no token is 401.
        case.call_and_validate(headers=AUTHORIZED)

    ask()


def _operations(
    door: RunningHttp,
) -> dict[str, Operation]:
    schema = schemathesis.openapi.from_url(
        f"{door.url}/openapi.json", headers=AUTHORIZED, config=CONFIG
    )
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    return {operation.label: operation for operation in found}
