"""Dates, times and counted things in every language, as one who reads it expects them.

The tables were written by hand; what Unicode's CLDR (Babel) says of them is held against it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from babel import Locale
from babel.dates import format_time
from django.utils.translation import gettext, ngettext, override

from portal.person import Person, text_of
from sidegate.accounts import people_time
from sidegate.config.options import languages
from sidegate.storage.models import Account, AppPassword
from texts.catalogue import plural_rule

NOW = datetime(2026, 5, 3, 14, 5, tzinfo=UTC)
ISOLATES = re.compile("[\u2066-\u2069\u200e\u200f]")
DAYS_AGO = (0, 1, 2, 89)
DATES = {
    "en": ("today, 14:05", "yesterday, 14:05", "1 May 2026, 14:05", "3 February 2026, 14:05"),
    "lv": (
        "šodien, 14:05",
        "vakar, 14:05",
        "2026. gada 1. maijā, 14:05",
        "2026. gada 3. februārī, 14:05",
    ),
    "ar": ("اليوم، 14:05", "أمس، 14:05", "1 مايو 2026، 14:05", "3 فبراير 2026، 14:05"),
    "de": ("heute, 14:05", "gestern, 14:05", "1. Mai 2026, 14:05", "3. Februar 2026, 14:05"),
    "es": (
        "hoy, 14:05",
        "ayer, 14:05",
        "el 1 de mayo de 2026, 14:05",
        "el 3 de febrero de 2026, 14:05",
    ),
    "et": (
        "täna kell 14:05",
        "eile kell 14:05",
        "1. mail 2026 kell 14:05",
        "3. veebruaril 2026 kell 14:05",
    ),
    "fr": (
        "aujourd’hui à 14:05",  # noqa: RUF001 - as French writes it
        "hier à 14:05",
        "le 1 mai 2026 à 14:05",
        "le 3 février 2026 à 14:05",
    ),
    "lt": (
        "šiandien, 14:05",
        "vakar, 14:05",
        "2026 m. gegužės 1 d., 14:05",
        "2026 m. vasario 3 d., 14:05",
    ),
    "pl": ("dzisiaj, 14:05", "wczoraj, 14:05", "1 maja 2026, 14:05", "3 lutego 2026, 14:05"),
    "uk": (
        "сьогодні, 14:05",
        "вчора, 14:05",
        "1 травня 2026 року, 14:05",
        "3 лютого 2026 року, 14:05",
    ),
}
COUNTS = (1, 2, 5, 11, 21, 100)
APP_PASSWORDS = {
    "en": ("# app password", *["# app passwords"] * 5),
    "lv": (
        "# lietotnes parole",
        *["# lietotņu paroles"] * 3,
        "# lietotnes parole",
        "# lietotņu paroles",
    ),
    "ar": (
        "كلمة مرور تطبيق واحدة",
        "كلمتا مرور للتطبيقات",
        "# كلمات مرور للتطبيقات",
        *["# كلمة مرور تطبيق"] * 3,
    ),
    "de": ("# App-Passwort", *["# App-Passwörter"] * 5),
    "es": ("# contraseña de aplicación", *["# contraseñas de aplicación"] * 5),
    "et": ("# rakenduse parool", *["# rakenduse parooli"] * 5),
    "fr": (
        "# mot de passe d’application",  # noqa: RUF001 - the same
        *["# mots de passe d’application"] * 5,  # noqa: RUF001 - the same
    ),
    "lt": (
        "# programos slaptažodis",
        *["# programų slaptažodžiai"] * 2,
        "# programų slaptažodžių",
        "# programos slaptažodis",
        "# programų slaptažodžių",
    ),
    "pl": ("# hasło do aplikacji", "# hasła do aplikacji", *["# haseł do aplikacji"] * 4),
    "uk": (
        "# пароль додатка",
        "# паролі додатків",
        *["# паролів додатків"] * 2,
        "# пароль додатка",
        "# паролів додатків",
    ),
}
DAYS_LEFT = {
    "en": ("# day left", *["# days left"] * 5),
    "lv": (
        "atlikusi # diena",
        *["atlikušas # dienas"] * 3,
        "atlikusi # diena",
        "atlikušas # dienas",
    ),
    "ar": ("يتبقى يوم واحد", "يتبقى يومان", "تتبقى # أيام", *["يتبقى # يوما"] * 2, "يتبقى # يوم"),
    "de": ("noch # Tag", *["noch # Tage"] * 5),
    "es": ("queda # día", *["quedan # días"] * 5),
    "et": ("jäänud # päev", *["jäänud # päeva"] * 5),
    "fr": ("encore # jour", *["encore # jours"] * 5),
    "lt": ("liko # diena", *["liko # dienos"] * 2, "liko # dienų", "liko # diena", "liko # dienų"),
    "pl": ("został # dzień", "zostały # dni", *["zostało # dni"] * 4),
    "uk": (
        "лишився # день",
        "лишилося # дні",
        *["лишилося # днів"] * 2,
        "лишився # день",
        "лишилося # днів",
    ),
}
COUNTED = {
    ("%(count)s app password", "%(count)s app passwords"): APP_PASSWORDS,
    ("%(count)s day left", "%(count)s days left"): DAYS_LEFT,
}


def plain(words: str) -> str:
    """Without the marks of direction."""
    return ISOLATES.sub("", words)


@pytest.mark.parametrize("language", languages())
def test_points_in_time(language: str) -> None:
    with override(language):
        moments = [NOW - timedelta(days=days) for days in DAYS_AGO]
        said = tuple(plain(people_time.moment_words(at, now=NOW)) for at in moments)
    assert said == DATES[language]


@pytest.mark.parametrize("language", languages())
def test_months_and_hours_are_those_of_the_cldr(language: str) -> None:
    locale = "en_GB" if language == "en" else language
    wide = Locale.parse(locale).months["format"]["wide"]
    for month in range(1, 13):
        at = datetime(2026, month, 3, 7, 5, tzinfo=UTC)
        with override(language):
            date, clock = plain(people_time.date_words(at)), people_time.clock_words(at)
        # Latvian and Estonian say "in May" by the ending: how it begins can be compared.
        name = rf"{wide[month][:3]}\w+" if language in {"lv", "et"} else wide[month]
        assert re.search(rf"(?<!\w){name}(?!\w)", date)
        if language != "ar":  # 24 hours there too, on purpose: no letter of day and night
            assert clock.zfill(5) == format_time(at, "short", locale=locale).zfill(5)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("texts", COUNTED, ids=lambda texts: texts[0])
def test_counted_things(language: str, texts: tuple[str, str]) -> None:
    wanted = COUNTED[texts][language]
    with override(language):
        said = tuple(plain(ngettext(*texts, count)) for count in COUNTS)
    assert said == tuple(words.replace("#", "%(count)s") for words in wanted)
    rule = plural_rule(language)
    forms = {rule(count): words for count, words in zip(COUNTS, wanted, strict=True)}
    assert [forms[rule(count)] for count in COUNTS] == list(wanted), "the table is wrong"


@pytest.mark.parametrize("language", languages())
def test_a_page_counts_so(two_step: Person, anna: Account, language: str) -> None:
    Account.objects.update(language=language)
    for number in range(1, 6):
        AppPassword.objects.create(
            account=anna,
            digest=bytes([number]) * 32,
            app="mail",
            device="mac",
            scopes="imap",
            created_at=1,
        )
        if number in COUNTS:
            wanted = APP_PASSWORDS[language][COUNTS.index(number)].replace("#", str(number))
            with override("en"):  # and back: a page leaves its language to what comes next
                page = text_of(two_step.get("/security"))
            assert wanted in plain(page)


def test_a_fixed_limit_needs_no_plural_form_but_the_right_one() -> None:
    three = {"count": 3}  # the one number that this text is said with
    with override("pl"):
        said = gettext(
            "%(count)s codes were sent to this number within 10 minutes, the most allowed."
        )
    assert said % three == (
        "W ciągu 10 minut na ten numer wysłano największą dozwoloną liczbę kodów: 3."
    )
