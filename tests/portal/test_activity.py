"""Every event has its words."""

import json
from html import unescape
from typing import cast

import pytest
from django.http import HttpResponse

from installation import PASSWORD
from portal.person import Person, text_of
from sidegate.accounts.code_orders import Fault
from sidegate.decisions.words import Reason, Why
from sidegate.events.catalogue import Kind
from sidegate.portal.activity_words import _KINDS, _REASONS
from sidegate.storage.models import Account, AppPassword, Event


def add(anna: Account, at: int, kind: str, reason: str = "", **more: str) -> Event:
    detail = more.pop("detail", "{}")
    return Event.objects.create(
        at=at, kind=kind, account=anna, reason=reason, detail=detail, **more
    )


def test_every_kind_and_reason_has_words() -> None:
    assert {*_KINDS} == {*Kind}
    assert {*_REASONS} == {*Reason, *Why, *Fault}


def test_a_refusal_tells_its_true_reason(two_step: Person, anna: Account) -> None:
    add(
        anna, two_step.here.clock.ms, Kind.MAIL_REFUSED, Reason.NOT_AN_APP_PASSWORD,
        protocol="imap", address="192.0.2.9", program="Microsoft Outlook",
    )  # fmt: skip
    page = text_of(two_step.get("/activity"))
    assert "A mail program was refused: not an app password; 2-Step Verification is on" in page
    assert "IMAP · Microsoft Outlook · 192.0.2.9" in page
    assert "Make an app password" in page
    assert "A mail program was refused" in text_of(two_step.get("/"))


@pytest.mark.parametrize("kind", [*Kind])
def test_every_kind_can_be_shown(inside: Person, anna: Account, kind: str) -> None:
    detail = json.dumps({"by": "operator", "channel": "voice", "number": "••• •• 00", "count": 2})
    add(anna, inside.here.clock.ms, kind, detail=detail)
    page = text_of(inside.get("/activity"))
    assert "2 app passwords revoked with it" in page
    assert "by whoever runs the mail server" in page


def test_what_a_program_says_is_no_markup(inside: Person, anna: Account) -> None:
    add(anna, inside.here.clock.ms, Kind.MAIL_ALLOWED, program="<script>alert(1)</script>")
    assert "<script>alert" not in inside.get("/activity").content.decode()


def test_days_and_pages(inside: Person, anna: Account) -> None:
    day = 24 * 3600 * 1000
    for n in range(120):
        add(anna, inside.here.clock.ms - (120 - n) * day // 20, Kind.MAIL_ALLOWED, program=f"p{n}.")
    first = inside.get("/activity")
    assert "p119." in text_of(first)
    assert "p20." not in text_of(first)
    older = first.content.decode().split('href="?before=')[1].split('"')[0]
    second = text_of(inside.get("/activity", before=older))
    assert "p50." in second
    assert "p119." not in second
    assert "Newest" in second


@pytest.mark.parametrize("before", ["x", "-1", "", "9" * 30, "\N{SUPERSCRIPT TWO}"])
def test_a_page_that_makes_no_sense(inside: Person, before: str) -> None:
    assert "Signed in to these pages" in text_of(inside.get("/activity", before=before))
    assert "There is nothing older" in text_of(inside.get("/activity", before="1"))


def test_nobody_sees_anothers(inside: Person) -> None:
    berta = inside.here.add("berta@example.test")
    add(berta, inside.here.clock.ms, Kind.MAIL_ALLOWED, program="Berta's program")
    assert "Berta" not in text_of(inside.get("/activity"))


def test_filters_narrow_and_stay_over_pages(inside: Person, anna: Account) -> None:
    now = inside.here.clock.ms
    for n in range(60):
        add(anna, now, Kind.MAIL_ALLOWED, protocol="imap", program=f"Outlook {n}.")
        add(anna, now, Kind.MAIL_REFUSED, protocol="pop3", program=f"Scanner {n}.")
    first = inside.get("/activity", show="mail", protocol="imap", program="outlook")
    assert "Outlook 59." in text_of(first)
    assert "Scanner" not in text_of(first)
    link = unescape(first.content.decode().split('href="?before=')[1].split('"')[0])
    older = text_of(cast("HttpResponse", inside.client.get(f"/activity?before={link}")))
    assert "Outlook 9." in older
    assert "Outlook 10." not in older
    assert "Scanner" not in older
    refused = text_of(inside.get("/activity", show="refused"))
    assert "Scanner 59." in refused
    assert "Outlook" not in refused
    nothing = text_of(inside.get("/activity", program="100%"))
    assert "Nothing that happened matches." in nothing


def test_days_are_those_of_the_persons_zone(inside: Person, anna: Account) -> None:
    inside.post("/personal/time-zone", time_zone="Pacific/Auckland")
    # 2026-05-02 at 12:30 UTC is half past midnight on the 3rd there.
    add(anna, 1_777_725_000_000, Kind.MAIL_ALLOWED, program="Midnight.")
    day = {"since": "2026-05-03", "until": "2026-05-03"}
    assert "Midnight." in text_of(inside.get("/activity", **day))
    assert "Midnight." not in text_of(inside.get("/activity", until="2026-05-02"))
    assert "Midnight." not in text_of(inside.get("/activity", since="2026-05-04"))


def test_filters_that_make_no_sense(inside: Person) -> None:
    page = text_of(inside.get("/activity", since="3 May", show="x", app_password="9"))
    assert "Write the day like 2026-05-03." in page
    for odd in ("0001-01-01", "9999-12-31"):
        assert inside.get("/activity", since=odd, until=odd).status_code == 200


def test_one_app_passwords_sign_ins(two_step: Person, anna: Account) -> None:
    two_step.post("/security/app-passwords", password=PASSWORD)
    two_step.generate()
    (row,) = AppPassword.objects.all()
    for program, used in (("Mine.", row), ("Another.", None)):
        Event.objects.create(
            at=1, kind=Kind.MAIL_ALLOWED, account=anna, program=program, app_password=used
        )
    page = text_of(two_step.get("/activity", app_password=str(row.pk)))
    assert "Mine." in page
    assert "Another." not in page
