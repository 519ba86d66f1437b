"""Compiles the translations when the package is built; everything else stands in pyproject.toml."""

from pathlib import Path
from typing import ClassVar

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from setuptools import Command, setup
from setuptools.command.build_py import build_py
from setuptools.errors import SetupError

LOCALE = Path(__file__).resolve().parent / "src" / "sidegate" / "locale"


def compile_translations() -> None:
    """Write each .po file of LOCALE as a .mo file beside it, or raise with what is wrong in it."""
    for source in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        with source.open("rb") as file:
            catalog = read_po(file, locale=source.parts[-3], abort_invalid=True)
        for message, errors in catalog.check():
            raise SetupError(f"{source}:{message.lineno}: {errors[0]}")
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
