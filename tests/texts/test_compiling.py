"""What the compilation of a catalogue adds for languages that are written from right to left."""

import gettext
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
CATALOGUE = """msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "Codes go to %(number)s."
msgstr "ترسل الرموز إلى %(number)s."

msgid "%(day)s, %(time)s"
msgstr "%(day)s، %(time)s"

msgid "Use an app password: %(link)s"
msgstr "كلمة مرور: %(link)s"
"""
FIRST, LAST, RIGHT_TO_LEFT = "\u2068", "\u2069", "\u200f"


def compiled(folder: Path, language: str) -> gettext.NullTranslations:
    for name in ("setup.py", "pyproject.toml", "README.md", "requirements.in", "LICENSE"):
        shutil.copy(HERE / name, folder / name)
    locale = folder / "src" / "sidegate" / "locale"
    po = locale / language / "LC_MESSAGES" / "django.po"
    po.parent.mkdir(parents=True)
    po.write_text(CATALOGUE.format(language=language))
    command = [sys.executable, "setup.py", "--quiet", "compile_translations"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return gettext.translation("django", localedir=str(locale), languages=[language])


def test_values_are_isolated(tmp_path: Path) -> None:
    said = compiled(tmp_path, "ar").gettext
    assert said("Codes go to %(number)s.") == f"ترسل الرموز إلى {FIRST}%(number)s{LAST}."


def test_a_text_of_values_alone_gets_a_direction(tmp_path: Path) -> None:
    said = compiled(tmp_path, "ar").gettext
    wanted = f"{RIGHT_TO_LEFT}{FIRST}%(day)s{LAST}، {FIRST}%(time)s{LAST}"
    assert said("%(day)s, %(time)s") == wanted


def test_a_link_has_no_marks_beside_it(tmp_path: Path) -> None:
    said = compiled(tmp_path, "ar").gettext
    assert said("Use an app password: %(link)s").endswith(": %(link)s")


@pytest.mark.parametrize("language", ["de", "uk"])
def test_nothing_is_added_from_left_to_right(tmp_path: Path, language: str) -> None:
    said = compiled(tmp_path, language).gettext
    assert FIRST not in said("Codes go to %(number)s.")
