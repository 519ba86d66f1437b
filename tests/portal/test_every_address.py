"""What holds at every address of the pages, by a walk over all of them: none can be forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from http.cookies import Morsel
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from installation import PASSWORD, Installation, _point_django
from portal.person import ADDRESS, Person, text_of
from sidegate.portal.grants import Area
from sidegate.serve.django_settings import django_settings

EVIL = "https://evil.test/"


def _addresses(resolver: URLResolver | None = None) -> Iterator[str]:
    for entry in (resolver or get_resolver("sidegate.serve.urls")).url_patterns:
        if isinstance(entry, URLResolver):
            yield from _addresses(entry)
        else:
            assert isinstance(entry, URLPattern)
            path = re.sub(r"<int:\w+>", "1", str(entry.pattern))
            yield "/" + re.sub(r"<str:\w+>", "x", path)


ADDRESSES = sorted(_addresses(), key=lambda path: (path == "/signout", path))
GATES = {
    Area.PASSWORD: "/security/password",
    Area.TURN_ON: "/security/two-step/phone",
    Area.TURN_OFF: "/security/two-step/turn-off",
    Area.STEPS: "/security/two-step/backup-codes",
    Area.APP_PASSWORDS: "/security/app-passwords",
    Area.RECOVERY_ADDRESS: "/personal/recovery-address",
    Area.OWN_DATA: "/personal/data",
}
"""A page of each area that asks for the password again."""
OUR_COOKIES = ("csrf", "known", "passkey", "recovery", "trust")
"""Beside the session's own."""


def test_the_walk_sees_them_all() -> None:
    assert len(ADDRESSES) > 60
    assert {"/", "/signin", "/operator", "/phone", "/security/app-passwords/1"} <= {*ADDRESSES}
    assert {*GATES} == {*Area}


def test_a_form_of_another_site_is_refused(two_step: Person) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"host": "localhost:8025"})
    for who in (Person(two_step.here), two_step):
        for name, cookie in who.client.cookies.items():
            strict.cookies[name] = cookie.value
        for path in ADDRESSES:
            answer = strict.post(path, {"password": PASSWORD})
            assert answer.status_code == 403, path
            assert "This form is no longer valid" in text_of(answer), path


def test_every_form_has_its_token(two_step: Person) -> None:
    seen = 0
    for person in (two_step, Person(two_step.here)):
        for path in ADDRESSES:
            page = person.client.get(path, follow=True).content.decode(errors="replace")
            for form in re.findall(r"(?s)<form\b.*?</form>", page):
                if 'method="post"' in form:
                    assert re.search(r'name="csrfmiddlewaretoken" value="\w{64}"', form), path
                    seen += 1
    assert seen > len(ADDRESSES)


def test_no_address_leads_to_another_site(two_step: Person) -> None:
    asked = dict.fromkeys(("next", "to", "url", "continue", "return", "path"), EVIL)
    elsewhere = {"x-forwarded-host": "evil.test", "referer": EVIL}
    for person in (Person(two_step.here), two_step):
        for path in ADDRESSES:
            for answer in (
                person.client.get(path, asked, headers=elsewhere),
                person.client.post(f"{path}?next={EVIL}", asked, headers=elsewhere),
            ):
                to = answer.headers.get("Location", "/")
                assert re.match(r"/(?![/\\])", to), f"{path} leads to {to}"


def test_whatever_a_form_brings_the_headers_stand(two_step: Person) -> None:
    for person in (Person(two_step.here), two_step):
        for path in ADDRESSES:
            for answer in (person.client.put(path), person.client.post(path, {"x": "y"})):
                policy = answer["Content-Security-Policy"]
                assert policy.startswith("default-src 'none'"), path
                assert "unsafe" not in policy, path
                assert answer["X-Content-Type-Options"] == "nosniff", path
                assert answer["Referrer-Policy"] == "same-origin", path


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_every_cookie_is_for_us_alone(installation: Installation, *, secure: bool) -> None:
    context = installation.context
    if secure:
        server = replace(context.config.server, url="https://localhost:8025")
        _point_django(django_settings(replace(context.config, server=server), context))
    installation.add(ADDRESS)
    browser = _Noting(secure=secure)
    _get_every_cookie(Person(installation, browser))
    given = {cookie.key.removeprefix("__Host-") for cookie in browser.seen if cookie.value}
    assert given == {"sidegate", *(f"sidegate-{name}" for name in OUR_COOKIES)}
    for cookie in browser.seen:
        name = cookie.key
        assert cookie["httponly"] or not cookie.value, name  # empty: it is taken away
        assert cookie["samesite"] == "Lax", name
        assert (cookie["path"], cookie["domain"]) == ("/", ""), name
        assert bool(cookie["secure"]) is secure, name
        assert name.startswith("__Host-") is secure


class _Noting(Client):
    """A browser that notes each cookie it is given, also one given another value at once."""

    def __init__(self, *, secure: bool) -> None:
        super().__init__(headers={"host": "localhost:8025"})
        self.secure = secure
        self.seen: list[Morsel[str]] = []

    def generic(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as Django has it
        answer = super().generic(*args, **{**kwargs, "secure": self.secure})
        self.seen += answer.cookies.values()
        return answer


def _get_every_cookie(person: Person) -> None:
    """Whatever gives a browser one: every page as a stranger and as the owner, then each stage."""
    for path in ADDRESSES:
        person.get(path)
    person.post("/signin/passkey/options")
    person.sign_in()
    for path in ADDRESSES:
        person.get(path)
        person.post(path)
    person.sign_in()
    person.turn_on()
    person.post("/signout")
    person.sign_in()
    person.post("/signin/recovery/start")
    person.post("/signin/code", code=person.here.sender.last_code, trust="on")


@pytest.mark.parametrize("area", [*Area])
def test_each_area_that_opens_changes_the_key(inside: Person, area: Area) -> None:
    if area is not Area.TURN_ON:
        inside.turn_on()
        inside.get("/")  # which closes what was open
    before = _key(inside)
    answer = inside.post(GATES[area], password=PASSWORD)
    assert (answer.status_code, answer["Location"]) == (302, GATES[area])
    assert _key(inside) != before
    assert not _opens(before)


def test_each_stage_of_a_sign_in_changes_the_key(later: Person) -> None:
    first = _key(later)
    later.post("/signout")
    later.client.cookies["sidegate"] = first  # a key that somebody else may know
    later.sign_in()
    waiting = _key(later)
    later.post("/signin/code", code=later.here.sender.last_code)
    assert len({first, waiting, _key(later)}) == 3
    assert _opens(_key(later))
    assert not _opens(first)
    assert not _opens(waiting)


def test_turning_on_and_a_new_password_change_the_key(inside: Person) -> None:
    before = _key(inside)
    inside.turn_on()
    on = _key(inside)
    inside.post("/security/password", password=PASSWORD)
    inside.post("/security/password", new_password="a quite different phrase")
    assert len({before, on, _key(inside)}) == 3
    assert not _opens(on)


def _key(person: Person) -> str:
    return person.client.cookies["sidegate"].value


def _opens(key: str) -> bool:
    client = Client(headers={"host": "localhost:8025"})
    client.cookies["sidegate"] = key
    return client.get("/security").status_code == 200
