"""Personal info: name, language, time zone, recovery address."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import available_timezones

import pytest
from django.db.models import QuerySet
from django.test import Client

from installation import PASSWORD, START, Installation, install
from portal.person import ADDRESS, Person, page_of, text_of
from sidegate.accounts import notices
from sidegate.accounts.notices import Notice, unpacked
from sidegate.accounts.queue import payload_of
from sidegate.events.catalogue import Kind
from sidegate.pages import time_zones
from sidegate.storage import jobs
from sidegate.storage.models import Account, Event, Job, RecoveryChange

NEW = "anna@elsewhere.test"


def asked_for() -> QuerySet[Job]:
    return Job.objects.filter(subject__endswith=":recovery-address-asked")


def test_a_name(inside: Person, anna: Account) -> None:
    answer = inside.post("/personal/name", name=" Anna\u200b\t Bērziņa ")
    assert "Saved." in text_of(inside.get(answer["Location"]))
    anna.refresh_from_db()
    assert anna.name == "Anna Bērziņa"
    assert "Welcome, Anna Bērziņa" in text_of(inside.get("/"))
    assert "Use at most 200" in text_of(inside.post("/personal/name", name="x" * 201))
    inside.post("/personal/name", name="")
    assert "Name Not set" in text_of(inside.get("/personal"))
    assert Event.objects.filter(kind=Kind.PERSONAL_CHANGED).count() == 2


def test_each_language_is_named_in_itself_and_says_so(inside: Person) -> None:
    page = page_of(inside.get("/personal/language"))
    assert re.search(r'<option value="lv" lang="lv">\s*Latviešu', page)
    assert re.search(r'<option value=""(?! lang)[^>]*>\s*As my browser', page)


def test_a_language_holds_in_every_browser(inside: Person) -> None:
    answer = inside.post("/personal/language", language="lv")
    assert "Saglabāts." in text_of(inside.get(answer["Location"]))
    other = Person(inside.here)
    other.sign_in()
    assert "Latviešu" in text_of(other.get("/personal"))
    assert "Izvēlieties kādu no valodām." in text_of(
        inside.post("/personal/language", language="xx")
    )
    inside.post("/personal/language", language="")
    assert "As my browser asks for" in text_of(inside.get("/personal"))


def test_times_are_told_in_the_zone(inside: Person) -> None:
    def signed_in_at() -> str:
        found = re.search(r"Signed in today, (\d\d:\d\d)", text_of(inside.get("/security/devices")))
        assert found
        return found[1]

    # 1790000000 is 2026-09-21 14:13:20 UTC.
    inside.post("/personal/time-zone", time_zone="Europe/Riga")
    assert signed_in_at() == "17:13"
    assert "Europe/Riga (UTC+03:00)" in text_of(inside.get("/personal"))
    inside.post("/personal/time-zone", time_zone="America/New_York")
    assert signed_in_at() == "10:13"
    assert START == 1_790_000_000_000


def test_the_zone_of_one_is_not_the_next_ones(inside: Person) -> None:
    inside.here.add("berta@example.test")
    berta = Person(inside.here)
    berta.sign_in(address="berta@example.test")
    before = text_of(berta.get("/security/devices"))
    inside.post("/personal/time-zone", time_zone="Pacific/Auckland")
    inside.get("/security/devices")
    assert text_of(berta.get("/security/devices")) == before


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "Europe/Riga\0", "Etc/GMT+5"])
def test_no_other_zone_is_taken(inside: Person, anna: Account, zone: str) -> None:
    answer = inside.post("/personal/time-zone", time_zone=zone)
    assert "Choose one of the time zones." in text_of(answer)
    anna.refresh_from_db()
    assert not anna.time_zone


def test_a_zone_is_found_by_city_and_country(inside: Person) -> None:
    page = text_of(inside.get("/personal/time-zone", city="rīga"))
    assert "1 time zone matches" in page
    assert "Riga (UTC+03:00)" in page
    assert "Vilnius" not in page
    assert "Vilnius" in text_of(inside.get("/personal/time-zone", city="lithuania"))
    assert "None matches" in text_of(inside.get("/personal/time-zone", city="atlantis"))


def test_every_zone_is_known_to_this_python() -> None:
    names = {zone.name for zone in time_zones.all_zones()}
    assert len(names) > 400
    assert names <= available_timezones()


def test_no_address_where_no_mail_is_sent(tmp_path: Path) -> None:
    house = install(tmp_path, toml="[mailserver]\nprivate = false\n")
    house.add(ADDRESS)
    inside = Person(house)
    inside.sign_in()
    page = text_of(inside.get("/personal/recovery-address"))
    assert "This service cannot send messages" in page
    assert "Recovery address Not available here" in text_of(inside.get("/personal"))


def sent(house: Installation, kind: Kind) -> list[Notice]:
    """The messages of that kind that wait to be sent."""
    house.clock.forward(seconds=700)
    taken = jobs.take(kinds=[notices.JOB], most=100, now=house.clock())
    house.clock.forward(seconds=-700)
    Job.objects.update(taken_until=0)
    told = [unpacked(payload_of(house.context, job)) for job in taken]
    return [notice for notice in told if notice.kind == kind]


def ask(person: Person, address: str = NEW) -> str:
    person.post("/personal/recovery-address", password=PASSWORD)
    person.post("/personal/recovery-address", address=address)
    (*_, notice) = sent(person.here, Kind.RECOVERY_ADDRESS_ASKED)
    assert (notice.to, notice.account) == (address, ADDRESS)
    return notice.code


def anna_now() -> Account:
    return Account.objects.get(address=ADDRESS)


def test_a_recovery_address_is_set_with_its_code(inside: Person) -> None:
    assert "enter the password of" in text_of(inside.get("/personal/recovery-address"))
    code = ask(inside)
    assert f"We sent a code to {NEW}" in text_of(inside.get("/personal/recovery-address/code"))
    assert not anna_now().recovery_address
    wrong = "000000" if code != "000000" else "111111"
    assert "not the code" in text_of(inside.post("/personal/recovery-address/code", code=wrong))
    answer = inside.post("/personal/recovery-address/code", code=code)
    assert f"{NEW} is your recovery address now." in text_of(inside.get(answer["Location"]))
    assert anna_now().recovery_address == NEW
    assert [notice.to for notice in sent(inside.here, Kind.RECOVERY_ADDRESS_SET)] == [ADDRESS] * 2
    assert not RecoveryChange.objects.exists()
    details = " ".join(Event.objects.values_list("detail", flat=True))
    assert "@elsewhere.test" in details
    assert NEW not in details


def test_the_old_address_is_told_of_a_new_one(inside: Person) -> None:
    for address in (NEW, "second@elsewhere.test"):
        inside.post("/personal/recovery-address/code", code=ask(inside, address))
    told = sent(inside.here, Kind.RECOVERY_ADDRESS_SET)
    assert sorted(notice.to for notice in told if notice.to != ADDRESS) == [NEW, NEW]
    inside.post("/personal/recovery-address", password=PASSWORD)
    inside.post("/personal/recovery-address/remove")
    assert not anna_now().recovery_address
    removed = {notice.to for notice in sent(inside.here, Kind.RECOVERY_ADDRESS_REMOVED)}
    assert removed == {ADDRESS, "second@elsewhere.test"}


def test_five_wrong_codes_end_it(inside: Person) -> None:
    code = ask(inside)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for _ in range(5):
        inside.post("/personal/recovery-address/code", code=wrong)
    inside.post("/personal/recovery-address/code", code=code)
    assert not anna_now().recovery_address


def test_a_code_ends_after_half_an_hour(inside: Person) -> None:
    code = ask(inside)
    inside.here.clock.forward(seconds=1801)
    assert inside.post("/personal/recovery-address/code", code=code).status_code == 302
    assert not anna_now().recovery_address


def test_a_code_counts_in_the_browser_that_asked(inside: Person) -> None:
    code = ask(inside)
    other = Person(inside.here, Client(headers={"host": "localhost:8025"}))
    other.sign_in()
    other.post("/personal/recovery-address", password=PASSWORD)
    assert "not the code" in text_of(other.post("/personal/recovery-address/code", code=code))
    assert not anna_now().recovery_address


@pytest.mark.parametrize("path", ["", "/code", "/remove"])
def test_nothing_without_the_password(inside: Person, path: str) -> None:
    inside.post("/personal/recovery-address/code", code=ask(inside))
    inside.get("/")
    inside.post(f"/personal/recovery-address{path}", address="thief@elsewhere.test", code="1")
    assert anna_now().recovery_address == NEW
    assert not RecoveryChange.objects.exists()


@pytest.mark.parametrize("typed", ["anna", ADDRESS, "ANNA+x@example.test", "ā@elsewhere.test", ""])
def test_addresses_that_cannot_be(inside: Person, typed: str) -> None:
    inside.post("/personal/recovery-address", password=PASSWORD)
    page = text_of(inside.post("/personal/recovery-address", address=typed))
    assert "Please correct this first" in page
    assert not asked_for().exists()


def test_five_codes_an_hour(inside: Person) -> None:
    for _ in range(5):
        ask(inside)
    inside.post("/personal/recovery-address", password=PASSWORD)
    answer = inside.post("/personal/recovery-address", address=NEW)
    assert "Several codes were sent" in text_of(answer)
    assert asked_for().count() == 5
