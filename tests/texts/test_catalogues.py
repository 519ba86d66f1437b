"""The catalogues: complete, true to their sources, and nothing on a page that bypasses them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

import sidegate
from peers import require
from sidegate import texts

PACKAGE = Path(sidegate.__file__).parent
CATALOGUES = sorted((PACKAGE / "locale").glob("*/LC_MESSAGES/django.po"))
TEMPLATES = sorted(PACKAGE.glob("*/templates/**/*.html"))
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%%|\{(\w*)\}")
NO_WORDS = re.compile(
    r"{% blocktranslate.*?{% endblocktranslate %}|{% block body_class .*?{% endblock %}"
    r"|{%.*?%}|{{.*?}}|{#.*?#}",
    re.DOTALL,
)
SAID_BY_ATTRIBUTE = re.compile(r'\b(?:alt|aria-label|content|placeholder|title)="([^"]*)"')
TAG = re.compile(r"<[^>]*>")


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3], abort_invalid=True)


def messages(path: Path) -> list[Message]:
    return [message for message in read(path) if message.id]


def identity(message: Message) -> tuple[object, object]:
    return message.context, message.id


def sources_of(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def forms_of(message: Message) -> tuple[str, ...]:
    said = message.string or ""
    return (said,) if isinstance(said, str) else tuple(said)


def name_of(path: Path) -> str:
    return path.parts[-3]


@pytest.mark.parametrize("path", CATALOGUES, ids=name_of)
def test_everything_is_translated(path: Path) -> None:
    catalogue = read(path)
    assert not catalogue.obsolete
    for message in messages(path):
        forms = forms_of(message)
        assert all(forms), f"{message.id} is not translated"
        assert not message.fuzzy, f"{message.id} is fuzzy"
        assert len(forms) == (catalogue.num_plurals if message.pluralizable else 1), message.id


@pytest.mark.parametrize("path", CATALOGUES, ids=name_of)
def test_placeholders_are_those_of_the_source(path: Path) -> None:
    for message in messages(path):
        wanted = set(PLACEHOLDER.findall(sources_of(message)[-1]))
        for form in forms_of(message):
            assert set(PLACEHOLDER.findall(form)) == wanted, form


@pytest.mark.parametrize("path", CATALOGUES, ids=name_of)
def test_a_translation_begins_and_ends_as_its_source(path: Path) -> None:
    for message in messages(path):
        source = sources_of(message)[-1]
        for form in forms_of(message):
            assert form == form.strip(), form
            assert (source[-1] == "?") == (form[-1:] == "?"), form
            assert (source[-1] == "…") == (form[-1:] == "…"), form


def test_the_catalogues_hold_what_the_sources_say(tmp_path: Path) -> None:
    require("xgettext")
    copy = tmp_path / "sidegate"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("locale", "__pycache__"))
    (copy / "locale").mkdir()
    make = [sys.executable, "-m", "django", "makemessages", "--locale", "lv"]
    subprocess.run(make, cwd=copy, check=True, capture_output=True, text=True)
    (made,) = (copy / "locale").glob("lv/*/django.po")
    wanted = {identity(message) for message in messages(made)}
    for path in CATALOGUES:
        held = {identity(message) for message in messages(path)}
        assert held - wanted == set(), f"{path}: nothing says this any more"
        assert wanted - held == set(), f"{path}: missing"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_word_of_a_page_bypasses_the_catalogues(path: Path) -> None:
    rest = NO_WORDS.sub("", path.read_text())
    said = [TAG.sub(" ", rest), *SAID_BY_ATTRIBUTE.findall(rest)]
    words = re.findall(r"[^\W\d_]{2,}", " ".join(said))
    assert set(words) <= {"width", "device", "initial", "scale", "light", "dark"}, words


def test_latvian_without_django() -> None:
    assert texts.refusal("lv", "https://mail.example.test/").startswith("Pierakstīšanās noraidīta.")
    assert texts.refusal("lv-LV", "") == texts.refusal("lv", "")


@pytest.mark.parametrize("path", CATALOGUES, ids=name_of)
def test_a_code_fits_into_one_text_message(path: Path) -> None:
    # One letter beyond ASCII leaves room for 70 characters in place of 160.
    host = "mail.a-rather-long-name.example.test"
    text = texts.code_message(path.parts[-3], name="Sidegate", code="123456", host=host)
    assert text.isascii()
    assert len(text) <= 160
