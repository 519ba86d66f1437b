"""The help page's steps for a Latvian: every page in their language, dates and numbers too."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from browser.conftest import PASSWORD
from browser.looking import look_at
from browser.walking import APP_PASSWORD, follow, mail_signs_in, press
from child import Child

ADDRESS = "anna.ozola@example.test"
NUMBER = "+371 24 000 001"


@pytest.fixture
def latvian(chromium: Browser, sidegate: Child) -> Iterator[Page]:
    """A browser that asks for Latvian; each page it is given must be."""
    context = chromium.new_context(base_url=sidegate.url, locale="lv-LV")
    context.set_default_timeout(10_000)
    page = context.new_page()
    languages = set()

    def note(response: Response) -> None:
        if response.request.resource_type == "document":
            languages.add(response.headers.get("content-language"))

    page.on("response", note)
    page.goto("/signin")
    expect(page.locator("html")).to_have_attribute("lang", "lv")
    yield page
    context.close()
    assert languages == {"lv"}


def test_the_main_job_in_latvian(latvian: Page, sidegate: Child) -> None:
    page = latvian
    sidegate.add_account(ADDRESS, PASSWORD)
    expect(page).to_have_title(re.compile("^Pierakstīties .* Sidegate$"))
    page.get_by_label("E-pasts").fill(ADDRESS)
    page.get_by_label("Parole").fill(PASSWORD)
    press(page, "Tālāk")
    press(page, "Lietotnes")
    expect(page.get_by_role("link", name="Pasts", exact=True)).to_be_visible()
    follow(page, "Konts")
    follow(page, "Drošība")
    row = page.get_by_role("link", name="Divpakāpju verifikācija")
    expect(row).to_contain_text("Izslēgta")
    row.click()
    look_at(page, "lv-two-step-off")
    turn_on(page, sidegate)
    follow(page, "Atpakaļ uz sadaļu Drošība")
    expect(row).to_contain_text("Ieslēgta šodien")
    look_at(page, "lv-security")

    secret = make_app_password(page)
    assert not mail_signs_in(sidegate, address=ADDRESS, secret=PASSWORD)
    assert mail_signs_in(sidegate, address=ADDRESS, secret=secret)
    press(page, "Gatavs")
    expect(page.get_by_text("Pasts · Windows dators", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Atsaukt", exact=True)).to_be_visible()
    look_at_activity(page)


def turn_on(page: Page, child: Child) -> None:
    press(page, "Turpināt")
    page.get_by_label("Parole").fill(PASSWORD)
    press(page, "Tālāk")
    page.get_by_label("Tālruņa numurs").fill(NUMBER)
    page.get_by_label("Tālruņa zvans").check()
    page.get_by_label("Īsziņa").check()
    look_at(page, "lv-phone")
    before = len(child.codes())
    press(page, "Tālāk")
    code = child.wait_for_code(after=before)
    assert code["text"].startswith(f"Sidegate kods: {code['code']}\n")
    page.get_by_label("Kods").fill("000000" if code["code"] != "000000" else "111111")
    press(page, "Tālāk")
    expect(page.get_by_text("Kods nav pareizs. Atlikuši 4 mēģinājumi.").first).to_be_visible()
    look_at(page, "lv-code")
    page.get_by_label("Kods").fill(code["code"])
    press(page, "Tālāk")
    press(page, "Ieslēgt")


def make_app_password(page: Page) -> str:
    page.get_by_role("link", name="Lietotņu paroles").click()
    page.get_by_label("Parole").fill(PASSWORD)
    press(page, "Pierakstīties")
    page.get_by_label("Izvēlieties lietotni").select_option(label="Pasts")
    page.get_by_label("Izvēlieties ierīci").select_option(label="Windows dators")
    press(page, "Ģenerēt")
    output = page.get_by_role("main").locator("output")
    expect(output).to_have_accessible_name("Lietotnes parole")
    expect(page.get_by_role("button", name="Kopēt", exact=True)).to_have_count(1)
    look_at(page, "lv-app-password")
    secret = output.inner_text()
    assert APP_PASSWORD.fullmatch(secret)
    return secret


def look_at_activity(page: Page) -> None:
    follow(page, "Darbības")
    refused = (
        "Pasta programmas pierakstīšanās noraidīta: "
        "tā nav lietotnes parole, bet divpakāpju verifikācija ir ieslēgta"
    )
    expect(page.get_by_text(refused)).to_be_visible()
    sent = page.get_by_text(re.compile(r"· ar īsziņu · uz .* · Chrome \(Linux\)")).first
    expect(sent).to_be_visible()
    look_at(page, "lv-activity")
