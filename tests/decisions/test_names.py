"""One account, one name (rule 11)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.decisions.names import MAX_LOGIN, acting, canonical, canonical_name

TABLE = [
    ("anna@example.test", "anna@example.test"),
    ("Anna@Example.TEST", "anna@example.test"),
    ("  anna@example.test\r\n", "anna@example.test"),
    ("anna+outlook@example.test", "anna@example.test"),
    ("ANNA+a+b@example.test", "anna@example.test"),
    ("anna+@example.test", "anna@example.test"),
    ("anna@example.test.", "anna@example.test"),
    ("J\u00dcRGEN@example.test", "j\u00fcrgen@example.test"),
    ("ju\u0308rgen@example.test", "j\u00fcrgen@example.test"),
    ("anna", None),
    ("", None),
    ("@", None),
    ("@example.test", None),
    ("anna@", None),
    ("anna@.", None),
    ("+tag@example.test", None),
    ("an na@example.test", None),
    ("anna@exam\u00a0ple.test", None),
    ("anna\0@example.test", None),
    ("anna\u200b@example.test", None),
    ("anna\ud800@example.test", None),
    ("anna\n@example.test", None),
    ("a" * 242 + "@example.test", None),
]


@pytest.mark.parametrize(("login", "expected"), TABLE)
def test_the_table(login: str, expected: str | None) -> None:
    assert canonical(login) == expected


LETTERS = st.text("abcABC\u00e4\u00c4\u00df\u1e9e\u0345\u03b9\u0301\u0130\u01c5.+-_", max_size=12)
TEXTS = st.text(max_size=40) | st.builds("{}@{}".format, LETTERS, LETTERS)


@given(TEXTS)
def test_any_text_in_a_name_or_none_out(login: str) -> None:
    name = canonical(login)
    if name is None:
        return
    assert canonical(name) == name, "idempotent"
    assert len(name) <= MAX_LOGIN
    assert name.isprintable()
    local, _, domain = name.rpartition("@")
    assert local
    assert domain
    assert "+" not in local


@given(LETTERS, st.text("abc+", max_size=5), st.sampled_from([str.upper, str.lower, str.title]))
def test_no_spelling_of_an_account_is_another_account(
    local: str, tag: str, case: type[str]
) -> None:
    plain = canonical(f"{local}@example.test")
    if plain is None:
        return
    assert canonical(f"{local}+{tag}@example.test") == plain
    assert canonical(case(plain)) == plain


def test_a_long_login_costs_nothing() -> None:
    started = time.perf_counter()
    assert canonical("a" + "\u0301\u0316" * 200_000 + "@example.test") is None
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        ("Anna", "anna"),
        ("anna+tag", "anna"),
        ("Anna@Example.Test", "anna@example.test"),
        ("", None),
        ("+tag", None),
        ("an na", None),
        ("@", None),
        ("anna@", None),
        ("a" * 255, None),
    ],
)
def test_a_directory_may_have_names_without_a_domain(login: str, expected: str | None) -> None:
    assert canonical_name(login) == expected


@given(st.text(max_size=30))
def test_an_address_is_the_same_name_either_way(login: str) -> None:
    if canonical(login) is not None:
        assert canonical_name(login) == canonical(login)


@pytest.mark.parametrize(
    ("login", "authzid", "expected"),
    [
        ("Anna@example.test", "", ("anna@example.test", "")),
        ("anna*gate", "", ("anna", "gate")),
        ("anna*other", "", ("anna*other", "")),
        ("a*b*gate", "", ("a*b", "gate")),
        ("gate", "Anna@example.test", ("anna@example.test", "gate")),
        ("other", "anna", ("other", "")),
        ("gate", "", ("gate", "")),
        ("*gate", "", (None, "gate")),
    ],
)
def test_listed_masters_alone_act_as_others(
    login: str, authzid: str, expected: tuple[str | None, str]
) -> None:
    assert acting(login, authzid, {"gate"}) == expected
