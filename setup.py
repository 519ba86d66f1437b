"""Compiles the translations when the package is built; everything else stands in pyproject.toml."""

import re
import unicodedata
from pathlib import Path
from typing import ClassVar

from babel.core import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from setuptools import Command, setup
from setuptools.command.build_py import build_py
from setuptools.errors import SetupError

LOCALE = Path(__file__).resolve().parent / "src" / "sidegate" / "locale"

PLACEHOLDER = re.compile(r"%\((?!link\b|digits\b)\w+\)[sd]")
"""Not a link, which programs would take the marks into, nor what is spoken."""


def isolate_values(catalog: Catalog) -> None:
    """Keep what is put into right-to-left words in its own direction (Unicode's UAX 9, isolates).

    Without them "+371 20 000 000" is shown with its groups in the wrong order.
    """
    for message in catalog:
        if message.id and isinstance(message.string, str):
            message.string = _isolated(message.string)
        elif message.id:
            message.string = tuple(_isolated(form) for form in message.string)


def _isolated(text: str) -> str:
    isolated = PLACEHOLDER.sub("\u2068\\g<0>\u2069", text)
    # Without a letter of its own, such as "%(day)s, %(time)s", it would have no direction.
    rest = PLACEHOLDER.sub("", text)
    has_letters = any(unicodedata.bidirectional(letter) in {"L", "R", "AL"} for letter in rest)
    return isolated if has_letters or isolated == text else f"\u200f{isolated}"


def compile_translations() -> None:
    """Write each .po file of LOCALE as a .mo file beside it, or raise with what is wrong in it."""
    for source in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        with source.open("rb") as file:
            catalog = read_po(file, locale=source.parts[-3], abort_invalid=True)
        for message, errors in catalog.check():
            raise SetupError(f"{source}:{message.lineno}: {errors[0]}")
        if Locale(source.parts[-3]).text_direction == "rtl":
            isolate_values(catalog)
        with source.with_suffix(".mo").open("wb") as file:
            write_mo(file, catalog)


class CompileTranslations(Command):
    """The compilation alone, for the lint."""

    user_options: ClassVar[list[tuple[str, str | None, str]]] = []

    def initialize_options(self) -> None:
        """Nothing to set."""

    def finalize_options(self) -> None:
        """Nothing to settle."""

    def run(self) -> None:
        """Compile."""
        compile_translations()


class BuildWithTranslations(build_py):
    """The build of the package, an editable one too, with compiled translations."""

    def run(self) -> None:
        """Compile, then build: what lies beside the sources then is what the wheel holds."""
        compile_translations()
        super().run()


setup(cmdclass={"build_py": BuildWithTranslations, "compile_translations": CompileTranslations})
