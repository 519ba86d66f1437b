"""Each fault that a catalogue may have is found, and named with its language and its words."""

from pathlib import Path

import pytest

from peers import require
from texts.catalogue import faults, identity, messages, missing, read

HEADER = """msgid ""
msgstr ""
"Project-Id-Version: sidegate\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural};\\n"
{more}
"""
POLISH = "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2)"
ARABIC = (
    "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : "
    "n%100>=11 ? 4 : 5)"
)
TWO = "nplurals=2; plural=(n != 1)"
CODES = 'msgid "%(count)s code"\nmsgid_plural "%(count)s codes"\n'
PHONES = (
    'msgid "%(name)s: the phones that your codes go to were changed. '
    'Was it not you? Read the message in your mail."\n'
)


@pytest.fixture(autouse=True)
def _gettext() -> None:
    require("msgfmt")


def found(
    folder: Path, body: str, *, language: str = "de", plural: str = TWO, more: str = ""
) -> list[str]:
    path = folder / "django.po"
    header = HEADER.format(language=language, plural=plural, more=more)
    path.write_text(f"{header}\n{body}\n")
    return faults(path, language)


GOOD = (
    ("de", TWO, 'msgid "Next"\nmsgstr "Weiter"'),
    ("de", TWO, f'{CODES}msgstr[0] "ein Code"\nmsgstr[1] "%(count)s Codes"'),
    ("es", TWO, 'msgid "Turn it on?"\nmsgstr "¿Activarla?"'),
    ("ar", ARABIC, 'msgid "Turn it on?"\nmsgstr "هل تريد تفعيله؟"'),
    (
        "ar",
        ARABIC,
        (
            f'{CODES}msgstr[0] "لا رموز"\nmsgstr[1] "رمز واحد"\nmsgstr[2] "رمزان"\n'
            'msgstr[3] "%(count)s رموز"\nmsgstr[4] "%(count)s رمزًا"\nmsgstr[5] "%(count)s رمز"'
        ),
    ),
    ("pl", POLISH, f'{PHONES}msgstr "%(name)s: zmieniono telefony, na które przysyłamy kody."'),
)


@pytest.mark.parametrize(("language", "plural", "body"), GOOD)
def test_a_good_one(tmp_path: Path, language: str, plural: str, body: str) -> None:
    assert found(tmp_path, body, language=language, plural=plural) == []


BAD = (
    ('msgid "Next"\nmsgstr ""', "'Next': is not translated"),
    ('#, fuzzy\nmsgid "Next"\nmsgstr "Weiter"', "'Next': is fuzzy"),
    ('#~ msgid "Next"\n#~ msgstr "Weiter"', "'Next' is obsolete"),
    ('msgid "A"\nmsgstr "B"\n\nmsgid "A"\nmsgstr "C"', "duplicate message definition"),
    ('msgid "Port %(port)s"\nmsgstr "Port"', "['%(port)s'] is missing: Port"),
    ('msgid "Port %(port)s"\nmsgstr "Port %(prot)s"', "['%(prot)s'] is not in the source"),
    ('msgid "Port {port}"\nmsgstr "Port {}"', "['{port}'] is missing"),
    ('msgid "Up to %(a)s"\nmsgstr "%(a)s 5%"', "cannot be filled in"),
    (f'{CODES}msgstr[0] "ein Code"\nmsgstr[1] "viele Codes"', "['%(count)s'] is missing"),
    (f'{CODES}msgstr[0] "%(count)s"', "is not translated"),
    (
        f'{CODES}msgstr[0] "%(count)s"\nmsgstr[1] "%(count)s"\nmsgstr[2] "%(count)s"',
        "more translations than num_plurals",
    ),
    ('msgid "<b>Now</b>"\nmsgstr "<b>Jetzt<b>"', "has other HTML than the source"),
    ('msgid "Next"\nmsgstr "Weiter "', "begins or ends with a space"),
    ('msgid "Go on."\nmsgstr "Weiter."\n\nmsgid "Now."\nmsgstr "Jetzt"', "does not end with ."),
    ('msgid "Now?"\nmsgstr "Jetzt."', "does not end with"),
    ('msgid "Now"\nmsgstr "Jetzt."', "ends with ., and the source does not"),
    ('msgid "So it is."\nmsgstr "So  ist es."', "has two spaces in a row"),
    ('msgctxt "time format"\nmsgid "H:i"\nmsgstr "H Uhr"', "is no time"),
    (f'{PHONES}msgstr "%(name)s: {"sehr " * 40}lang."', "is too long for 1 SMS: 215 characters"),
    (f'{PHONES}msgstr "%(name)s: {"дуже " * 12}довго."', "of at most 70"),
)


@pytest.mark.parametrize(("body", "fault"), BAD)
def test_a_bad_one(tmp_path: Path, body: str, fault: str) -> None:
    lines = found(tmp_path, body)
    assert all(line.startswith("de: ") for line in lines)
    assert fault in "\n".join(lines)


def test_a_wrong_header(tmp_path: Path) -> None:
    text = "\n".join(found(tmp_path, "", language="pl", plural=TWO, more='"Last-Translator: A\\n"'))
    assert "Plural-Forms does not part the numbers as pl does" in text
    assert "header last-translator does not belong there" in text


def test_what_a_catalogue_lacks_and_holds_too_much(tmp_path: Path) -> None:
    found(tmp_path, 'msgid "Old"\nmsgstr "Alt"')
    held = {identity(message) for message in messages(read(tmp_path / "django.po", "de"))}
    assert held == {(None, "Old")}
    lines = missing(tmp_path / "django.po", "de", {(None, "New")})
    assert lines == ["de: (None, 'New') is missing", "de: nothing says (None, 'Old') any more"]
