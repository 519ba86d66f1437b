"""Downloading one's own data, page by page."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from installation import PASSWORD, close_database
from portal.person import ADDRESS, NUMBER, Person, text_of
from sidegate.storage.models import Event

PAGE = "/personal/data"


def file(person: Person) -> tuple[StreamingHttpResponse, dict[str, Any]]:
    answer = cast("StreamingHttpResponse", cast("object", person.post(f"{PAGE}/file")))

    async def read() -> bytes:
        try:
            return b"".join([part async for part in answer])
        finally:
            await sync_to_async(close_database)()  # of the thread that read

    assert answer.streaming
    return answer, json.loads(asyncio.run(read()))


def test_a_row_a_password_a_file(inside: Person) -> None:
    assert "Download your data All that is kept" in text_of(inside.get("/personal"))
    assert "enter the password of" in text_of(inside.get(PAGE))
    answer = inside.post(PAGE, password=PASSWORD)
    assert "No password, code or key is in it" in text_of(inside.get(answer["Location"]))
    sent, told = file(inside)
    assert sent["Content-Type"] == "application/json"
    assert (
        sent["Content-Disposition"] == 'attachment; filename="Sidegate-anna_example.test-data.json"'
    )
    assert sent["Cache-Control"] == "no-store"
    assert told["account"]["address"] == ADDRESS
    [browser] = told["browsers"]
    assert browser["program"].startswith("Firefox")
    assert "Your data was downloaded" in text_of(inside.get("/activity"))


def test_with_two_step_a_code_too(later: Person) -> None:
    later.post(PAGE, password=PASSWORD)
    assert later.post(f"{PAGE}/file")["Location"] == PAGE
    later.post("/security/code", code=later.here.sender.last_code)
    _sent, told = file(later)
    [phone] = told["phones"]
    assert phone["number"] == NUMBER.replace(" ", "")


def test_nothing_without_the_password(inside: Person) -> None:
    assert inside.post(f"{PAGE}/file")["Location"] == PAGE
    inside.post(PAGE, password="wrong")
    assert inside.post(f"{PAGE}/file")["Location"] == PAGE
    inside.post(PAGE, password=PASSWORD)
    inside.get("/")
    assert inside.post(f"{PAGE}/file")["Location"] == PAGE
    inside.post(PAGE, password=PASSWORD)
    assert inside.get(f"{PAGE}/file").status_code == 405
    assert not Event.objects.filter(kind="data-downloaded").exists()
