"""What is wrong with a catalogue: a translator may run it on a file that is not installed yet.

    python tests/texts/catalogue.py LANGUAGE FILE [--against FILE]

Each fault names its language and the words that it stands at.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from gettext import c2py
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, read_po

from sidegate.wire import sms

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}")
TAG = re.compile(r"</?\w[^>]*>|&\w+;")
ENDS = {"?": "?؟", "…": "…", ":": ":", ".": ".", "!": "!", ",": ",،"}
"""How a text ends, and how its translation may."""
HEADER = {
    "project-id-version": "sidegate",
    "mime-version": "1.0",
    "content-type": "text/plain; charset=UTF-8",
    "content-transfer-encoding": "8bit",
}
"""Besides "Language" and "Plural-Forms": nobody's name, address or date."""
COUNTED = 200
"""The numbers that plural rules are tried on: none of our languages has another beyond."""
TIME_LETTERS = {"G", "H", "i", "s", "A", "a", "g", "h", "P"}

SERVICE, HOST, CODE = "Sidegate", "mail.example.test", "123456"
SENT_BY_SMS = {
    "%(code)s is your %(name)s code.": f"\n\n@{HOST} #{CODE}",
    "%(name)s: the phones that your codes go to were changed. "
    "Was it not you? Read the message in your mail.": "",
    "%(name)s: 2-Step Verification was turned off. Not you? Lock your account: %(link)s": "",
    "%(name)s: the account password was changed. Not you? Lock your account: %(link)s": "",
    "%(name)s: the ways into your account were changed. Not you? Lock your account: %(link)s": "",
    "%(name)s: in 48 hours 2-Step Verification can be turned off. Not you? Stop it: %(link)s": "",
}
"""Texts that go out as an SMS, and what follows them there."""
LOCK = f"https://{HOST}/lock/{'x' * 32}"
STOP = f"https://{HOST}/stop/{'x' * 22}"


def read(path: Path, language: str) -> Catalog:
    """The catalogue; raises `PoFileError` where it is none."""
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def messages(catalogue: Catalog) -> list[Message]:
    """Every text, without the header."""
    return [message for message in catalogue if message.id]


def identity(message: Message) -> tuple[object, object]:
    """What a program asks for."""
    return message.context, message.id


def sources_of(message: Message) -> tuple[str, ...]:
    """The English text, or its singular and plural."""
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def forms_of(message: Message) -> tuple[str, ...]:
    """The translation, or its plural forms."""
    said = message.string or ""
    return (said,) if isinstance(said, str) else tuple(said)


def faults(path: Path, language: str) -> list[str]:
    """Everything that is wrong with the file, a line each."""
    found = [f"{language}: {line}" for line in _format_faults(path)]
    try:
        catalogue = read(path, language)
    except PoFileError as error:
        return [*found, f"{language}: {error}"]
    found += [f"{language}: {line}" for line in _header_faults(path, catalogue, language)]
    found += [f"{language}: {said.id!r} is obsolete" for said in catalogue.obsolete.values()]
    for message in messages(catalogue):
        what = " / ".join(sources_of(message))
        found += [
            f"{language}: {what!r}: {fault}"
            for check in CHECKS
            for fault in check(catalogue, message)
        ]
    return found


def missing(path: Path, language: str, wanted: set[tuple[object, object]]) -> list[str]:
    """The texts that it lacks, and those that nothing says any more."""
    held = {identity(message) for message in messages(read(path, language))}
    lacks = [f"{language}: {what!r} is missing" for what in sorted(wanted - held, key=str)]
    return lacks + [
        f"{language}: nothing says {what!r} any more" for what in sorted(held - wanted, key=str)
    ]


# ---- The file and its header.


def _format_faults(path: Path) -> Iterator[str]:
    program = shutil.which("msgfmt")
    if program is None:
        return
    done = subprocess.run(
        [program, "--check-format", "--check-domain", "--output-file=/dev/null", path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        yield from (line.removeprefix(f"{path}:") for line in done.stderr.splitlines())


def _header_faults(path: Path, catalogue: Catalog, language: str) -> Iterator[str]:
    said = dict(_own_header(path))
    wanted = {**HEADER, "language": language}
    for name, value in wanted.items():
        if said.get(name) != value:
            yield f"header {name} is {said.get(name)!r}, not {value!r}"
    for name in said.keys() - wanted.keys() - {"plural-forms"}:
        yield f"header {name} does not belong there"
    if _groups(c2py(catalogue.plural_expr)) != _groups(plural_rule(language)):
        yield f"Plural-Forms does not part the numbers as {language} does"


def _own_header(path: Path) -> Iterator[tuple[str, str]]:
    """What the file says, not what babel would write."""
    _before, _entry, rest = path.read_text().partition('msgid ""\nmsgstr ""\n')
    for line in rest.partition("\n\n")[0].splitlines():
        name, _colon, value = line.strip('"').removesuffix("\\n").partition(":")
        yield name.lower(), value.strip()


def plural_rule(language: str) -> Callable[[int], int]:
    """Which form a number takes, by Unicode's rules; Latvian as gettext has always counted."""
    if language == "lv":
        return c2py("n%10==1 && n%100!=11 ? 0 : n != 0 ? 1 : 2")
    of = Locale(language).plural_form
    order = ("zero", "one", "two", "few", "many", "other")
    used = {of(number) for number in range(COUNTED)}
    places = {tag: place for place, tag in enumerate(tag for tag in order if tag in used)}
    return lambda number: places[of(number)]


def _groups(rule: Callable[[int], int]) -> list[int]:
    return [rule(number) for number in range(COUNTED)]


# ---- Each text.


def _translated(catalogue: Catalog, message: Message) -> Iterator[str]:
    forms = forms_of(message)
    if not all(forms):
        yield "is not translated"
    if message.fuzzy:
        yield "is fuzzy"
    wanted = catalogue.num_plurals if message.pluralizable else 1
    if len(forms) != wanted:
        yield f"has {len(forms)} forms, not {wanted}"


def _placeholders(catalogue: Catalog, message: Message) -> Iterator[str]:
    wanted = set(PLACEHOLDER.findall(sources_of(message)[-1]))
    for number, form in enumerate(forms_of(message)):
        held = set(PLACEHOLDER.findall(form))
        may_lack = wanted & {"%(count)s", "%(days)s", "%(seconds)s"}
        if not (message.pluralizable and _says_one_number(catalogue, number)):
            may_lack = set()
        if held - wanted:
            yield f"{sorted(held - wanted)} is not in the source: {form}"
        if wanted - held - may_lack:
            yield f"{sorted(wanted - held)} is missing: {form}"


def _says_one_number(catalogue: Catalog, form: int) -> bool:
    """Such as Arabic's two: the word alone may say the number."""
    rule = c2py(catalogue.plural_expr)
    return sum(rule(number) == form for number in range(COUNTED)) == 1


def _filled_in(_catalogue: Catalog, message: Message) -> Iterator[str]:
    names = re.findall(r"%\((\w+)\)", sources_of(message)[-1])
    if not names:
        return
    for form in forms_of(message):
        try:
            form % dict.fromkeys(names, 1)
        except (ValueError, TypeError, KeyError) as error:
            yield f"cannot be filled in ({error!r}): {form}"


def _tags(_catalogue: Catalog, message: Message) -> Iterator[str]:
    wanted = Counter(TAG.findall(sources_of(message)[-1]))
    for form in forms_of(message):
        if Counter(TAG.findall(form)) != wanted:
            yield f"has other HTML than the source: {form}"


def _ends(_catalogue: Catalog, message: Message) -> Iterator[str]:
    source = sources_of(message)[-1]
    may = ENDS.get(source[-1]) if source not in SENT_BY_SMS else None
    ends_in_a_word = source[-1].isalnum() and not PLACEHOLDER.fullmatch(source.split()[-1])
    for form in filter(None, forms_of(message)):
        if form != form.strip():
            yield f"begins or ends with a space: {form!r}"
        if may and form[-1] not in may:
            yield f"does not end with {may[-1]}: {form}"
        if ends_in_a_word and form[-1] in "?؟…:.!,،":
            yield f"ends with {form[-1]}, and the source does not: {form}"


def _spaces(_catalogue: Catalog, message: Message) -> Iterator[str]:
    for form in forms_of(message):
        if "  " in form or "\t" in form:
            yield f"has two spaces in a row: {form}"


def _time_formats(_catalogue: Catalog, message: Message) -> Iterator[str]:
    if message.context != "time format":
        return
    for form in forms_of(message):
        letters = set(re.findall(r"(?<!\\)[A-Za-z]", form))
        if not letters <= TIME_LETTERS or "i" not in letters:
            yield f"is no time as Django's date filter writes it: {form}"


def _one_sms(_catalogue: Catalog, message: Message) -> Iterator[str]:
    if message.id not in SENT_BY_SMS:
        return
    link = STOP if "Stop it" in message.id else LOCK
    for form in filter(None, forms_of(message)):
        said = form % {"code": CODE, "name": SERVICE, "link": link}
        sent = sms.fitted(said + SENT_BY_SMS[str(message.id)])
        # A link leaves no room for words beside it where a letter takes two bytes.
        most = 2 if link in sent and not sms.is_gsm(sent) else 1
        if len(sms.encode(sent, reference=0).parts) > most:
            letters = 160 if sms.is_gsm(sent) else 70 if most == 1 else 134
            odd = "".join(sorted({letter for letter in sent if not sms.is_gsm(letter)}))
            yield (
                f"is too long for {most} SMS: {len(sent)} characters of at most {letters} with "
                f"the service {SERVICE!r} and its last line (outside the GSM alphabet: "
                f"{odd or 'none'}): {form}"
            )


CHECKS: tuple[Callable[[Catalog, Message], Iterator[str]], ...] = (
    _translated,
    _placeholders,
    _filled_in,
    _tags,
    _ends,
    _spaces,
    _time_formats,
    _one_sms,
)


def main() -> int:
    """Print the faults of one file; 1 where it has any."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("language")
    parser.add_argument("file", type=Path)
    parser.add_argument("--against", type=Path, help="a catalogue that holds every text")
    asked = parser.parse_args()
    found = faults(asked.file, asked.language)
    if asked.against:
        wanted = {identity(said) for said in messages(read(asked.against, "lv"))}
        found += missing(asked.file, asked.language, wanted)
    print("\n".join(found) or f"{asked.language}: no fault found")  # noqa: T201 - what it is for
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
