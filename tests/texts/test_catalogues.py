"""The catalogues: complete, true to their sources, and nothing on a page that bypasses them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sidegate
from peers import require
from sidegate import texts
from texts.catalogue import faults, identity, messages, missing, read

PACKAGE = Path(sidegate.__file__).parent
CATALOGUES = sorted((PACKAGE / "locale").glob("*/LC_MESSAGES/django.po"))
TEMPLATES = sorted(PACKAGE.glob("*/templates/**/*.html"))
NO_WORDS = re.compile(
    r"{% blocktranslate.*?{% endblocktranslate %}|{% block body_class .*?{% endblock %}"
    r"|{%.*?%}|{{.*?}}|{#.*?#}",
    re.DOTALL,
)
SAID_BY_ATTRIBUTE = re.compile(r'\b(?:alt|aria-label|content|placeholder|title)="([^"]*)"')
TAG = re.compile(r"<[^>]*>")


def language_of(path: Path) -> str:
    return path.parts[-3]


def told(found: list[str]) -> str:
    return "\n" + "\n".join(found)


@pytest.mark.parametrize("path", CATALOGUES, ids=language_of)
def test_a_catalogue_has_no_fault(path: Path) -> None:
    require("msgfmt")
    found = faults(path, language_of(path))
    assert not found, told(found)


def test_the_catalogues_hold_what_the_sources_say(tmp_path: Path) -> None:
    require("xgettext")
    copy = tmp_path / "sidegate"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("locale", "__pycache__"))
    (copy / "locale").mkdir()
    make = [sys.executable, "-m", "django", "makemessages", "--locale", "lv"]
    subprocess.run(make, cwd=copy, check=True, capture_output=True, text=True)
    (made,) = (copy / "locale").glob("lv/*/django.po")
    wanted = {identity(message) for message in messages(read(made, "lv"))}
    found = [line for path in CATALOGUES for line in missing(path, language_of(path), wanted)]
    assert not found, told(found)


@pytest.mark.parametrize("path", CATALOGUES, ids=language_of)
def test_the_docs_have_a_row_for_it(path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "languages.md"
    assert f" `{language_of(path)}`" in page.read_text()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_word_of_a_page_bypasses_the_catalogues(path: Path) -> None:
    rest = NO_WORDS.sub("", path.read_text())
    said = [TAG.sub(" ", rest), *SAID_BY_ATTRIBUTE.findall(rest)]
    words = re.findall(r"[^\W\d_]{2,}", " ".join(said))
    assert set(words) <= {"width", "device", "initial", "scale", "light", "dark"}, words


def test_latvian_without_django() -> None:
    assert texts.refusal("lv", "https://mail.example.test/").startswith("Pierakstīšanās noraidīta.")
    assert texts.refusal("lv-LV", "") == texts.refusal("lv", "")
