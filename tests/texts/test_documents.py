"""The documents: each requirement of ASVS and WCAG answered once, and each named test there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
DOCS = TESTS.parent / "docs"

# How many requirements of level 1 or 2 each section has, from the first one on: the standard puts
# those of level 3 alone last in their section. OWASP ASVS 5.0.0, V2, V6, V7, V16.
SECTIONS = {
    "V2": {"2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1},
    "V6": {"6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4},
    "V7": {"7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2},
    "V16": {"16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3},
}
STATES = ("met", "partly", "not met", "n/a")

_ROW = re.compile(r"^\| ([\d.]+) \|[^|]*\| ([^|]*) \|", re.MULTILINE)
_COUNTS = re.compile(r"^\| (V\d+) [^|]*\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_NAMED = re.compile(
    r"(?:(?:tests/)?(?P<file>(?:[a-z_]+/)*test_\w+\.py))?(?:(?:::)?(?P<test>test_\w+))?"
)


def asvs() -> dict[str, str]:
    """The chapters by their number."""
    parts = (DOCS / "asvs.md").read_text().split("\n## V")
    return {"V" + part.partition(" ")[0]: part for part in parts[1:]}


def wanted(chapter: str) -> list[str]:
    of = SECTIONS[chapter]
    return [f"{section}.{number}" for section in of for number in range(1, of[section] + 1)]


@pytest.mark.parametrize("chapter", SECTIONS)
def test_each_requirement_is_answered_once_and_in_order(chapter: str) -> None:
    assert [number for number, _state in _ROW.findall(asvs()[chapter])] == wanted(chapter)


def test_no_other_chapter_is_answered() -> None:
    assert [*asvs()] == [*SECTIONS]


@pytest.mark.parametrize("chapter", SECTIONS)
def test_the_states_are_counted(chapter: str) -> None:
    states = Counter(state for _number, state in _ROW.findall(asvs()[chapter]))
    told = {name: counts for name, *counts in _COUNTS.findall((DOCS / "asvs.md").read_text())}
    assert {*states} <= {*STATES}
    assert [int(count) for count in told[chapter]] == [states[state] for state in STATES]


# The 55 criteria of levels A and AA: W3C, WCAG 2.2.
WCAG = {
    "1.1": [1],
    "1.2": range(1, 6),
    "1.3": range(1, 6),
    "1.4": [*range(1, 6), *range(10, 14)],
    "2.1": [1, 2, 4],
    "2.2": [1, 2],
    "2.3": [1],
    "2.4": [*range(1, 8), 11],
    "2.5": [1, 2, 3, 4, 7, 8],
    "3.1": [1, 2],
    "3.2": [1, 2, 3, 4, 6],
    "3.3": [1, 2, 3, 4, 7, 8],
    "4.1": [2, 3],
}


def test_each_criterion_of_wcag_is_answered_once_and_in_order() -> None:
    rows = _ROW.findall((DOCS / "design.md").read_text())
    assert [number for number, _state in rows] == [
        f"{guideline}.{number}" for guideline, numbers in WCAG.items() for number in numbers
    ]
    assert {state for _number, state in rows} <= {*STATES}


def names(text: str) -> Iterator[tuple[str, str]]:
    """File and test of each that is named; `::test_x` is of the file that was named before."""
    before = ""
    for code in _CODE.findall(text):
        found = _NAMED.fullmatch(code)
        if found is None:
            continue
        before = found["file"] or before
        yield before, found["test"] or ""


@cache
def functions_in(file: str) -> set[str]:
    path = TESTS / file
    if not path.is_file():
        return set()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    of = ast.walk(ast.parse(path.read_text()))
    return {"", *(one.name for one in of if isinstance(one, functions))}


def naming() -> list[Path]:
    return [path for path in sorted(DOCS.rglob("*.md")) if [*names(path.read_text())]]


@pytest.mark.parametrize("document", naming(), ids=lambda path: str(path.relative_to(DOCS)))
def test_each_test_that_is_named_is_there(document: Path) -> None:
    missing = [
        f"{file}::{test}".removesuffix("::")
        for file, test in names(document.read_text())
        if test not in functions_in(file)
    ]
    assert missing == []


def test_a_name_is_found_in_each_way_it_is_written() -> None:
    text = (
        "`a/test_b.py::test_c`, `::test_d`; `tests/a/test_e.py`, `test_e.py`, not `test` or `x.py`"
    )
    assert [*names(text)] == [
        ("a/test_b.py", "test_c"),
        ("a/test_b.py", "test_d"),
        ("a/test_e.py", ""),
        ("test_e.py", ""),
    ]


def test_the_tables_are_found_from_the_security_page() -> None:
    named = {document.name for document in naming()}
    assert {"asvs.md", "security.md", "codes.md"} <= named
    assert "](asvs.md)" in (DOCS / "security.md").read_text()
