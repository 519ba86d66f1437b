"""What holds for every page: headers, errors, the frame, sessions."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client

import sidegate
from installation import PASSWORD, Installation, _point_django, install
from portal.person import ADDRESS, Person, page_of, text_of
from sidegate.accounts import activity
from sidegate.pages.browsers import browser_name
from sidegate.pages.lifetimes import IDLE, LONGEST
from sidegate.pages.sessions import SessionStore, key_digest
from sidegate.portal import urls
from sidegate.serve.django_settings import django_settings
from sidegate.storage import breached
from sidegate.storage.models import Account, WebSession

SIGN_IN = {
    "/signin",
    "/signin/code",
    "/signin/code/again",
    "/signin/app",
    "/signin/backup-code",
    "/signin/another-way",
    "/signin/passkey",
    "/signin/passkey/options",
    "/signin/step/passkey",
    "/signin/step/passkey/options",
    "/signin/forgot",
    "/signin/forgot/sent",
    "/signin/reset/<str:token>",
    "/signin/new-password",
    "/signin/new-password/strength",
    "/signin/recovery",
    "/signin/recovery/start",
    "/signin/recovery/finish",
}
OPEN = SIGN_IN | {"/phone", "/lock/<str:token>", "/locked", "/stop/<str:token>", "/stopped"}
PATHS = [
    "/" + str(entry.pattern).replace("<int:app_password_id>", "1") for entry in urls.urlpatterns
]
SIGNED_IN = sorted({*PATHS} - OPEN)


@pytest.mark.parametrize("path", SIGNED_IN)
def test_pages_are_closed_by_default(person: Person, path: str) -> None:
    for answer in (person.get(path), person.post(path)):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/signin")


@pytest.mark.parametrize("path", sorted({*PATHS, "/nowhere"} - {"/signout"}))
def test_headers(two_step: Person, path: str) -> None:
    answer = two_step.get(path)
    policy = answer["Content-Security-Policy"]
    for part in (
        "default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self' data:",
        "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'", "connect-src 'self'",
    ):  # fmt: skip
        assert part in policy
    assert "unsafe" not in policy
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"


class Controls(HTMLParser):
    """Counts what there must be one of, and finds controls without a label."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.mains = 0
        self.named: set[str] = set()
        self.fields: list[dict[str, str | None]] = []
        self.language = ""
        self.inline: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.mains += tag == "main"
        if tag == "html":
            self.language = f"{found['lang']} {found['dir']}"
        if tag == "label":
            self.named.add(found.get("for") or "")
        if tag in {"input", "select"} and found.get("type") != "hidden" and "hidden" not in found:
            self.fields.append(found)
        self.inline += [name for name in found if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("path", sorted({*PATHS, "/nowhere"}))
def test_every_page_is_well_built(two_step: Person, path: str) -> None:
    page = two_step.client.get(path, follow=True)
    if page.status_code == 405:
        return
    controls = Controls(page.content.decode())
    assert controls.mains == 1
    assert controls.language == "en ltr"
    assert not controls.inline
    for field in controls.fields:
        assert field["id"] in controls.named
    assert re.search("<title>[^<]+ \N{EN DASH} Sidegate</title>", page.content.decode())
    assert "codes are shown on the server" in text_of(page)
    assert "%(" not in text_of(page)


def test_the_navigation(inside: Person) -> None:
    page = inside.get("/activity").content.decode()
    nav = page[page.index("<nav") : page.index("</nav>")]
    assert re.findall(r'href="([^"]+)"', nav) == ["/", "/personal", "/security", "/activity"]
    assert 'href="/activity" aria-current="page"' in nav
    assert 'popovertarget="apps" aria-label="Apps"' in page


def test_the_mail_tile_leads_to_webmail_where_there_is_one(tmp_path: Path) -> None:
    here = install(tmp_path / "data", toml='[server]\nwebmail = "https://webmail.example.test/"\n')
    here.add(ADDRESS)
    person = Person(here)
    person.sign_in()
    assert 'href="https://webmail.example.test/"' in person.get("/").content.decode()


def test_latin_pages_say_what_language_they_are_in(person: Person) -> None:
    page = person.client.get("/signin", headers={"accept-language": "lv"}).content.decode()
    assert '<html lang="lv" dir="ltr">' in page


def test_a_form_of_another_site(person: Person) -> None:
    client = Client(enforce_csrf_checks=True, headers={"host": "localhost:8025"})
    answer = client.post("/signin", {"email": ADDRESS, "password": PASSWORD})
    assert answer.status_code == 403
    assert "This form is no longer valid" in text_of(answer)
    assert person.here
    page = client.get("/signin").content.decode()
    token = re.findall(r'csrfmiddlewaretoken" value="([^"]+)"', page)[0]
    fields = {"email": ADDRESS, "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert client.post("/signin", fields).status_code == 302
    other = {"origin": "https://evil.test"}
    assert client.post("/signout", fields, headers=other).status_code == 403


def test_another_host(person: Person) -> None:
    answer = person.client.get("/signin", headers={"host": "evil.test"})
    assert answer.status_code == 400
    assert "could not understand" in text_of(answer)


def test_no_such_page(person: Person) -> None:
    answer = person.get("/nowhere")
    assert answer.status_code == 404
    assert "There is no such page" in text_of(answer)


def test_a_database_that_is_away(inside: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_a: object, **_k: object) -> None:
        raise OperationalError("no connection")

    monkeypatch.setattr(activity, "recent", away)
    answer = inside.get("/activity")
    assert answer.status_code == 503
    assert "try again in a few minutes" in text_of(answer)
    assert "no connection" not in answer.content.decode()


def test_a_fault_of_ours(inside: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_a: object, **_k: object) -> None:
        raise RuntimeError("hush")

    monkeypatch.setattr(activity, "recent", broken)
    inside.client.raise_request_exception = False
    answer = inside.get("/activity")
    assert answer.status_code == 500
    assert "It was not your fault" in text_of(answer)
    assert "hush" not in answer.content.decode()


def test_bodies_that_are_too_big(person: Person) -> None:
    assert person.sign_in(password="x" * 100_000).status_code == 400
    assert person.sign_in(password="x" * 5_000).status_code == 200
    assert person.sign_in(address="a\x00b@example.test").status_code == 200
    assert person.client.generic("POST", "/signin", b"\xff\xfe=%ff&email=%00").status_code < 500


def test_the_cookie(person: Person) -> None:
    cookie = person.sign_in().cookies["sidegate"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["secure"]
    assert cookie["path"] == "/"


def test_the_cookies_under_https(installation: Installation) -> None:
    context = installation.context
    server = replace(context.config.server, url="https://mail.example.test")
    secure = replace(context.config, server=server)
    _point_django(django_settings(secure, context))
    installation.add(ADDRESS)
    client = Client(headers={"host": "mail.example.test"})
    fields = {"email": ADDRESS, "password": PASSWORD}
    client.get("/signin", secure=True)
    client.post("/signin", fields, secure=True)
    names = {"__Host-sidegate", "__Host-sidegate-csrf", "__Host-sidegate-known"}
    assert {*client.cookies} == names
    for cookie in client.cookies.values():
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        # The prefix holds a browser to these two (RFC 6265bis, 4.1.3.2).
        assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert client.get("/signin", secure=True)["Strict-Transport-Security"]


def test_a_session_key_is_not_stored(inside: Person) -> None:
    key = inside.client.cookies["sidegate"].value
    row = WebSession.objects.get()
    assert row.pk == key_digest(key)
    assert key not in f"{row.pk} {row.data}"
    assert (row.program, row.address) == ("Firefox on Windows", "127.0.0.1")
    assert row.account is not None
    assert row.account.address == ADDRESS


def test_a_session_ends_when_unused(inside: Person) -> None:
    inside.here.clock.forward(seconds=IDLE // 1000 - 1)
    assert inside.get("/").status_code == 200
    inside.here.clock.forward(seconds=IDLE // 1000 - 1)
    assert inside.get("/").status_code == 200
    inside.here.clock.forward(seconds=IDLE // 1000 + 1)
    assert inside.get("/").status_code == 302


def test_a_session_ends_at_last(inside: Person) -> None:
    day = 24 * 3600
    for _ in range(LONGEST // 1000 // day - 1):
        inside.here.clock.forward(seconds=day)
        assert inside.get("/").status_code == 200
    inside.here.clock.forward(seconds=day)
    assert inside.get("/").status_code == 302


def test_what_ended_is_deleted(inside: Person) -> None:
    inside.here.clock.forward(seconds=IDLE // 1000 + 1)
    SessionStore.clear_expired()
    assert not WebSession.objects.exists()


def test_a_made_up_session_key(person: Person) -> None:
    for key in ("x" * 32, "", "\xe4", "a" * 10_000):
        person.client.cookies["sidegate"] = key
        assert person.get("/security").status_code == 302


def test_no_session_is_made_for_whoever_only_looks(person: Person) -> None:
    person.get("/signin")
    person.get("/")
    person.get("/signin/code")
    person.post("/signin/code/again")
    person.sign_in(password="wrong")
    assert not WebSession.objects.exists()


def test_the_security_page(two_step: Person) -> None:
    page = text_of(two_step.get("/security"))
    assert "Password It was given to you" in page
    assert "Firefox on Windows this one Signed in today" in page
    assert "2-Step Verification was turned on" in page
    assert "App passwords None yet" in page
    two_step.post("/security/app-passwords", password=PASSWORD)
    two_step.generate()
    assert "App passwords 1 app password" in text_of(two_step.get("/security"))


def test_a_new_password(two_step: Person, anna: Account) -> None:
    other = Person(two_step.here)
    two_step.post("/security/app-passwords", password=PASSWORD)
    two_step.generate()
    new = "a quite different phrase"
    assert "enter the password of" in text_of(two_step.get("/security/password"))
    two_step.post("/security/password", password=PASSWORD)
    assert "Use at least" in text_of(two_step.post("/security/password", new_password="short"))
    weak = two_step.post("/security/password", new_password=ADDRESS)
    assert "little more than your name" in text_of(weak)
    answer = two_step.post("/security/password", new_password=new, keep_app_passwords="on")
    assert answer["Location"] == "/security"
    page = text_of(two_step.get("/security"))
    assert "Your password was changed" in page
    assert "1 app password" in page
    assert "wrong" in text_of(other.sign_in())
    assert other.sign_in(password=new)["Location"] == "/signin/code"
    assert anna.address


def test_a_new_password_takes_the_app_passwords_with_it(two_step: Person) -> None:
    two_step.post("/security/app-passwords", password=PASSWORD)
    two_step.generate()
    two_step.post("/security/password", password=PASSWORD)
    assert "Keep my app passwords" in text_of(two_step.get("/security/password"))
    two_step.post("/security/password", new_password="a quite different phrase")
    assert "App passwords None yet" in text_of(two_step.get("/security"))


def test_a_given_password_is_asked_to_be_changed_until_it_is(inside: Person) -> None:
    wanted = "It was given to you. Choose one that only you know."
    for path in ("/", "/security"):
        assert f"Password {wanted}" in text_of(inside.get(path))
    inside.post("/security/password", password=PASSWORD)
    inside.post("/security/password", new_password="a quite different phrase")
    for path in ("/", "/security"):
        assert wanted not in text_of(inside.get(path))
    assert "Password Set today" in text_of(inside.get("/security"))


def test_where_breached_passwords_cannot_be_asked_for_the_password_stays(
    inside: Person, caplog: pytest.LogCaptureFixture
) -> None:
    (inside.here.context.config.data / breached.FILE).write_text("damaged")
    inside.post("/security/password", password=PASSWORD)
    answer = inside.post("/security/password", new_password="a quite different phrase")
    assert answer.status_code == 503
    assert "Nothing was changed" in text_of(answer)
    assert f"{breached.FILE} is damaged" in caplog.text
    assert "different phrase" not in caplog.text
    assert Person(inside.here).sign_in().status_code == 302


def test_a_new_password_signs_others_out(inside: Person) -> None:
    other = Person(inside.here)
    other.sign_in()
    inside.post("/security/password", password=PASSWORD)
    inside.post("/security/password", new_password="a quite different phrase")
    assert inside.get("/security").status_code == 200
    assert other.get("/security").status_code == 302


def test_static_files_are_there(person: Person, installation: Installation) -> None:
    page = person.get("/signin").content.decode()
    found = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(found) == 4
    for address in found:
        answer = person.client.get(address)
        assert answer.status_code == 200
        assert len(page_of(answer)) > 200
        assert "max-age=86400" in answer["Cache-Control"]
        assert answer["X-Content-Type-Options"] == "nosniff"
    assert installation


def test_no_page_asks_for_anything_from_elsewhere() -> None:
    folder = Path(sidegate.__file__).parent
    for file in [*folder.glob("p*/templates/**/*.html"), *folder.glob("pages/static/**/*")]:
        if file.is_file():
            text = file.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
            assert not re.search(r"https?://|@import|url\(", text), file


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537 Edg/140", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; like Mac OS X) Version/18 Safari/604", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_browsers_by_name(agent: str, name: str) -> None:
    assert browser_name(agent) == name
